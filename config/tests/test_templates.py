"""What holds for every template: it compiles, keeps to the content security policy, and names
only icons that exist."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template
from django.test import RequestFactory

from config.gateway import gallery
from kernel.access import Anonymous

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER) for path in FOLDER.glob("**/*.html"))
# Mails are read where no stylesheet of ours reaches.
PAGES = [path for path in TEMPLATES if "email" not in path.parts]
INLINE = re.compile(r"""\sstyle=["']|<style|\son[a-z]+=["']|<script(?![^>]*\ssrc=)|javascript:""")
ICON = re.compile(r"""{% icon ["']([a-z-]+)["']|\bicon=["']([a-z-]+)["']""")


def names(paths: list[Path]) -> list[str]:
    return [path.as_posix() for path in paths]


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_it_compiles(name: str) -> None:
    assert get_template(name)


@pytest.mark.parametrize("name", names(PAGES))
def test_no_inline_script_or_style(name: str) -> None:
    text = (FOLDER / name).read_text()

    assert INLINE.findall(text) == []


def test_every_icon_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'id="([a-z-]+)"', (ROOT / "static" / "icons.svg").read_text()))
    used = {
        (first or second, path.as_posix())
        for path in PAGES
        for first, second in ICON.findall((FOLDER / path).read_text())
    }

    assert {(icon, path) for icon, path in used if icon not in sprite} == set()


def test_the_icons_of_the_menus_are_in_the_sprite() -> None:
    from config.gateway import navigation

    sprite = (ROOT / "static" / "icons.svg").read_text()
    places = [place for _title, group in navigation.PORTAL for place in group]

    for place in (*places, *navigation.FAMILY, *navigation.SITE, *navigation.PLATFORM):
        assert f'id="{place.icon}"' in sprite


@pytest.mark.parametrize("shell", gallery.SHELLS)
def test_the_gallery_shows_every_shell(shell: str) -> None:
    request = RequestFactory().get("/design/", {"shell": shell})
    request.user = Anonymous()

    answer = gallery.page(request)

    assert answer.status_code == 200
    assert "Students with something to pay" in answer.content.decode()


@pytest.mark.parametrize(
    "name", ["400", "403", "404", "413", "429", "500", "error", "suspended", "unknown_host"]
)
def test_error_pages_need_nobody(name: str) -> None:
    """They are shown before anybody is known, and when everything else is broken."""
    request = RequestFactory().get("/broken/")

    page = get_template(f"{name}.html").render({}, request)

    assert "<h1>" in page
    assert page.count("<main") == 1


def test_the_page_of_a_server_error_says_the_code() -> None:
    page = get_template("500.html").render({"trace_id": "abc123"}, RequestFactory().get("/"))

    assert "abc123" in page
