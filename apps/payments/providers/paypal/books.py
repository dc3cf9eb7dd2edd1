"""PayPal's own books: its transaction reports as the types of base.py.

A report spans at most 31 days, shows money up to three hours late, and may hold the same id in
several lines (a payment and the fee or hold that came with it): a line's own id is made of its
id and its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from apps.payments.providers.base import Transaction, Unknown
from apps.payments.providers.paypal.amounts import from_paypal
from apps.payments.providers.paypal.api import Api
from apps.payments.providers.paypal.orders import moment

SPAN = timedelta(days=31)
PAGE = 500
# PayPal's event codes: whole ones first, else their group.
_KINDS = {
    "T1106": "dispute",
    "T1107": "refund",
    "T1201": "dispute",
    "T1202": "dispute_reversal",
    "T00": "charge",
    "T01": "fee",
    "T04": "payout",
}


def transactions(api: Api, *, since: datetime, until: datetime) -> Iterator[Transaction]:
    """Each line once, oldest span first. Raises ProviderError when a page cannot be had."""
    seen: set[str] = set()
    begins = since
    while begins < until:
        ends = min(begins + SPAN, until)
        for line in _span(api, begins, ends):
            if since <= line.at < until and line.transaction_id not in seen:
                seen.add(line.transaction_id)
                yield line
        begins = ends


def _span(api: Api, begins: datetime, ends: datetime) -> Iterator[Transaction]:
    page, pages = 1, 1
    while page <= pages:
        query = {
            "start_date": _text(begins),
            "end_date": _text(ends),
            "fields": "transaction_info",
            "page_size": PAGE,
            "page": page,
        }
        answer = api.call("GET", f"v1/reporting/transactions?{urlencode(query)}")
        rows = answer.get("transaction_details")
        if rows is None:
            raise Unknown("PayPal's report cannot be read.", code="report")
        for row in rows:
            # Denied and pending: asked for, and never moved or not yet.
            if row["transaction_info"].get("transaction_status") not in ("D", "P"):
                yield _transaction(row["transaction_info"])
        page, pages = page + 1, int(answer.get("total_pages") or 1)


def _transaction(info: dict[str, Any]) -> Transaction:
    amount_minor, currency = from_paypal(info["transaction_amount"])
    fee = info.get("fee_amount")
    # PayPal writes what it keeps as a negative amount.
    fee_minor = -from_paypal(fee)[0] if fee else 0
    code = info.get("transaction_event_code") or ""
    kind = _kind(code, amount_minor)
    number = info["transaction_id"]
    related = info.get("paypal_reference_id") or ""
    return Transaction(
        transaction_id=f"{number}/{code}",
        kind=kind,
        at=moment(info["transaction_initiation_date"]),
        amount_minor=amount_minor,
        currency=currency,
        fee_minor=fee_minor,
        net_minor=amount_minor - fee_minor,
        settlement_currency=currency,
        object_id=number,
        capture_id=number if kind == "charge" else related,
        payment_id=str(info.get("custom_field") or "") if kind == "charge" else "",
        payout_id=number if kind == "payout" else "",
        settled=info.get("transaction_status") in ("S", "V"),
    )


def _kind(code: str, amount_minor: int) -> str:
    kind = _KINDS.get(code) or _KINDS.get(code[:3]) or "other"
    if kind in ("dispute", "dispute_reversal"):  # PayPal writes both with either sign
        return "dispute" if amount_minor < 0 else "dispute_reversal"
    return kind


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
