"""The story of one payment, as it is stored.

A payment's state is only ever the fold of these events (see aggregate.py), so the classes are kept
for ever: a change of shape is a new version. Amounts are minor units, times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a payment is for, without words that name anybody."""

    reference: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiated:
    """A payment begins. Keys only: history cannot be changed, so no name and no address may be in
    it. Version 1 held the payer's name and the words of the lines. `amount_minor` is what the lines
    come to and `cover_minor`, what the payer adds for the cost of processing."""

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
    cover_minor: int = 0


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
class MismatchResolved:
    """A person decided about money that did not match: `book` it for the family, `refund` it, or
    `close` it as it is."""

    name: ClassVar[str] = "payments.mismatch_resolved"
    version: ClassVar[int] = 1
    capture_id: str
    decision: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """What the payment pays for comes to this by the books, after something was booked."""

    name: ClassVar[str] = "payments.allocated"
    version: ClassVar[int] = 1
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """What of the payment is kept as the family's credit by the books, after a booking."""

    name: ClassVar[str] = "payments.credited"
    version: ClassVar[int] = 1
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What of the payment covers the cost of processing it by the books, after a booking."""

    name: ClassVar[str] = "payments.covered"
    version: ClassVar[int] = 1
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested:
    """The school wants to give money back. `capture_id` is empty, or a capture that was not booked
    and goes back as it came. Version 1 did not know such refunds."""

    name: ClassVar[str] = "payments.refund_requested"
    version: ClassVar[int] = 2
    refund_id: UUID
    amount_minor: int
    reason: str
    at: datetime
    capture_id: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRefundIgnored:
    """A person decided that a refund made at the gateway is none of this payment's books."""

    name: ClassVar[str] = "payments.external_refund_ignored"
    version: ClassVar[int] = 1
    refund_id: UUID
    reason: str
    at: datetime
