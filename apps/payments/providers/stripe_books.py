"""Stripe's own books as transactions: pure, from what its API says to the types of base.py.

A line of Stripe's balance is in the currency the account settles in. What was paid is the amount
and currency of the line's *source* (charge, refund, dispute), so that is what is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from apps.payments.providers.base import PayoutSnapshot, Transaction

Json = dict[str, Any]
PAGE = 100
_KINDS = {
    "charge": "charge",
    "charge_failure": "charge_failure",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "dispute": "dispute",
    "dispute_reversal": "dispute_reversal",
    "fee": "fee",
    "network_cost": "fee",
    "payout": "payout",
    "payout_reversal": "payout",
}
_PAYOUT_STATUS = {"paid": "paid", "failed": "failed", "canceled": "failed", "pending": "pending"}


def between(since: datetime, until: datetime) -> dict[str, int]:
    """The bounds of a list, in whole seconds: the last one is left out."""
    return {"gte": math.ceil(since.timestamp()), "lt": math.ceil(until.timestamp())}


def transaction(row: Json, *, payout_id: str = "") -> Transaction:
    """One balance transaction with its source expanded."""
    kind = _KINDS.get(row.get("reporting_category") or "", "other")
    source = row["source"] if isinstance(row.get("source"), dict) else {}
    amount, currency = _paid(kind, row, source)
    return Transaction(
        transaction_id=row["id"],
        kind=kind,
        at=_moment(row["created"]),
        amount_minor=amount,
        currency=currency.upper(),
        fee_minor=row.get("fee") or 0,
        net_minor=row["net"],
        settlement_currency=row["currency"].upper(),
        object_id=source.get("id") or str(row.get("source") or row["id"]),
        capture_id=_capture_of(source),
        payment_id=str((source.get("metadata") or {}).get("payment_id") or ""),
        payout_id=payout_id or (source.get("id", "") if kind == "payout" else ""),
        settled=row.get("status") == "available",
    )


def payout(body: Json, rows: Iterable[Json]) -> PayoutSnapshot:
    """A payout and its lines; its own line, which empties the balance, is left out."""
    lines = (transaction(row, payout_id=body["id"]) for row in rows)
    return PayoutSnapshot(
        payout_id=body["id"],
        amount_minor=body["amount"],
        currency=body["currency"].upper(),
        status=_PAYOUT_STATUS.get(body.get("status") or "", "in_transit"),
        descriptor=str(body.get("statement_descriptor") or ""),
        arrives_on=_day(body["arrival_date"]),
        at=_moment(body["created"]),
        transactions=tuple(line for line in lines if line.kind != "payout"),
    )


def _paid(kind: str, row: Json, source: Json) -> tuple[int, str]:
    """Amount and currency of what was paid; of a line without a source those of the line."""
    if kind == "charge":
        amount = source.get("amount_captured", source.get("amount"))
    elif kind in ("refund", "refund_failure", "dispute", "dispute_reversal", "charge_failure"):
        amount = source.get("amount")
    else:
        amount = None
    if amount is None or "currency" not in source:
        return row["amount"], row["currency"]
    return (amount if row["amount"] >= 0 else -amount), source["currency"]


def _capture_of(source: Json) -> str:
    if source.get("object") == "charge":
        return str(source["id"])
    charge = source.get("charge") or ""
    return str(charge["id"] if isinstance(charge, dict) else charge)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(seconds: int) -> date:
    return _moment(seconds).date()
