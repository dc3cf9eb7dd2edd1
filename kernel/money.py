"""Money in integer minor units and an ISO 4217 currency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from babel.numbers import NumberFormatError, format_currency, get_decimal_symbol, parse_decimal
from django.utils import translation
from django.utils.translation import gettext as _

# Allow-list with the decimals each currency has (ISO 4217). A currency joins once every gateway
# we speak to has been checked to use the same exponent.
CURRENCIES: dict[str, int] = {
    "AUD": 2,
    "CAD": 2,
    "CHF": 2,
    "DKK": 2,
    "EUR": 2,
    "GBP": 2,
    "JPY": 0,
    "MXN": 2,
    "NOK": 2,
    "NZD": 2,
    "PLN": 2,
    "SEK": 2,
    "USD": 2,
    "ZAR": 2,
}
MAX_MINOR = 10**12


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum or comparison."""


def exponent(currency: str) -> int:
    """Decimals of the currency. Raises ValueError for one that is not on the allow-list."""
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise ValueError(f"Unknown currency {currency!r}") from None


def to_decimal(minor: int, currency: str) -> Decimal:
    """1999, 'USD' -> Decimal('19.99')."""
    return Decimal(minor).scaleb(-exponent(currency))


def _locale() -> str:
    return translation.to_locale(translation.get_language() or "en")


def format_money(minor: int, currency: str) -> str:
    """The amount as people write it in the active language: $1,234.50, 1.234,50 €."""
    return format_currency(to_decimal(minor, currency), currency, locale=_locale())


def amount_text(minor: int, currency: str) -> str:
    """The amount as one types it into a form in the active language: 1234.50, 1234,50."""
    number = f"{to_decimal(minor, currency):f}"
    return number.replace(".", get_decimal_symbol(_locale()))


# A symbol or code before or behind the number: "$", "kr.", "US$", "EUR". Digits of any script,
# signs, parentheses and a leading separator stay, since without them ".50" and "(5)" would become
# 50 and 5; so does a single letter behind it, since "2k" is not 2.
_CURRENCY_BEFORE = re.compile(r"^(?:[^\W\d_]+\.?|[^\w.,()-])+")
_CURRENCY_BEHIND = re.compile(r"(?:[^\w()-]|[^\W\d_]{2,})+$")
# Separators that stand between groups of three digits, in one language or another.
_WRITTEN = re.compile(r"^-?[0-9][0-9.,' ]*$")
_GROUPED = re.compile(r"^[0-9]{1,3}(?:[.,' ][0-9]{3})+$")


def _decimal(text: str) -> Decimal:
    plain = text.strip().replace("\u00a0", " ").replace("\u202f", " ")
    plain = _CURRENCY_BEHIND.sub("", _CURRENCY_BEFORE.sub("", plain))
    # "12.50" must mean twelve and a half in a Spanish school too: a lone point or comma with one
    # or two digits behind it is the decimal separator in every language.
    if re.fullmatch(r"-?[0-9]*[.,][0-9]{1,2}", plain):
        return Decimal(plain.replace(",", "."))
    if not _WRITTEN.match(plain):
        raise InvalidOperation
    if not _GROUPED.match(plain) and " " in plain:
        raise InvalidOperation
    return parse_decimal(plain.replace(" ", ""), locale=_locale())


def parse_amount(text: str, currency: str) -> int:
    """What a person typed, in minor units. Raises ValueError with a message for that person."""
    try:
        value = _decimal(text)
    except (NumberFormatError, InvalidOperation, ValueError):
        example = f"1234{get_decimal_symbol(_locale())}50"
        message = _("“%(text)s” is not an amount. Write it like %(example)s.")
        raise ValueError(message % {"text": text[:30], "example": example}) from None
    minor = value.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        message = _("%(currency)s amounts have at most %(digits)d decimals.")
        raise ValueError(message % {"currency": currency, "digits": exponent(currency)})
    if abs(minor) > MAX_MINOR:
        raise ValueError(_("This amount is too large."))
    return int(minor)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency. Sums and comparisons across currencies raise."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        return self == other or self < other

    @property
    def is_zero(self) -> bool:
        return self.minor == 0

    def __str__(self) -> str:
        return format_money(self.minor, self.currency)
