"""Events of fees. Old versions stay decodable for ever; SAMPLES are frozen."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyBilled:
    """One guardian was billed for one or more children in one go.

    `billing_run_id` is None when the charge came from an activity. Every paying guardian of a
    child gets one event; `guardian_email` is "" when none is known.
    """

    name: ClassVar[str] = "fees.family_billed"
    version: ClassVar[int] = 1

    billing_run_id: UUID | None
    guardian_id: UUID
    guardian_name: str
    guardian_email: str
    language: str
    invoice_ids: list[UUID]
    total_minor: int
    currency: str
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSettled:
    """The balance of an invoice came down to zero."""

    name: ClassVar[str] = "fees.invoice_settled"
    version: ClassVar[int] = 1

    invoice_id: UUID
    student_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentBooked:
    """What a payment comes to in the books, after something of it was booked: what it gives to
    invoices, what of it is kept as credit and what covers its own processing cost, in minor
    units."""

    name: ClassVar[str] = "fees.payment_booked"
    version: ClassVar[int] = 1

    payment_id: UUID
    allocated_minor: int
    credited_minor: int
    booked_at: datetime
    covered_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLinkRequested:
    """A guardian (or the office for them) asked for a fresh link to the family's page."""

    name: ClassVar[str] = "fees.family_link_requested"
    version: ClassVar[int] = 1

    guardian_id: UUID
    guardian_name: str
    guardian_email: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRunReversed:
    """A posted run was taken back by contra entries; nothing of it had been paid."""

    name: ClassVar[str] = "fees.billing_run_reversed"
    version: ClassVar[int] = 1

    billing_run_id: UUID
    invoices: int
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopayAnnounced:
    """A guardian's saved card will be charged on a day, for what is due by then. `cover_minor` of
    the total is added for the cost of processing."""

    name: ClassVar[str] = "fees.autopay_announced"
    version: ClassVar[int] = 1

    guardian_id: UUID
    guardian_name: str
    guardian_email: str
    language: str
    invoice_ids: list[UUID]
    total_minor: int
    currency: str
    card: str
    charge_on: date
    cover_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopayFailed:
    """The bank refused the card. `reason` is the gateway's word (card_declined,
    authentication_required, …); `retry_on` is when it is tried once more."""

    name: ClassVar[str] = "fees.autopay_failed"
    version: ClassVar[int] = 1

    guardian_id: UUID
    guardian_name: str
    guardian_email: str
    language: str
    total_minor: int
    currency: str
    card: str
    reason: str
    retry_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopayEnded:
    """A guardian's card is not charged any more. `why`: guardian, card_gone,
    failed or account."""

    name: ClassVar[str] = "fees.autopay_ended"
    version: ClassVar[int] = 1

    guardian_id: UUID
    guardian_name: str
    guardian_email: str
    language: str
    card: str
    why: str


_GUARDIAN = {
    "guardian_id": "0197a1c0-0000-7000-8000-000000000002",
    "guardian_name": "Maria Lopez",
    "guardian_email": "maria.lopez@example.org",
    "language": "en",
}
SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("fees.family_billed", 1): {
        "billing_run_id": "0197a1c0-0000-7000-8000-000000000001",
        "guardian_id": "0197a1c0-0000-7000-8000-000000000002",
        "guardian_name": "Maria Lopez",
        "guardian_email": "maria.lopez@example.org",
        "language": "en",
        "invoice_ids": ["0197a1c0-0000-7000-8000-000000000003"],
        "total_minor": 45000,
        "currency": "USD",
        "due_on": "2026-09-15",
    },
    ("fees.invoice_settled", 1): {
        "invoice_id": "0197a1c0-0000-7000-8000-000000000003",
        "student_id": "0197a1c0-0000-7000-8000-000000000004",
    },
    ("fees.payment_booked", 1): {
        "payment_id": "0197a1c0-0000-7000-8000-000000000005",
        "allocated_minor": 45000,
        "credited_minor": 5000,
        "booked_at": "2026-09-15T14:30:00+00:00",
    },
    ("fees.family_link_requested", 1): {
        "guardian_id": "0197a1c0-0000-7000-8000-000000000002",
        "guardian_name": "Maria Lopez",
        "guardian_email": "maria.lopez@example.org",
        "language": "en",
    },
    ("fees.billing_run_reversed", 1): {
        "billing_run_id": "0197a1c0-0000-7000-8000-000000000001",
        "invoices": 24,
        "total_minor": 1080000,
        "currency": "USD",
    },
    ("fees.autopay_announced", 1): {
        **_GUARDIAN,
        "invoice_ids": ["0197a1c0-0000-7000-8000-000000000003"],
        "total_minor": 45000,
        "currency": "USD",
        "card": "Visa •• 4242",
        "charge_on": "2026-09-15",
    },
    ("fees.autopay_failed", 1): {
        **_GUARDIAN,
        "total_minor": 45000,
        "currency": "USD",
        "card": "Visa •• 4242",
        "reason": "card_declined",
        "retry_on": "2026-09-18",
    },
    ("fees.autopay_ended", 1): {**_GUARDIAN, "card": "Visa •• 4242", "why": "failed"},
}
