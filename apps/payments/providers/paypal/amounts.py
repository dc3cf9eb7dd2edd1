"""Amounts as PayPal writes them: decimal text, with the decimals PayPal wants for each currency."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from apps.payments.providers.base import Invalid, Unknown
from kernel import money

# PayPal's own list with the decimals it takes: HUF, JPY and TWD have none there.
CURRENCIES: dict[str, int] = {
    **dict.fromkeys(("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD"), 2),
    **dict.fromkeys(("ILS", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB"), 2),
    "USD": 2,
    **dict.fromkeys(("HUF", "JPY", "TWD"), 0),
}


def takes(currency: str) -> bool:
    """True when our minor units are PayPal's too."""
    return currency in CURRENCIES and money.CURRENCIES.get(currency) == CURRENCIES[currency]


def to_paypal(minor: int, currency: str) -> dict[str, str]:
    """1999, USD as {"currency_code": "USD", "value": "19.99"}. Raises Invalid."""
    if currency not in CURRENCIES:
        raise Invalid(f"PayPal takes no {currency}.", code="currency")
    digits = CURRENCIES[currency]
    return {"currency_code": currency, "value": f"{Decimal(minor).scaleb(-digits):.{digits}f}"}


def from_paypal(amount: Any) -> tuple[int, str]:
    """Minor units and currency. Raises Unknown for what is no amount of a known currency."""
    try:
        currency = amount["currency_code"]
        minor = Decimal(amount["value"]).scaleb(CURRENCIES[currency])
        if minor != minor.to_integral_value():
            raise ValueError
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise Unknown("PayPal named an amount that cannot be read.", code="amount") from error
    return int(minor), currency
