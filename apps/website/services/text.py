"""Markdown to HTML. Raw HTML is shown as text, never obeyed; scripts' addresses are refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator, slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

SUMMARY_CHARACTERS = 220


def _make_parser() -> MarkdownIt:
    # Pictures would have to come from elsewhere, which the pages' content policy forbids.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])
    parser.core.ruler.push("headings_below_the_title", _lower_headings)
    return parser


def _lower_headings(state: Any) -> None:
    """The page's title is the only h1, so "# X" in the text is an h2."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


_parser = _make_parser()


def to_html(markdown: str) -> SafeString:
    """The text as safe HTML."""
    # markdown-it with html off escapes all it does not produce itself; test_text.py tries it.
    return mark_safe(_parser.render(markdown))  # noqa: S308


def summary_of(markdown: str, *, characters: int = SUMMARY_CHARACTERS) -> str:
    """The beginning of the text without markup, cut at a length."""
    words = " ".join(_plain(_parser.parse(markdown)).split())
    return Truncator(words).chars(characters)


def _plain(tokens: Sequence[Token]) -> str:
    parts = []
    for token in tokens:
        if token.children:
            parts.append(_plain(token.children))
        elif token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak") or token.block:
            parts.append(" ")
    return "".join(parts)


def free_slug(title: str, *, fallback: str, is_taken: Callable[[str], bool]) -> str:
    """An address made of the title that nobody uses yet: open-day, open-day-2, …"""
    stem = slugify(title)[:70].strip("-") or fallback
    slug, number = stem, 1
    while is_taken(slug):
        number += 1
        slug = f"{stem}-{number}"
    return slug
