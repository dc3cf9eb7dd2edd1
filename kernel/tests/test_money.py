"""Amounts: what people type, what they read, and sums."""

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import (
    CURRENCIES,
    CurrencyMismatch,
    Money,
    amount_text,
    format_money,
    parse_amount,
    to_decimal,
)


@pytest.mark.parametrize(
    ("text", "currency", "language", "minor"),
    [
        ("19.99", "USD", "en", 1999),
        ("$1,234.50", "USD", "en", 123450),
        ("1234", "USD", "en", 123400),
        ("1,234", "USD", "en", 123400),
        ("19,99", "EUR", "es", 1999),
        ("1.234,50 €", "EUR", "es", 123450),
        ("12.50", "EUR", "es", 1250),  # a lone point with two digits is a decimal everywhere
        ("1.234", "EUR", "es", 123400),
        ("-5.00", "USD", "en", -500),
        ("1500", "JPY", "en", 1500),
        (".50", "USD", "en", 50),
        ("$.50", "USD", "en", 50),
        (",5", "EUR", "es", 50),
        ("kr. 50", "SEK", "en", 5000),
        ("US$ 50", "USD", "en", 5000),
        ("50 EUR", "EUR", "es", 5000),
    ],
)
def test_parses_what_people_type(text: str, currency: str, language: str, minor: int) -> None:
    with translation.override(language):
        assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ten",
        "1.999",
        "1 2 3",
        "--5",
        "1e9",
        "٣",
        "1２",
        "9" * 40,
        "NaN",
        "(5)",
        "5-",
        ".500",
        "2k",
    ],
)
def test_refuses_what_is_no_amount(text: str) -> None:
    with translation.override("en"), pytest.raises(ValueError):
        parse_amount(text, "USD")


def test_yen_have_no_decimals() -> None:
    with translation.override("en"), pytest.raises(ValueError, match="at most 0 decimals"):
        parse_amount("10.5", "JPY")


@pytest.mark.parametrize("language", ["en", "es"])
@given(minor=st.integers(-(10**11), 10**11), currency=st.sampled_from(sorted(CURRENCIES)))
def test_what_is_shown_can_be_typed_again(language: str, minor: int, currency: str) -> None:
    with translation.override(language):
        plain = format_money(abs(minor), currency)
        assert parse_amount(plain, currency) == abs(minor)


@given(text=st.text(max_size=60))
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    with translation.override("es"):
        try:
            minor = parse_amount(text, "EUR")
        except ValueError:
            return
        assert isinstance(minor, int)


def test_formats_in_the_active_language() -> None:
    with translation.override("en"):
        assert format_money(123450, "USD") == "$1,234.50"
    with translation.override("es"):
        assert format_money(123450, "EUR").replace("\u00a0", " ") == "1.234,50 €"


def test_sums_stay_in_one_currency() -> None:
    assert Money(100, "USD") + Money(50, "USD") - Money(1, "USD") == Money(149, "USD")
    assert Money(1, "USD") < Money(2, "USD") <= Money(2, "USD")
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(ValueError, match="Unknown currency"):
        Money(1, "XXX")


def test_decimal_is_exact() -> None:
    assert str(to_decimal(1999, "USD")) == "19.99"
    assert str(to_decimal(1999, "JPY")) == "1999"


@pytest.mark.parametrize(
    ("language", "currency", "text"),
    [("en", "USD", "1234.50"), ("es", "EUR", "1234,50"), ("es", "JPY", "123450")],
)
def test_a_form_shows_what_it_can_read_back(language: str, currency: str, text: str) -> None:
    with translation.override(language):
        assert amount_text(123450, currency) == text
        assert parse_amount(text, currency) == 123450
