"""Money that people hand over or transfer themselves: no gateway is asked, a person vouches."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from apps.payments.providers.base import CaptureSnapshot, RefundSnapshot

# What the number of a reversal begins with: the money never was there, nobody got it back.
RETURNED = "returned:"
# What the key of a reversal begins with whose bank line was matched to the wrong family.
UNDONE_MATCH = "bank-undo:"


def receive(
    *, payment_id: str, amount_minor: int, currency: str, method: str, received_at: datetime
) -> CaptureSnapshot:
    """The capture of a payment at the counter; there is one a payment."""
    return CaptureSnapshot(
        capture_id=f"{method}:{payment_id}",
        amount_minor=amount_minor,
        currency=currency,
        method=method,
        at=received_at,
    )


def give_back(*, refund_id: str, amount_minor: int, currency: str, at: datetime) -> RefundSnapshot:
    """Cash handed back (or a transfer made by the bursar) is done when it is recorded."""
    return RefundSnapshot(
        provider_refund_id=f"offline:{refund_id}",
        our_id=refund_id,
        amount_minor=amount_minor,
        currency=currency,
        status="succeeded",
        failure="",
        at=at,
    )


def moment_of(day: date, *, now: datetime, time_zone: str) -> datetime:
    """A day on which money came in, as a time: now for today, else noon in the school's zone."""
    zone = ZoneInfo(time_zone)
    if day == now.astimezone(zone).date():
        return now
    return datetime.combine(day, time(12), tzinfo=zone)
