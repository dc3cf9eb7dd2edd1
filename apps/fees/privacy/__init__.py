"""What fees hold about a person, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.fees.models import (
    Allocation,
    BillingRun,
    Charge,
    Cover,
    Credit,
    DisputeLoss,
    FamilyAccount,
    FamilyLink,
    Fee,
    FeeCategory,
    Instalment,
    Invoice,
    LinkRequest,
    NumberSequence,
    Receipt,
    RefundDecision,
)
from apps.fees.privacy import autopay
from apps.fees.selectors import family, invoices, receipts
from apps.fees.services import links
from apps.fees.services import privacy as service
from apps.fees.services.documents import receipt_pdf
from apps.payments import facade as payments
from apps.students import facade as students
from apps.tenants.facade import privacy
from kernel.money import Money, format_money
from kernel.schools import current_school

RECEIPTS_AS_PDF = 200

# Registered in a file of its own.
__all__ = ["autopay"]

privacy.nobody_in(
    {
        FeeCategory: "names of kinds of fees",
        FamilyAccount: "a key of a household, to lock",
        NumberSequence: "the last number of a year",
        Cover: "amounts of a payment, whose receipt names its payer itself",
        Instalment: "amounts and days of an invoice, which names its student itself",
    }
)
privacy.not_exported(
    {
        LinkRequest: "counters under a keyed hash of the address; nothing of them is readable",
        BillingRun: "lists of a whole class; the person's own lines are in the invoices",
        Fee: "the price list; who last changed it is in the audit trail",
    }
)


def _children(person: privacy.Person) -> list[UUID]:
    """Whose invoices concern the person: their own, or those of their children."""
    own = list(person.student_ids)
    return [*own, *(c.id for key in person.guardian_ids for c in students.children_of(key))]


def _households(person: privacy.Person) -> list[UUID]:
    people = [students.get_guardian(key) for key in person.guardian_ids]
    return [guardian.household_id for guardian in people]


@privacy.collects(Invoice)
def export_invoices(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = service.invoices_of(_children(person)).values_list("pk", flat=True)
    found = invoices.get_invoices(invoice_ids=rows)
    yield privacy.Section(
        name="fees.invoices",
        title=_("Invoices"),
        columns={
            "number": _("Number"),
            "title": _("For"),
            "student": _("Student"),
            "class": _("Class"),
            "issued_on": _("Issued on"),
            "due_on": _("Due on"),
            "charged": _("Charged"),
            "paid": _("Paid"),
            "balance": _("Left to pay"),
            "status": _("Status"),
        },
        rows=tuple(
            {
                "number": i.number,
                "title": i.title,
                "student": i.student_name,
                "class": i.class_name,
                "issued_on": i.issued_on,
                "due_on": i.due_on,
                "charged": Money(i.charged_minor, i.currency),
                "paid": Money(i.paid_minor, i.currency),
                "balance": Money(i.balance_minor, i.currency),
                "status": i.status,
            }
            for i in found
        ),
        note=_("A child's invoices are shared by all guardians who pay. Who paid what is not."),
    )


@privacy.collects(Charge, Allocation)
def export_ledger(person: privacy.Person) -> Iterator[privacy.Section]:
    children = _children(person)
    yield _charges(children)
    yield _allocations(children)


def _charges(children: Sequence[UUID]) -> privacy.Section:
    return privacy.Section(
        name="fees.charges",
        title=_("Lines of the invoices"),
        columns={
            "invoice": _("Invoice"),
            "booked_on": _("Booked"),
            "what": _("What for"),
            "why": _("Why"),
            "amount": _("Amount"),
        },
        rows=tuple(
            {
                "invoice": row.invoice.number,
                "booked_on": row.booked_on,
                "what": row.description,
                "why": row.why,
                "amount": Money(row.amount_minor, row.invoice.currency),
            }
            for row in service.charges_of(children)
        ),
    )


def _allocations(children: Sequence[UUID]) -> privacy.Section:
    return privacy.Section(
        name="fees.allocations",
        title=_("What payments paid for"),
        columns={
            "invoice": _("Invoice"),
            "booked_on": _("Booked"),
            "kind": _("What"),
            "amount": _("Amount"),
        },
        rows=tuple(
            {
                "invoice": row.invoice.number,
                "booked_on": row.booked_on,
                "kind": str(row.get_kind_display()),
                "amount": Money(row.amount_minor, row.invoice.currency),
            }
            for row in service.allocations_of(children)
        ),
    )


@privacy.collects(Receipt)
def export_receipts(person: privacy.Person) -> Iterator[privacy.Section]:
    found = [
        receipt
        for key in person.ids
        for receipt in receipts.receipts_of(payer_id=key, limit=RECEIPTS_AS_PDF)
    ]
    yield privacy.Section(
        name="fees.receipts",
        title=_("Receipts"),
        columns={
            "number": _("Number"),
            "paid_at": _("Paid on"),
            "payer": _("Paid by"),
            "method": _("How"),
            "amount": _("Paid"),
            "refunded": _("Refunded or reversed"),
        },
        rows=tuple(
            {
                "number": r.number,
                "paid_at": r.paid_at,
                "payer": r.payer_name,
                "method": r.method,
                "amount": Money(r.amount_minor, r.currency),
                "refunded": Money(r.refunded_minor, r.currency),
            }
            for r in found
        ),
        files=tuple(
            privacy.PersonFile(path=f"receipts/{r.number}.pdf", content=receipt_pdf(r))
            for r in found
        ),
    )


@privacy.collects(Credit, RefundDecision, DisputeLoss)
def export_credit(person: privacy.Person) -> Iterator[privacy.Section]:
    own = {row.payment_id for row in service.receipts_of(person.ids)}
    rows = service.credits_of(_households(person)).filter(payment_id__in=own)
    yield privacy.Section(
        name="fees.credit",
        title=_("Credit"),
        columns={"booked_on": _("Booked"), "kind": _("What"), "amount": _("Amount")},
        rows=tuple(
            {
                "booked_on": row.booked_on,
                "kind": str(row.get_kind_display()),
                "amount": Money(row.amount_minor, row.currency),
            }
            for row in rows
        ),
    )
    yield _decisions(Q(payment_id__in=own) | Q(student_id__in=person.student_ids))
    yield _losses(own)


def _decisions(wanted: Q) -> privacy.Section:
    return privacy.Section(
        name="fees.refunds",
        title=_("Decisions about refunds"),
        columns={
            "created_at": _("When"),
            "amount": _("Amount"),
            "effect": _("What it meant"),
            "reason": _("Reason"),
        },
        rows=tuple(
            {
                "created_at": row.created_at,
                "amount": Money(row.amount_minor, current_school().currency),
                "effect": str(row.get_effect_display()),
                "reason": row.reason,
            }
            for row in RefundDecision.objects.filter(wanted)
        ),
    )


def _losses(payment_ids: set[UUID]) -> privacy.Section:
    return privacy.Section(
        name="fees.dispute_losses",
        title=_("Payments that a bank took back"),
        columns={"created_at": _("When"), "amount": _("Amount"), "state": _("What it meant")},
        rows=tuple(
            {
                "created_at": row.created_at,
                "amount": Money(row.amount_minor, row.currency),
                "state": str(row.get_state_display()),
            }
            for row in DisputeLoss.objects.filter(payment_id__in=payment_ids)
        ),
    )


@privacy.collects(FamilyLink)
def export_links(person: privacy.Person) -> Iterator[privacy.Section]:
    rows = FamilyLink.objects.filter(guardian_id__in=person.guardian_ids)
    keys = ("created_at", "expires_at", "revoked_at")
    yield privacy.Section(
        name="fees.links",
        title=_("Family links that were sent"),
        columns=dict(zip(keys, (_("Made"), _("Expires"), _("Revoked")), strict=True)),
        rows=tuple({key: getattr(row, key) for key in keys} for row in rows),
        note=_("The links themselves are keys and are left out."),
    )


# Erasure ----------------------------------------------------------------------------------------


@privacy.objects_to_erasure
def money_is_settled_first(person: privacy.Person) -> Iterator[str]:
    """Who owes or is owed stays until it is settled."""
    owed = invoices.open_invoices(student_ids=_children(person))
    if owed:
        total = format_money(sum(i.balance_minor for i in owed), owed[0].currency)
        yield _("%(amount)s is still owed: settle or cancel it first.") % {"amount": total}
    references = [str(i.id) for i in owed]
    if references and payments.open_payments(references):
        yield _("Somebody is paying for this family right now.")
    for household_id in _households(person):
        credit = family.credit_of(household_id=household_id)
        if credit > 0:
            amount = format_money(credit, current_school().currency)
            yield _("The family has %(amount)s of credit: pay it back first.") % {"amount": amount}


@privacy.erases(
    FamilyLink,
    LinkRequest,
    Invoice,
    Receipt,
    Charge,
    Allocation,
    Credit,
    RefundDecision,
    DisputeLoss,
    BillingRun,
    Fee,
)
def erase_from_fees(work: privacy.Erasing) -> None:
    person = work.person
    sent = FamilyLink.objects.filter(guardian_id__in=person.guardian_ids)
    work.removed(_("Family links; none of them opens anything any more"), sent.delete()[0])
    counters = links.forget_requests_of(emails=person.emails)
    work.removed(_("Counters of requests for a link"), counters)
    if person.student_ids:
        runs = service.strike_run_exceptions(person.name)
        work.removed(_("Name in the exceptions of billing runs"), runs)
    if service.has_books(student_ids=person.student_ids, payer_ids=person.ids):
        work.refer()
    _invoices_and_receipts(work)
    _staff_in_books(work)


def _invoices_and_receipts(work: privacy.Erasing) -> None:
    person, year = work.person, service.first_year_kept(work.at.date())
    issued = service.invoices_of(person.student_ids)
    taken = service.receipts_of(person.ids)
    free = service.strike_invoices(issued.filter(issued_on__year__lt=year), work.pseudonym)
    free += service.strike_receipts(taken.filter(paid_at__year__lt=year), work.pseudonym)
    work.removed(_("Names on invoices and receipts that are past their time"), free)
    why = _("The law asks the school to keep its books.")
    kept = issued.filter(issued_on__year__gte=year)
    until = _until(kept.aggregate(last=Max("issued_on"))["last"])
    work.stays(_("Invoices with the student's name"), why, until=until, count=kept.count())
    paid = taken.filter(paid_at__year__gte=year)
    until = _until(paid.aggregate(last=Max("paid_at"))["last"])
    work.stays(_("Receipts with the payer's name"), why, until=until, count=paid.count())


def _until(last: date | None) -> date | None:
    return privacy.money_kept_until(last) if last else None


def _staff_in_books(work: privacy.Erasing) -> None:
    count = service.booked_by(work.person.emails) if work.person.emails else 0
    work.stays(
        _("Who booked it, on lines of the books"),
        _("Who handled money must stay provable as long as the books are kept."),
        until=privacy.money_kept_until(work.at.date()),
        count=count,
    )


# Retention --------------------------------------------------------------------------------------

MONEY_DAYS = (settings.RETENTION_MONEY_YEARS + 1) * 366


@privacy.retention_rule(
    "fees.links",
    title=gettext_lazy("Family links that have expired or were revoked"),
    why=gettext_lazy("They open nothing any more."),
    keep_days=30,
)
def old_links(cutoff: datetime) -> QuerySet[Any]:
    return FamilyLink.objects.filter(Q(expires_at__lt=cutoff) | Q(revoked_at__lt=cutoff))


@privacy.retention_rule(
    "fees.link_requests",
    title=gettext_lazy("Counters of requests for a link"),
    why=gettext_lazy("They only matter for an hour."),
    keep_days=1,
)
def old_link_requests(cutoff: datetime) -> QuerySet[Any]:
    return LinkRequest.objects.filter(created_at__lt=cutoff)


@privacy.retention_rule(
    "fees.invoice_names",
    title=gettext_lazy("Names on invoices of the distant past"),
    why=gettext_lazy("The books of that time need not be kept any more; the sums stay."),
    keep_days=MONEY_DAYS,
    work=lambda keys: service.strike_invoices(Invoice.objects.filter(pk__in=keys)),
)
def invoices_past_their_time(cutoff: datetime) -> QuerySet[Any]:
    return Invoice.objects.filter(issued_on__lt=cutoff.date()).exclude(student_name=service.NOBODY)


@privacy.retention_rule(
    "fees.receipt_names",
    title=gettext_lazy("Names on receipts of the distant past"),
    why=gettext_lazy("The books of that time need not be kept any more; the sums stay."),
    keep_days=MONEY_DAYS,
    work=lambda keys: service.strike_receipts(Receipt.objects.filter(pk__in=keys)),
)
def receipts_past_their_time(cutoff: datetime) -> QuerySet[Any]:
    return Receipt.objects.filter(paid_at__lt=cutoff).exclude(payer_name=service.NOBODY)
