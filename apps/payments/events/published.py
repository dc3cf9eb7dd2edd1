"""What payments tells other apps, through the outbox. Amounts are minor units, times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    reference: str
    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured:
    """The gateway has the money; `lines` say what it is for, and `cover_minor` how much of it the
    payer added for the cost of processing."""

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
    cover_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraCaptured:
    """More money of a payment that was captured before has been booked, by a person's decision."""

    name: ClassVar[str] = "payments.extra_captured"
    version: ClassVar[int] = 1
    payment_id: UUID
    capture_id: str
    amount_minor: int
    currency: str
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
