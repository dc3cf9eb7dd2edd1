"""A payer's bank takes money back. These events are the payment's story and the news for other
apps at once: they hold keys and sums only. Amounts are minor units, times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened:
    """The payer's bank disputes a capture; the school may answer until `due_by`. An `inquiry` only
    asks about it and takes no money."""

    name: ClassVar[str] = "payments.dispute_opened"
    version: ClassVar[int] = 1
    dispute_id: UUID
    payment_id: UUID
    provider_dispute_id: str
    capture_id: str
    amount_minor: int
    currency: str
    reason: str
    due_by: datetime | None
    at: datetime
    inquiry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryClosed:
    """A bank that asked is content, or has made a dispute of it: that is opened by itself."""

    name: ClassVar[str] = "payments.inquiry_closed"
    version: ClassVar[int] = 1
    dispute_id: UUID
    disputed: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeUpdated:
    """The gateway moved the deadline of a dispute, or reports that the school has answered."""

    name: ClassVar[str] = "payments.dispute_updated"
    version: ClassVar[int] = 1
    dispute_id: UUID
    answered: bool
    due_by: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWon:
    """The bank decided for the school: the money stays, or has come back."""

    name: ClassVar[str] = "payments.dispute_won"
    version: ClassVar[int] = 1
    dispute_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeLost:
    """The bank decided for the payer: the money is gone."""

    name: ClassVar[str] = "payments.dispute_lost"
    version: ClassVar[int] = 1
    dispute_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    at: datetime
