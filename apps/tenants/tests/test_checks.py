from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tenants.services import checks
from kernel.errors import Invalid


@pytest.mark.parametrize("slug", ["riverside", "st-marys", "ps118", "a1", "x" * 63, "1st-school"])
def test_a_slug_is_a_dns_label(slug: str) -> None:
    assert checks.check_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "a",
        "Riverside",
        "-riverside",
        "riverside-",
        "river--side",
        "river side",
        "river.side",
        "river_side",
        "xn--caf-dma",
        "colegio-ñandú",
        "x" * 64,
        "riverside\n",
        "river\x00side",
        "'; DROP SCHEMA public; --",
    ],
)
def test_what_cannot_be_part_of_an_address_is_refused(slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        checks.check_slug(slug)

    assert refused.value.field == "slug"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("slug", ["www", "api", "admin", "operator", "mail", "localhost"])
def test_a_reserved_slug_is_refused(slug: str) -> None:
    with pytest.raises(Invalid, match="reserved"):
        checks.check_slug(slug)


@given(st.text(max_size=80))
def test_no_slug_gets_through_that_is_not_a_dns_label(text: str) -> None:
    try:
        slug = checks.check_slug(text)
    except Invalid:
        return
    assert slug == text
    assert 2 <= len(slug) <= 63
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("email", ["", "jo", "jo@", "@example.org", "jo example.org", "a@b@c.org"])
def test_a_bad_email_is_refused(email: str) -> None:
    with pytest.raises(Invalid) as refused:
        checks.check_email(email, field="admin_email")

    assert refused.value.field == "admin_email"


def test_the_name_is_trimmed_and_must_be_there() -> None:
    assert checks.check_name("  Riverside School ") == "Riverside School"
    for bad in ("", "   ", "R", "x" * 121, "River\x00side", "River\nside"):
        with pytest.raises(Invalid):
            checks.check_name(bad)


def test_currency_language_and_zone_come_from_lists() -> None:
    assert checks.check_currency("eur") == "EUR"
    assert checks.check_language("es") == "es"
    assert checks.check_time_zone("Europe/Madrid") == "Europe/Madrid"
    assert checks.check_time_zone("UTC") == "UTC"
    for check, bad in (
        (checks.check_currency, "XXX"),
        (checks.check_language, "de"),
        (checks.check_time_zone, "Mars/Olympus"),
        (checks.check_time_zone, "../../etc/passwd"),
        (checks.check_time_zone, ""),
    ):
        with pytest.raises(Invalid):
            check(bad)


def test_contrast_follows_wcag() -> None:
    assert checks.contrast_with_white("#000000") == 21.0
    assert checks.contrast_with_white("#ffffff") == 1.0
    # Known from the literature: #767676 is the lightest grey that passes 4.5 : 1.
    assert round(checks.contrast_with_white("#767676"), 2) == 4.54
    assert checks.check_colour("#767676") == "#767676"
    with pytest.raises(Invalid, match="darker"):
        checks.check_colour("#777777")


@pytest.mark.parametrize("colour", ["", "red", "#12", "#12345g", "1f5f8b", "#1f5f8b;}body{"])
def test_a_colour_is_six_hex_digits(colour: str) -> None:
    with pytest.raises(Invalid) as refused:
        checks.check_colour(colour)

    assert refused.value.field == "colour"


def test_an_address_keeps_its_lines() -> None:
    assert checks.check_address(" 1 Main St \r\n Springfield\r\n\r\n") == "1 Main St\nSpringfield"
    with pytest.raises(Invalid):
        checks.check_address("x\n" * 300)


def test_phone_numbers_of_the_world_pass() -> None:
    for phone in ("", "+34 91 123 45 67", "(312) 555-0100", "0207.946.0000"):
        assert checks.check_phone(phone) == phone
    with pytest.raises(Invalid):
        checks.check_phone("call me")


def test_a_long_bad_value_is_shown_short_and_on_one_line() -> None:
    with pytest.raises(Invalid) as refused:
        checks.check_slug("A\n" * 500)

    assert len(str(refused.value)) < 250
    assert "\n" not in str(refused.value)
