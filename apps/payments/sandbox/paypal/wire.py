"""PayPal's wire: errors, numbers of things, times and amounts as it writes them."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
WITHOUT_DECIMALS = ("HUF", "JPY", "TWD")
CURRENCIES = (
    *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "MXN", "MYR"),
    *("NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "USD", *WITHOUT_DECIMALS),
)
_NAMES = {
    400: "INVALID_REQUEST",
    401: "AUTHENTICATION_FAILURE",
    403: "NOT_AUTHORIZED",
    404: "RESOURCE_NOT_FOUND",
    422: "UNPROCESSABLE_ENTITY",
}


class PayPalError(Exception):
    """An error in PayPal's shape."""

    def __init__(self, status: int, issue: str, description: str = "") -> None:
        super().__init__(issue)
        self.status = status
        detail = {"issue": issue, "description": description or issue.replace("_", " ").lower()}
        self.body: Json = {
            "name": _NAMES.get(status, "INTERNAL_SERVER_ERROR"),
            "message": detail["description"],
            "debug_id": secrets.token_hex(7),
            "details": [detail],
        }


def not_found(what: str) -> PayPalError:
    return PayPalError(404, "INVALID_RESOURCE_ID", f"There is no such {what}.")


def new_id() -> str:
    """17 capital letters and digits, as PayPal numbers its transactions."""
    return "".join(secrets.choice("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _place in range(17))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digits(currency: str) -> int:
    return 0 if currency in WITHOUT_DECIMALS else 2


def money(value: Decimal, currency: str) -> Json:
    return {"currency_code": currency, "value": f"{value:.{digits(currency)}f}"}


def amount(body: Any) -> tuple[Decimal, str]:
    """An amount above zero, with no more decimals than PayPal takes for its currency."""
    if not isinstance(body, dict) or not {"currency_code", "value"} <= set(body):
        raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", "An amount is missing.")
    currency, text = str(body["currency_code"]), str(body["value"])
    if currency not in CURRENCIES:
        raise PayPalError(422, "CURRENCY_NOT_SUPPORTED")
    if not re.fullmatch(r"\d{1,12}(\.\d+)?", text) or Decimal(text) <= 0:
        raise PayPalError(422, "INVALID_PARAMETER_VALUE", f"Not an amount: {text}")
    if currency in WITHOUT_DECIMALS and "." in text:
        raise PayPalError(422, "DECIMALS_NOT_SUPPORTED")
    if len(text.partition(".")[2]) > 2:
        raise PayPalError(422, "DECIMAL_PRECISION")
    return Decimal(text), currency


def minor(body: Json) -> int:
    """Minor units, for pages."""
    return int(Decimal(body["value"]).scaleb(digits(body["currency_code"])))
