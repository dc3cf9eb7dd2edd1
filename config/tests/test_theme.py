"""The school's colour: readable whatever colour a school picks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.gateway import theme
from kernel.schools import in_public

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def tokens(css: str) -> list[dict[str, theme.Colour]]:
    """The light theme's tokens, then the dark theme's."""
    return [
        {
            name: theme.parse(value)
            for name, value in re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", part)
        }
        for part in css.split("@media")
    ]


@given(COLOURS)
def test_text_in_any_accent_is_readable_in_both_themes(colour: str) -> None:
    light, dark = tokens(theme.accent_css(colour))

    for surface in theme.LIGHT_SURFACES:
        assert theme.contrast(light["accent-text"], surface) >= 4.5
    assert theme.contrast(light["accent-ink"], light["accent"]) >= 4.5
    assert theme.contrast(light["accent-ink"], light["accent-strong"]) >= 4.5
    assert theme.contrast(dark["accent-text"], theme.DARK_SURFACE) >= 4.5
    assert theme.contrast(dark["accent-ink"], dark["accent"]) >= 4.5


def test_a_readable_colour_stays_what_the_school_chose() -> None:
    light, _dark = tokens(theme.accent_css("#1f5f8b"))

    assert theme.to_hex(light["accent"]) == "#1f5f8b"
    assert theme.to_hex(light["accent-ink"]) == "#ffffff"


@pytest.mark.parametrize("colour", ["", "red", "#fff", "#12345g", "#123456;}body{display:none"])
def test_what_is_not_a_colour_never_reaches_the_stylesheet(colour: str) -> None:
    class School:
        pass

    school = School()
    school.colour = colour

    assert theme.accent_of(school) == theme.DEFAULT_ACCENT


def test_contrast_is_that_of_wcag() -> None:
    assert theme.contrast(theme.BLACK, theme.WHITE) == pytest.approx(21)
    assert theme.contrast(theme.WHITE, theme.WHITE) == 1


def test_the_stylesheet_is_the_schools_own_and_cached(school, anonymous) -> None:
    with in_public():
        school.colour = "#7a1f3d"
        school.save(update_fields=["colour"])
    browser = anonymous()

    answer = browser.get("/theme.css")
    again = browser.get("/theme.css", headers={"if-none-match": answer["ETag"]})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "--accent:#7a1f3d" in answer.content.decode()
    assert "max-age=" in answer["Cache-Control"]
    assert again.status_code == 304


def test_two_schools_have_two_addresses(school, other_school) -> None:
    school.colour, other_school.colour = "#7a1f3d", "#1f7a3d"

    assert theme.theme_url(school) == "/theme.css?v=7a1f3d"
    assert theme.theme_url(other_school) == "/theme.css?v=1f7a3d"
