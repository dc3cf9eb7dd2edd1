"""Taking names out of invoices and receipts. The books themselves are never touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.fees.models import (
    Allocation,
    Autopay,
    AutopayCharge,
    BillingRun,
    Charge,
    Credit,
    Fee,
    Invoice,
    Receipt,
    RefundDecision,
)

NOBODY = "–"


def first_year_kept(on: date) -> int:
    """The oldest year whose books the law still wants on that day."""
    return on.year - settings.RETENTION_MONEY_YEARS


def invoices_of(student_ids: Iterable[UUID]) -> QuerySet[Invoice]:
    return Invoice.objects.filter(student_id__in=list(student_ids))


def receipts_of(payer_ids: Iterable[UUID]) -> QuerySet[Receipt]:
    return Receipt.objects.filter(payer_id__in=list(payer_ids))


def strike_invoices(rows: QuerySet[Invoice], name: str = NOBODY) -> int:
    """Replace the student's name; returns how many invoices named somebody."""
    return rows.exclude(student_name=name).update(student_name=name)


def strike_receipts(rows: QuerySet[Receipt], name: str = NOBODY) -> int:
    """Replace the payer's name; returns how many receipts named somebody."""
    return rows.exclude(payer_name=name).update(payer_name=name)


def strike_run_exceptions(name: str) -> int:
    """The list of exceptions that the bursar had on the screen names students."""
    runs = BillingRun.objects.filter(preview__exceptions__contains=[{"student": name}])
    changed = list(runs.select_for_update())
    for run in changed:
        for row in run.preview["exceptions"]:
            if row.get("student") == name:
                row["student"] = NOBODY
    BillingRun.objects.bulk_update(changed, ["preview"])
    return len(changed)


def booked_by(emails: Collection[str]) -> int:
    """How many rows of the books say that one of these staff addresses made them."""
    who = list(emails)
    runs = Q(created_by__in=who) | Q(posted_by__in=who) | Q(reversed_by__in=who)
    made = (Fee, Charge, RefundDecision)
    counted: list[QuerySet[Any]] = [m._default_manager.filter(created_by__in=who) for m in made]
    return sum(rows.count() for rows in (*counted, BillingRun.objects.filter(runs)))


def has_books(*, student_ids: Collection[UUID], payer_ids: Collection[UUID]) -> bool:
    """Whether posted rows point at the person."""
    return (
        invoices_of(student_ids).exists()
        or receipts_of(payer_ids).exists()
        or RefundDecision.objects.filter(student_id__in=student_ids).exists()
    )


def allocations_of(student_ids: Iterable[UUID]) -> QuerySet[Allocation]:
    return Allocation.objects.filter(invoice__in=invoices_of(student_ids)).select_related("invoice")


def charges_of(student_ids: Iterable[UUID]) -> QuerySet[Charge]:
    return Charge.objects.filter(invoice__in=invoices_of(student_ids)).select_related("invoice")


def credits_of(household_ids: Iterable[UUID]) -> QuerySet[Credit]:
    return Credit.objects.filter(account__in=list(household_ids))


def delete_autopay(keys: Any) -> int:
    """These automatic payments with their charges; returns how many automatic payments."""
    AutopayCharge.objects.filter(autopay__in=keys).delete()
    return Autopay.objects.filter(pk__in=keys).delete()[0]
