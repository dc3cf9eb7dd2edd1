"""Markdown that strangers' browsers will show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.website.services.text import free_slug, summary_of, to_html


def test_headings_start_below_the_title_of_the_page():
    assert to_html("# One\n\n## Two\n\n###### Six") == (
        "<h2>One</h2>\n<h3>Two</h3>\n<h6>Six</h6>\n"
    )


def test_lists_tables_and_links():
    html = to_html("- **a**\n\n[b](https://example.org)\n\n| x |\n| --- |\n| y |")

    assert "<li><strong>a</strong></li>" in html
    assert '<a href="https://example.org">b</a>' in html
    assert "<td>y</td>" in html


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=alert(1)>b</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:alert(1))",
        "<javascript:alert(1)>",
        '[x](https://e.org "onmouseover=\\"alert(1)")',
        "![x](https://evil.example/pixel.png)",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_nothing_that_runs_or_loads_gets_through(attack):
    html = to_html(attack).lower()

    assert "<script" not in html
    assert "<img" not in html
    assert "<b onclick" not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert 'href="vbscript' not in html
    assert 'onmouseover="' not in html


@given(st.text(max_size=300))
def test_any_text_gives_html_with_known_tags_only(text):
    from html.parser import HTMLParser

    found: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.add(tag)

    Tags().feed(str(to_html(text)))
    known = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong"}
    known |= {"ul", "h2", "h3", "h4", "h5", "h6"}
    assert found <= {*known, "table", "thead", "tbody", "tr", "th", "td"}


def test_a_summary_is_plain_and_cut():
    text = "# Title\n\nSome **bold** words\nand [a link](https://example.org).\n\n- one\n- two"

    assert summary_of(text) == "Title Some bold words and a link. one two"
    assert summary_of("word " * 100, characters=20) == "word word word word…"


def test_addresses_are_free_and_readable():
    taken = {"dia-abierto", "dia-abierto-2"}

    assert free_slug("¡Día abierto!", fallback="news", is_taken=taken.__contains__) == (
        "dia-abierto-3"
    )
    assert free_slug("日本", fallback="news", is_taken=taken.__contains__) == "news"
