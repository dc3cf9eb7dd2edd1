"""Books made by hand: two children, two categories, money in and out on known days of 2025."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from apps.fees.models import FeeCategory, Invoice
from apps.fees.services import billing
from apps.fees.services import catalogue as fees
from apps.fees.tests import factories as make
from apps.payments import demo, models
from apps.payments import facade as payments
from apps.payments.contracts import PaymentLine

CHICAGO = ZoneInfo("America/Chicago")
ACTOR = "bursar@example.org"
BILLED_ON, DUE_ON = date(2025, 10, 1), date(2025, 10, 15)


def at(text: str) -> datetime:
    """A time in the school's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def bill(room: Any, category: str, amount_minor: int, *, due_on: date = DUE_ON) -> None:
    """Everybody of the class owes this since BILLED_ON."""
    row, _ = FeeCategory.objects.get_or_create(name=category)
    fee_id = fees.create_fee(
        category_id=row.pk, name=f"{category} {uuid4()}", amount_minor=amount_minor, actor=ACTOR
    )
    run_id = make.draft(fee_id, room, due_on=due_on)
    billing.post_run(
        run_id=run_id, actor=ACTOR, issued_on=BILLED_ON, at=at("2025-10-01T09:00"), tell=False
    )


def invoice(student: Any, category: str) -> UUID:
    found = Invoice.objects.get(student_id=student.pk, fee__category__name=category)
    return found.pk


def lines(*parts: tuple[UUID, int]) -> list[PaymentLine]:
    return [
        PaymentLine(reference=str(key), description="Fees", amount_minor=amount)
        for key, amount in parts
    ]


def card(family: make.Family, when: str, *parts: tuple[UUID, int], mode: str = "live") -> UUID:
    """A card payment of that moment, as if taken in this mode."""
    payment_id = demo.demo_card_payment(
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        payer_email=family.guardian.email,
        lines=lines(*parts),
        currency="USD",
        paid_at=at(when),
    )
    models.Payment.objects.filter(pk=payment_id).update(mode=mode)
    return payment_id


def counter(family: make.Family, on: date, *parts: tuple[UUID, int], method: str = "cash") -> UUID:
    return payments.record_offline_payment(
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        lines=lines(*parts),
        currency="USD",
        method=method,
        received_on=on,
        note="",
        actor=ACTOR,
        idempotency_key=str(uuid4()),
    )


def refund(payment_id: UUID, amount_minor: int, when: str, reason: str = "Trip") -> None:
    demo.demo_refund(
        payment_id=payment_id, amount_minor=amount_minor, reason=reason, actor=ACTOR, at=at(when)
    )


@dataclass
class Books:
    """What `november` made."""

    family: make.Family
    card: UUID
    cash: UUID
    transfer: UUID


def november(room: Any, drain: Any) -> Books:
    """Two children owe 450.00 tuition and 30.00 lunch each. In November 2025:

    - 3rd: one card payment for one child's tuition and the other's lunch (480.00),
      100.00 cash for the second tuition
    - 5th: a transfer of 500.00 for its rest (350.00), so that 150.00 become credit
    - 10th: the card payment is refunded in full
    - 12th: 40.00 of the cash is given back
    """
    family = make.make_family(room, children=2)
    one, two = family.children
    bill(room, "Tuition", 45000)
    bill(room, "Lunch", 3000)
    by_card = card(
        family,
        "2025-11-03T10:00",
        (invoice(one, "Tuition"), 45000),
        (invoice(two, "Lunch"), 3000),
    )
    cash = counter(family, date(2025, 11, 3), (invoice(two, "Tuition"), 10000))
    # The other lunch is not open to the transfer's rest: it must become credit, so it is paid.
    counter(family, date(2025, 10, 31), (invoice(one, "Lunch"), 3000), method="cheque")
    drain()
    transfer = counter(
        family, date(2025, 11, 5), (invoice(two, "Tuition"), 50000), method="transfer"
    )
    drain()
    refund(by_card, 48000, "2025-11-10T15:00")
    refund(cash, 4000, "2025-11-12T15:00")
    drain()
    return Books(family=family, card=by_card, cash=cash, transfer=transfer)
