"""The platform's invoices: issued for a month, paid, taken back by a credit note.

Everything about one school happens under its lock, numbers are taken in the transaction that uses
them, and a month is billed once: asking again gives the invoice that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from apps.events import facade as events
from apps.tenants.contracts import SchoolInfo
from apps.tenants.events import PlatformInvoiceIssued
from apps.tenants.models import (
    OperatorAction,
    PlatformInvoice,
    PlatformInvoiceLine,
    PlatformPayment,
    School,
)
from apps.tenants.selectors import get_school
from apps.tenants.services.checks import check_line
from apps.tenants.services.plans.accounts import PlatformInvoiceInfo, get_invoice
from apps.tenants.services.plans.charges import ChargedLine, Stay, month_lines
from apps.tenants.services.plans.metering import (
    BILLABLE,
    close_month,
    get_usage,
    lock_school,
    measure_school,
)
from apps.tenants.services.plans.months import next_month, this_month
from apps.tenants.services.plans.subscriptions import stays_of
from apps.tenants.services.status import stream_id
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public

BILLED, PAID, CREDITED = "invoice.issued", "invoice.paid", "invoice.credited"
BILL, ALREADY, NOTHING, NO_PLAN = "billed", "already", "nothing", "no_plan"
_PREFIX = {PlatformInvoice.Kind.INVOICE: "H", PlatformInvoice.Kind.CREDIT: "HC"}
_TAKE = """
INSERT INTO tenants_platformnumber (name, last) VALUES (%s, 1)
ON CONFLICT (name) DO UPDATE SET last = tenants_platformnumber.last + 1
RETURNING last
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What billing one month of one school came to. `outcome`: billed (or would be), already
    (there is an invoice), nothing (no charge), no_plan. Amounts in minor units of `currency`."""

    school: SchoolInfo
    month: date
    outcome: str
    total_minor: int = 0
    currency: str = ""
    number: str = ""
    invoice_id: UUID | None = None
    lines: tuple[ChargedLine, ...] = ()


def bill_school(
    *, school_id: int, month: date, actor: str, dry_run: bool = False, again: bool = False
) -> Bill:
    """Bill a month that is over. With `dry_run` nothing is written but the measurement.

    `again` bills a month whose invoice was taken back. Raises NotFound, Invalid while the month
    runs, Conflict for a school that is still being made.
    """
    school = get_school(school_id=school_id)
    if month >= this_month(school.time_zone):
        raise Invalid(_("This month is not over yet where the school is."), field="month")
    if school.status not in BILLABLE:
        raise Conflict(_("%(school)s is not open, so it is not billed.") % {"school": school.name})
    stays = [stay for stay in stays_of(school_id=school_id) if _in(stay, month)]
    if not stays:
        return Bill(school=school, month=month, outcome=NO_PLAN)
    measure_school(school_id=school_id, month=month)
    with in_public(), transaction.atomic():
        lock_school(school_id)
        return _bill(school, month, stays, actor, dry_run=dry_run, again=again)


def _in(stay: Stay, month: date) -> bool:
    return stay.starts_on < next_month(month) and (stay.ends_on is None or stay.ends_on > month)


def _bill(
    school: SchoolInfo,
    month: date,
    stays: Sequence[Stay],
    actor: str,
    *,
    dry_run: bool,
    again: bool,
) -> Bill:
    before = list(
        PlatformInvoice.objects.filter(
            school_id=school.id, month=month, kind=PlatformInvoice.Kind.INVOICE
        ).select_related("credit_note")
    )
    standing = [row for row in before if not hasattr(row, "credit_note")]
    if standing or (before and not again):
        return _already(school, month, standing or before)
    usage = get_usage(school=school, month=month)
    lines = month_lines(
        stays=stays, month=month, used=usage.values, school_currency=school.currency
    )
    last = max(stays, key=lambda stay: stay.starts_on).terms
    total = sum(line.amount_minor for line in lines)
    bill: dict[str, Any] = {
        "school": school,
        "month": month,
        "outcome": BILL if total else NOTHING,
        "total_minor": total,
        "currency": last.currency,
        "lines": tuple(lines),
    }
    if dry_run:
        return Bill(**bill)
    close_month(school_id=school.id, month=month)
    if not total:
        return Bill(**bill)
    invoice = _issue(school, month, lines, last.name, last.currency, len(before), actor)
    return Bill(**bill, number=invoice.number, invoice_id=invoice.id)


def _already(school: SchoolInfo, month: date, rows: Sequence[PlatformInvoice]) -> Bill:
    row = rows[-1]
    return Bill(
        school=school,
        month=month,
        outcome=ALREADY,
        total_minor=row.total_minor,
        currency=row.currency,
        number=row.number,
        invoice_id=row.id,
    )


def _issue(
    school: SchoolInfo,
    month: date,
    lines: Sequence[ChargedLine],
    plan_name: str,
    currency: str,
    attempt: int,
    actor: str,
) -> PlatformInvoice:
    today = timezone.now().date()
    invoice = PlatformInvoice.objects.create(
        kind=PlatformInvoice.Kind.INVOICE,
        number=_take_number(PlatformInvoice.Kind.INVOICE, today.year),
        school_id=school.id,
        school_name=school.name,
        billed_to=_billed_to(school),
        language=school.language,
        month=month,
        attempt=attempt,
        plan_name=plan_name,
        currency=currency,
        total_minor=sum(line.amount_minor for line in lines),
        issued_on=today,
        due_on=today + timedelta(days=settings.PLATFORM_INVOICE_DAYS),
        created_by=actor,
    )
    _write_lines(invoice, [(line.code, line.detail, line.amount_minor) for line in lines])
    _note(invoice, BILLED, actor, {})
    _tell(invoice)
    return invoice


def _billed_to(school: SchoolInfo) -> str:
    return "\n".join(part for part in (school.address, school.contact_email) if part)


def _take_number(kind: PlatformInvoice.Kind, year: int) -> str:
    """The next of its series and year. Its row is locked until the transaction ends, and a
    rollback gives the number back: the series has no gap."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [f"{kind}-{year}"])
        return f"{_PREFIX[kind]}{year}-{int(cursor.fetchone()[0]):05d}"


def _write_lines(invoice: PlatformInvoice, lines: Sequence[tuple[str, Any, int]]) -> None:
    PlatformInvoiceLine.objects.bulk_create(
        PlatformInvoiceLine(
            invoice=invoice, position=position, code=code, detail=detail, amount_minor=amount
        )
        for position, (code, detail, amount) in enumerate(lines, start=1)
    )


def _note(invoice: PlatformInvoice, action: str, actor: str, detail: dict[str, Any]) -> None:
    facts = {"number": invoice.number, "total_minor": invoice.total_minor}
    OperatorAction.objects.create(
        school_id=invoice.school_id,
        actor=actor,
        action=action,
        detail={**facts, "currency": invoice.currency, **detail},
    )


def _tell(invoice: PlatformInvoice) -> None:
    """Into the school's own outbox, so that its administrators get a letter."""
    event = PlatformInvoiceIssued(
        invoice_id=invoice.id,
        number=invoice.number,
        month=invoice.month,
        total_minor=invoice.total_minor,
        currency=invoice.currency,
        due_on=invoice.due_on,
    )
    with tenant_context(School.objects.get(pk=invoice.school_id)):
        events.publish(event, stream_type="school", stream_id=stream_id(invoice.school_id))


def record_payment(
    *, invoice_id: UUID, amount_minor: int, received_on: date, reference: str, actor: str
) -> PlatformInvoiceInfo:
    """Money that arrived for an invoice, minor units of its currency; several add up.

    The same payment once more changes nothing. Raises NotFound, Conflict for an invoice that was
    taken back or a reference that another payment for it has, Invalid for more than is owed or
    no reference.
    """
    reference = check_line(reference, field="reference", longest=120)
    if not reference:
        raise Invalid(_("Give the reference from the bank statement."), field="reference")
    if received_on > timezone.now().date() + timedelta(days=1):
        raise Invalid(_("This day lies in the future."), field="received_on")
    with in_public(), transaction.atomic():
        row = _locked(invoice_id)
        known = row.payments.filter(reference=reference).first()
        if known is None:
            _check_payment(get_invoice(invoice_id=invoice_id), amount_minor)
            PlatformPayment.objects.create(
                invoice=row,
                amount_minor=amount_minor,
                received_on=received_on,
                reference=reference,
                recorded_by=actor,
            )
            _note(row, PAID, actor, {"amount_minor": amount_minor, "reference": reference})
        elif (known.amount_minor, known.received_on) != (amount_minor, received_on):
            raise Conflict(
                _("This reference is noted down already, with another amount or day."),
                field="reference",
            )
    return get_invoice(invoice_id=invoice_id)


def _check_payment(invoice: PlatformInvoiceInfo, amount_minor: int) -> None:
    if invoice.is_credit or invoice.credit_number:
        raise Conflict(_("Invoice %(number)s was taken back.") % {"number": invoice.number})
    if not 0 < amount_minor <= invoice.balance_minor:
        raise Invalid(_("Between nothing and what is still owed, please."), field="amount")


def _locked(invoice_id: UUID) -> PlatformInvoice:
    row = PlatformInvoice.objects.filter(pk=invoice_id).first()
    if row is None:
        raise NotFound(_("There is no such invoice."))
    lock_school(row.school_id)
    return row


def credit_invoice(*, invoice_id: UUID, reason: str, actor: str) -> PlatformInvoiceInfo:
    """Take an invoice back: a credit note with the same lines below zero. Returns the note.

    What was paid for it is in the school's favour then. Raises NotFound, Conflict when it was
    taken back already or is a credit note, Invalid without a reason.
    """
    reason = check_line(reason, field="reason", longest=200)
    if not reason:
        raise Invalid(_("Say why; the school will ask."), field="reason")
    with in_public(), transaction.atomic():
        row = _locked(invoice_id)
        if row.kind == PlatformInvoice.Kind.CREDIT or hasattr(row, "credit_note"):
            raise Conflict(_("Invoice %(number)s was taken back.") % {"number": row.number})
        note = _credit(row, reason, actor)
    return get_invoice(invoice_id=note.id)


def _credit(row: PlatformInvoice, reason: str, actor: str) -> PlatformInvoice:
    today = timezone.now().date()
    same = ("school_id", "school_name", "billed_to", "language", "month", "plan_name", "currency")
    note = PlatformInvoice.objects.create(
        **{name: getattr(row, name) for name in same},
        kind=PlatformInvoice.Kind.CREDIT,
        number=_take_number(PlatformInvoice.Kind.CREDIT, today.year),
        attempt=row.attempt,
        credits=row,
        reason=reason,
        total_minor=-row.total_minor,
        issued_on=today,
        due_on=today,
        created_by=actor,
    )
    lines = [(line.code, line.detail, -line.amount_minor) for line in row.lines.all()]
    _write_lines(note, lines)
    _note(note, CREDITED, actor, {"credits": row.number, "reason": reason})
    return note
