"""Events of payments. The first part is published to other apps, the second is a payment's story.

A payment's state is only ever the fold of its stored events (see aggregate.py), so these classes
are kept for ever: a change of shape is a new version. Amounts are minor units, times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    reference: str
    description: str
    amount_minor: int


# Published through the outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured:
    """The gateway has the money; `lines` say what it is for."""

    name: ClassVar[str] = "payments.payment_captured"
    version: ClassVar[int] = 1
    payment_id: UUID
    payer_id: UUID
    payer_name: str
    payer_email: str
    amount_minor: int
    currency: str
    method: str
    lines: tuple[Line, ...]
    captured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed:
    """A payment brought no money. `reason`: declined, cancelled or expired; a declined one may
    still be paid later."""

    name: ClassVar[str] = "payments.payment_failed"
    version: ClassVar[int] = 1
    payment_id: UUID
    payer_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCompleted:
    """Money went back to the payer."""

    name: ClassVar[str] = "payments.refund_completed"
    version: ClassVar[int] = 1
    refund_id: UUID
    payment_id: UUID
    payer_id: UUID
    payer_name: str
    payer_email: str
    amount_minor: int
    currency: str
    reason: str
    completed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed:
    """A refund did not reach the payer. Also published when a bank sends one back that had been
    reported as completed."""

    name: ClassVar[str] = "payments.refund_failed"
    version: ClassVar[int] = 1
    refund_id: UUID
    payment_id: UUID
    payer_id: UUID
    amount_minor: int
    currency: str
    reason: str


# Stored: the story of one payment


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a payment is for, without words that name anybody."""

    reference: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiated:
    """A payment begins. Keys only: history cannot be changed, so no name and no address may be in
    it. Version 1 held the payer's name and the words of the lines."""

    name: ClassVar[str] = "payments.initiated"
    version: ClassVar[int] = 2
    payer_id: UUID
    lines: tuple[Part, ...]
    amount_minor: int
    currency: str
    provider: str
    mode: str
    method: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCreated:
    """The gateway opened a page to pay on."""

    name: ClassVar[str] = "payments.session_created"
    version: ClassVar[int] = 1
    session_id: str
    expires_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """The payer is done, the bank is not: the outcome comes later."""

    name: ClassVar[str] = "payments.processing"
    version: ClassVar[int] = 1
    attempt_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """The gateway reports the money as taken."""

    name: ClassVar[str] = "payments.captured"
    version: ClassVar[int] = 1
    capture_id: str
    amount_minor: int
    currency: str
    method: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """The bank declined. `final`: the gateway will not let the payer try again on the same page."""

    name: ClassVar[str] = "payments.attempt_failed"
    version: ClassVar[int] = 1
    attempt_id: str
    code: str
    message: str
    final: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The payment ended without money: called off, or its start did not succeed."""

    name: ClassVar[str] = "payments.cancelled"
    version: ClassVar[int] = 1
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Nobody paid before the gateway closed its page."""

    name: ClassVar[str] = "payments.expired"
    version: ClassVar[int] = 1
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """The gateway did not answer: neither success nor failure may be assumed."""

    name: ClassVar[str] = "payments.outcome_unknown"
    version: ClassVar[int] = 1
    operation: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MismatchDetected:
    """The gateway took another sum or currency than was asked for; a person must look."""

    name: ClassVar[str] = "payments.mismatch_detected"
    version: ClassVar[int] = 1
    capture_id: str
    expected_minor: int
    expected_currency: str
    actual_minor: int
    actual_currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested:
    """The school wants to give money back."""

    name: ClassVar[str] = "payments.refund_requested"
    version: ClassVar[int] = 1
    refund_id: UUID
    amount_minor: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPending:
    """The gateway accepted the refund; it is under way."""

    name: ClassVar[str] = "payments.refund_pending"
    version: ClassVar[int] = 1
    refund_id: UUID
    provider_refund_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSucceeded:
    """The gateway reports the refund as paid out."""

    name: ClassVar[str] = "payments.refund_succeeded"
    version: ClassVar[int] = 1
    refund_id: UUID
    provider_refund_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRejected:
    """The gateway or the bank refused the refund."""

    name: ClassVar[str] = "payments.refund_rejected"
    version: ClassVar[int] = 1
    refund_id: UUID
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRefundDetected:
    """Money was given back in the gateway's own dashboard; it waits for a person to book it."""

    name: ClassVar[str] = "payments.external_refund_detected"
    version: ClassVar[int] = 1
    refund_id: UUID
    provider_refund_id: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRefundBooked:
    """A person booked a refund that was made in the gateway's own dashboard."""

    name: ClassVar[str] = "payments.external_refund_booked"
    version: ClassVar[int] = 1
    refund_id: UUID
    at: datetime


_PAYMENT = "0199f0c2-8a00-7000-8000-000000000001"
_PAYER = "0199f0c2-8a00-7000-8000-000000000002"
_REFUND = "0199f0c2-8a00-7000-8000-000000000003"
_AT = "2026-01-15T14:30:00+00:00"
_SUM = {"amount_minor": 25000, "currency": "USD"}
_HOW = {"provider": "stripe", "mode": "sandbox", "method": "card", "at": _AT}
_LINE = {"reference": "INV-1", "description": "Ada Park: term fee", "amount_minor": 25000}

SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("payments.payment_captured", 1): {
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "payer_name": "Mina Park",
        "payer_email": "mina@example.org",
        **_SUM,
        "method": "card",
        "lines": [_LINE],
        "captured_at": _AT,
    },
    ("payments.payment_failed", 1): {
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "reason": "declined",
    },
    ("payments.refund_completed", 1): {
        "refund_id": _REFUND,
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "payer_name": "Mina Park",
        "payer_email": "mina@example.org",
        "amount_minor": 5000,
        "currency": "USD",
        "reason": "Trip was cancelled",
        "completed_at": _AT,
    },
    ("payments.refund_failed", 1): {
        "refund_id": _REFUND,
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "amount_minor": 5000,
        "currency": "USD",
        "reason": "The card was closed",
    },
    ("payments.initiated", 1): {
        "payer_id": _PAYER,
        "payer_name": "Mina Park",
        "lines": [_LINE],
        **_SUM,
        **_HOW,
    },
    ("payments.initiated", 2): {
        "payer_id": _PAYER,
        "lines": [{"reference": "INV-1", "amount_minor": 25000}],
        **_SUM,
        **_HOW,
    },
    ("payments.session_created", 1): {
        "session_id": "cs_test_1",
        "expires_at": "2026-01-15T15:30:00+00:00",
        "at": _AT,
    },
    ("payments.processing", 1): {"attempt_id": "pi_1", "at": _AT},
    ("payments.captured", 1): {
        "capture_id": "ch_1",
        **_SUM,
        "method": "card",
        "at": _AT,
    },
    ("payments.attempt_failed", 1): {
        "attempt_id": "ch_0",
        "code": "card_declined",
        "message": "Your card was declined.",
        "final": False,
        "at": _AT,
    },
    ("payments.cancelled", 1): {"at": _AT},
    ("payments.expired", 1): {"at": _AT},
    ("payments.outcome_unknown", 1): {
        "operation": "open the payment page",
        "detail": "Read timed out",
        "at": _AT,
    },
    ("payments.mismatch_detected", 1): {
        "capture_id": "ch_1",
        "expected_minor": 25000,
        "expected_currency": "USD",
        "actual_minor": 2500,
        "actual_currency": "USD",
        "at": _AT,
    },
    ("payments.refund_requested", 1): {
        "refund_id": _REFUND,
        "amount_minor": 5000,
        "reason": "Trip was cancelled",
        "at": _AT,
    },
    ("payments.refund_pending", 1): {"refund_id": _REFUND, "provider_refund_id": "re_1", "at": _AT},
    ("payments.refund_succeeded", 1): {
        "refund_id": _REFUND,
        "provider_refund_id": "re_1",
        "at": _AT,
    },
    ("payments.refund_rejected", 1): {
        "refund_id": _REFUND,
        "reason": "The card was closed",
        "at": _AT,
    },
    ("payments.external_refund_detected", 1): {
        "refund_id": _REFUND,
        "provider_refund_id": "re_2",
        "amount_minor": 5000,
        "at": _AT,
    },
    ("payments.external_refund_booked", 1): {"refund_id": _REFUND, "at": _AT},
}


def _without_names(payload: dict[str, Any]) -> dict[str, Any]:
    """payments.initiated v1 -> v2."""
    lines = [
        {"reference": x["reference"], "amount_minor": x["amount_minor"]} for x in payload["lines"]
    ]
    kept = {key: value for key, value in payload.items() if key != "payer_name"}
    return {**kept, "lines": lines}


UPCASTERS = {("payments.initiated", 1): _without_names}
