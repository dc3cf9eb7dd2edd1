"""Invoices as plain data, with the sums the database made."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, Prefetch, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Right
from django.utils.translation import gettext as _

from apps.fees.contracts import (
    ChargeInfo,
    InvoiceInfo,
    InvoiceStatus,
    InvoiceTotals,
    Part,
    open_parts,
)
from apps.fees.models import Allocation, Charge, DisputeLoss, Instalment, Invoice
from apps.fees.preferences import overdue_before
from kernel.errors import NotFound

STATUSES = ("open", "overdue", "paid", "void")


def get_invoice(*, invoice_id: UUID) -> InvoiceInfo:
    """One invoice with its lines. Raises NotFound."""
    row = _rows().filter(pk=invoice_id).first()
    if row is None:
        raise NotFound(_("There is no such invoice."))
    return invoice_info(row, on=overdue_before())


def get_invoices(*, invoice_ids: Iterable[UUID]) -> list[InvoiceInfo]:
    """These invoices, oldest due first; unknown ids are left out."""
    on = overdue_before()
    return [invoice_info(row, on=on) for row in _rows().filter(pk__in=list(invoice_ids))]


def open_invoices(*, student_ids: Iterable[UUID], without_held: bool = False) -> list[InvoiceInfo]:
    """What still wants money for these students, oldest due first. `without_held`: without what
    waits for the school's decision after a lost dispute."""
    on = overdue_before()
    rows = _rows().filter(student_id__in=list(student_ids), balance__gt=0)
    if without_held:
        rows = rows.exclude(pk__in=held())
    rows = rows.order_by("next_due", "number")
    return [invoice_info(row, on=on) for row in rows]


def owed_by_numbers_or_sums(*, numbers: Iterable[str], sums: Iterable[int]) -> list[InvoiceInfo]:
    """Invoices that still want money and whose number ends like one of these ("2026-00042"), or
    that want just one of these sums (minor units), oldest due first."""
    on = overdue_before()
    wanted = Invoice.objects.annotate(ending=Right("number", 10)).filter(ending__in=list(numbers))
    rows = Invoice.objects.with_balances().filter(balance__gt=0)
    rows = rows.filter(Q(pk__in=wanted.values("pk")) | Q(balance__in=list(sums)))
    return [invoice_info(row, on=on, with_lines=False) for row in rows.order_by("due_on", "number")]


def open_invoices_due(*, days: Iterable[date]) -> list[InvoiceInfo]:
    """Whose first unpaid part is due on one of these days, oldest due first; without what waits
    for the school's decision after a lost dispute: nobody is reminded of it."""
    on = overdue_before()
    rows = _rows().filter(next_due__in=list(days), balance__gt=0).exclude(pk__in=held())
    return [invoice_info(row, on=on) for row in rows]


def held() -> QuerySet[Any]:
    """Keys of invoices that a lost dispute opened again and about which nobody has decided yet:
    families are neither reminded of them nor charged by themselves."""
    waiting = DisputeLoss.objects.filter(state=DisputeLoss.State.WAITING).values("pk")
    rows = Allocation.objects.filter(kind=Allocation.Kind.DISPUTE_LOST, source_id__in=waiting)
    return rows.values("invoice_id")


def settled_invoices(*, student_ids: Iterable[UUID], limit: int = 50) -> list[InvoiceInfo]:
    """Paid invoices of these students, newest due first."""
    on = overdue_before()
    rows = _rows().filter(student_id__in=list(student_ids), balance__lte=0, charged__gt=0)
    return [invoice_info(row, on=on) for row in rows.order_by("-due_on", "-number")[:limit]]


def filtered(
    *,
    text: str = "",
    status: str = "",
    student_id: UUID | None = None,
    due_from: date | None = None,
    due_to: date | None = None,
) -> QuerySet[Any]:
    """Invoices with balances for a list; `status` is one of STATUSES or "" for all."""
    rows = Invoice.objects.with_balances()
    if text:
        rows = rows.filter(
            Q(number__icontains=text) | Q(student_name__icontains=text) | Q(title__icontains=text)
        )
    if student_id:
        rows = rows.filter(student_id=student_id)
    if due_from:
        rows = rows.filter(due_on__gte=due_from)
    if due_to:
        rows = rows.filter(due_on__lte=due_to)
    return _with_status(rows, status)


def _with_status(rows: QuerySet[Any], status: str) -> QuerySet[Any]:
    if status == "open":
        return rows.filter(balance__gt=0)
    if status == "overdue":
        return rows.filter(balance__gt=0, next_due__lt=overdue_before())
    if status == "paid":
        return rows.filter(balance__lte=0, charged__gt=0)
    if status == "void":
        return rows.filter(charged__lte=0)
    return rows


def totals_of(rows: QuerySet[Any]) -> InvoiceTotals:
    """Sums over a filtered list, in one statement."""

    def total(name: str) -> Coalesce:
        return Coalesce(Sum(name), Value(0), output_field=BigIntegerField())

    sums = rows.order_by().aggregate(
        count=Count("pk"), all_charged=total("charged"), all_paid=total("paid")
    )
    return InvoiceTotals(
        count=sums["count"],
        charged_minor=sums["all_charged"],
        paid_minor=sums["all_paid"],
        balance_minor=sums["all_charged"] - sums["all_paid"],
    )


def infos(rows: Sequence[Invoice]) -> list[InvoiceInfo]:
    """Rows of with_balances() (one page of them) as plain data, without their lines."""
    on = overdue_before()
    return [invoice_info(row, on=on, with_lines=False) for row in rows]


def invoice_info(row: Invoice, *, on: date, with_lines: bool = True) -> InvoiceInfo:
    """`row` comes from with_balances(); what was due before the day `on` is overdue."""
    charged, paid, balance = _sums(row)
    return InvoiceInfo(
        id=row.id,
        number=row.number,
        title=row.title,
        student_id=row.student_id,
        student_name=row.student_name,
        class_name=row.class_name,
        issued_on=row.issued_on,
        due_on=row.due_on,
        currency=row.currency,
        charged_minor=charged,
        paid_minor=paid,
        balance_minor=balance,
        status=status_of(charged=charged, paid=paid, due_on=getattr(row, "next_due"), on=on),  # noqa: B009
        lines=tuple(_charge_info(line) for line in row.charges.all()) if with_lines else (),
        instalments=tuple(map(_part, row.instalments.all())) if with_lines else (),
    )


def _part(row: Instalment) -> Part:
    return Part(due_on=row.due_on, amount_minor=row.amount_minor)


def _sums(row: Invoice) -> tuple[int, int, int]:
    return (
        getattr(row, "charged"),  # noqa: B009 – annotated by with_balances()
        getattr(row, "paid"),  # noqa: B009
        getattr(row, "balance"),  # noqa: B009
    )


def status_of(*, charged: int, paid: int, due_on: date, on: date) -> InvoiceStatus:
    """An invoice's state is computed, never stored: it cannot disagree with its lines."""
    if charged <= 0:
        return "void"
    if paid >= charged:
        return "paid"
    if due_on < on:
        return "overdue"
    return "part_paid" if paid > 0 else "open"


def _charge_info(row: Charge) -> ChargeInfo:
    return ChargeInfo(
        id=row.id,
        kind=row.kind,
        description=row.description,
        amount_minor=row.amount_minor,
        why=row.why,
        booked_on=row.booked_on,
    )


def _rows() -> QuerySet[Any]:
    lines = Prefetch("charges", queryset=Charge.objects.order_by("created_at", "id"))
    return Invoice.objects.with_balances().prefetch_related(lines, "instalments")


def balances_of(*, invoice_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Invoice -> what it still wants, in minor units, oldest due first."""
    rows = Invoice.objects.filter(pk__in=list(invoice_ids)).order_by("due_on", "number")
    return plain_balances(invoice_ids=list(rows.values_list("pk", flat=True)))


def plain_balances(*, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The same for known ids, in the order given: two small sums, for the busy path."""
    charged = _sums_by_invoice(Charge, invoice_ids)
    paid = _sums_by_invoice(Allocation, invoice_ids)
    return {key: charged.get(key, 0) - paid.get(key, 0) for key in invoice_ids}


def parts_in_order(balances: Mapping[UUID, int]) -> list[tuple[UUID, int]]:
    """What these invoices want, part by part, oldest due first. Each part of a plan stands at its
    own date; invoices of one day keep the order given."""
    plans: dict[UUID, list[Part]] = defaultdict(list)
    for row in Instalment.objects.filter(invoice_id__in=list(balances)).order_by("due_on"):
        plans[row.invoice_id].append(_part(row))
    if not plans:
        return list(balances.items())
    due = dict(Invoice.objects.filter(pk__in=list(balances)).values_list("pk", "due_on"))
    wanted = [
        (part.due_on, key, part.amount_minor)
        for key, balance in balances.items()
        for part in open_parts(balance, due_on=due[key], instalments=plans[key])
    ]
    return [(key, amount) for _due, key, amount in sorted(wanted, key=lambda row: row[0])]


def _sums_by_invoice(
    model: type[Charge] | type[Allocation], invoice_ids: Sequence[UUID]
) -> dict[UUID, int]:
    rows = model.objects.filter(invoice_id__in=invoice_ids).order_by().values("invoice_id")
    return dict(rows.annotate(total=Sum("amount_minor")).values_list("invoice_id", "total"))


def students_with_invoices(*, student_ids: Iterable[UUID]) -> list[UUID]:
    """Those of the students who have ever been billed."""
    rows = Invoice.objects.filter(student_id__in=list(student_ids)).order_by()
    return list(rows.values_list("student_id", flat=True).distinct())
