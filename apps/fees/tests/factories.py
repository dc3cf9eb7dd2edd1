"""A small school with families and fees; money moves through the services only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from apps.fees.models import FeeCategory
from apps.fees.selectors import catalogue, invoices
from apps.fees.services import billing
from apps.fees.services import catalogue as fees
from apps.fees.services.allocation import Capture, allocate_capture
from apps.payments import facade as payments
from apps.payments.contracts import PaymentLine
from apps.students.tests.factories import (
    GuardianFactory,
    HouseholdFactory,
    SchoolClassFactory,
    StudentFactory,
)
from kernel.schools import current_school, today

ACTOR = "bursar@example.org"


@dataclass
class Family:
    guardian: Any
    children: list[Any]

    @property
    def child(self) -> Any:
        return self.children[0]


def make_family(
    school_class: Any, *, children: int = 1, name: str = "Maria Lopez", **guardian_values: Any
) -> Family:
    household = HouseholdFactory()
    guardian = GuardianFactory(household=household, name=name, **guardian_values)
    kids = [
        StudentFactory(household=household, school_class=school_class, guardians=[guardian])
        for _ in range(children)
    ]
    return Family(guardian=guardian, children=kids)


def make_class(name: str = "3A") -> Any:
    return SchoolClassFactory(name=name)


def make_fee(*, name: str = "Tuition", amount_minor: int = 45000) -> UUID:
    category, _ = FeeCategory.objects.get_or_create(name="Tuition")
    return fees.create_fee(
        category_id=category.pk, name=name, amount_minor=amount_minor, actor=ACTOR
    )


def draft(fee_id: UUID, *classes: Any, due_on: date | None = None) -> UUID:
    return billing.draft_run(
        fee_id=fee_id,
        class_ids=[row.pk for row in classes],
        due_on=due_on or today() + timedelta(days=14),
        actor=ACTOR,
    )


def bill(school_class: Any, *, amount_minor: int = 45000, due_on: date | None = None) -> UUID:
    """A new fee of this amount, billed to the class; returns the run."""
    name = f"Fee {catalogue.list_fees().count() + 1}"
    run_id = draft(make_fee(name=name, amount_minor=amount_minor), school_class, due_on=due_on)
    billing.post_run(run_id=run_id, actor=ACTOR)
    return run_id


def owed(student: Any) -> list[Any]:
    return invoices.open_invoices(student_ids=[student.pk])


def capture(payer: Any, amount: int, lines: Sequence[tuple[UUID, int]] = ()) -> UUID:
    """Money that came in, as the event tells it, without a row in payments."""
    payment_id = uuid4()
    allocate_capture(
        Capture(
            payment_id=payment_id,
            payer_id=payer.pk,
            payer_name=payer.name,
            method="card",
            amount_minor=amount,
            currency=current_school().currency,
            lines=tuple((str(key), part) for key, part in lines),
            captured_at=timezone.now(),
        )
    )
    return payment_id


def pay(family: Family, lines: Sequence[tuple[UUID, int]], *, method: str = "cash") -> UUID:
    """A real counter payment of these parts; its event waits in the outbox."""
    return payments.record_offline_payment(
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        lines=[
            PaymentLine(reference=str(key), description="Fees", amount_minor=part)
            for key, part in lines
        ],
        currency=current_school().currency,
        method=method,
        received_on=today(),
        note="",
        actor=ACTOR,
        idempotency_key=str(uuid4()),
    )
