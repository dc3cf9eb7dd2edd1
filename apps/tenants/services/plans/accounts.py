"""Reading the platform's invoices: what was issued, what is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.tenants.models import PlatformInvoice, PlatformPayment
from apps.tenants.services.plans.meters import MESSAGES, STORAGE, STUDENTS, VOLUME, amount_text
from kernel.errors import NotFound
from kernel.money import format_money
from kernel.schools import in_public

ISSUED, OVERDUE, PAID, VOID, CREDIT = "issued", "overdue", "paid", "void", "credit"
STATUSES = (ISSUED, OVERDUE, PAID, VOID)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLineInfo:
    text: str
    why: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOfInvoice:
    amount_minor: int
    received_on: date
    reference: str
    recorded_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformInvoiceInfo:
    """An invoice of the platform, or a credit note (`is_credit`, its amounts below zero).

    `status` follows from the payments and the credit note: nothing in a posted row changes.
    """

    id: UUID
    number: str
    is_credit: bool
    credits_number: str
    credit_number: str
    school_id: int
    school_name: str
    billed_to: str
    language: str
    month: date
    plan_name: str
    currency: str
    total_minor: int
    paid_minor: int
    status: str
    reason: str
    issued_on: date
    due_on: date
    created_at: datetime
    lines: tuple[InvoiceLineInfo, ...] = ()
    payments: tuple[PaymentOfInvoice, ...] = ()

    @property
    def balance_minor(self) -> int:
        """What is still to be paid; nothing for one that was taken back."""
        return 0 if self.is_credit or self.status == VOID else self.total_minor - self.paid_minor


def invoices(
    *, school_id: int | None = None, status: str = "", text: str = ""
) -> QuerySet[PlatformInvoice]:
    """Invoices and credit notes, newest first. Lazy: evaluate it in the public schema."""
    rows = _rows().order_by("-created_at", "-id")
    if school_id is not None:
        rows = rows.filter(school_id=school_id)
    if text:
        rows = rows.filter(Q(number__icontains=text) | Q(school_name__icontains=text))
    return rows.filter(_status_filter(status)) if status in STATUSES else rows


def _rows() -> QuerySet[PlatformInvoice]:
    paid = Coalesce(Sum("payments__amount_minor"), Value(0), output_field=BigIntegerField())
    return PlatformInvoice.objects.select_related("credits", "credit_note").annotate(paid=paid)


def _status_filter(status: str) -> Q:
    invoice = Q(kind=PlatformInvoice.Kind.INVOICE)
    if status == VOID:
        return invoice & Q(credit_note__isnull=False)
    standing = invoice & Q(credit_note__isnull=True)
    if status == PAID:
        return standing & Q(paid__gte=F("total_minor"))
    open_ones = standing & Q(paid__lt=F("total_minor"))
    late = Q(due_on__lt=timezone.now().date())
    return open_ones & late if status == OVERDUE else open_ones & ~late


def list_invoices(*, school_id: int) -> list[PlatformInvoiceInfo]:
    """A school's invoices and credit notes, newest first, without their lines."""
    with in_public():
        return [to_info(row) for row in invoices(school_id=school_id)]


def get_invoice(*, invoice_id: UUID, school_id: int | None = None) -> PlatformInvoiceInfo:
    """One invoice with lines and payments; of that school only, if one is named. Raises
    NotFound."""
    with in_public():
        rows = _rows().filter(pk=invoice_id).prefetch_related("lines", "payments")
        row = rows.filter(school_id=school_id).first() if school_id else rows.first()
        if row is None:
            raise NotFound(_("There is no such invoice."))
        return to_info(row, with_parts=True)


def to_info(row: Any, *, with_parts: bool = False) -> PlatformInvoiceInfo:
    """A row of `invoices()` as plain data."""
    note = getattr(row, "credit_note", None)
    return PlatformInvoiceInfo(
        id=row.id,
        number=row.number,
        is_credit=row.kind == PlatformInvoice.Kind.CREDIT,
        credits_number=row.credits.number if row.credits else "",
        credit_number=note.number if note else "",
        school_id=row.school_id,
        school_name=row.school_name,
        billed_to=row.billed_to,
        language=row.language,
        month=row.month,
        plan_name=row.plan_name,
        currency=row.currency,
        total_minor=row.total_minor,
        paid_minor=row.paid,
        status=_status(row, is_void=note is not None),
        reason=row.reason,
        issued_on=row.issued_on,
        due_on=row.due_on,
        created_at=row.created_at,
        lines=tuple(_line(line, row.currency) for line in row.lines.all()) if with_parts else (),
        payments=tuple(_payment(one) for one in row.payments.all()) if with_parts else (),
    )


def _status(row: Any, *, is_void: bool) -> str:
    if row.kind == PlatformInvoice.Kind.CREDIT:
        return CREDIT
    if is_void:
        return VOID
    if row.paid >= row.total_minor:
        return PAID
    return OVERDUE if row.due_on < timezone.now().date() else ISSUED


def _payment(row: PlatformPayment) -> PaymentOfInvoice:
    return PaymentOfInvoice(
        amount_minor=row.amount_minor,
        received_on=row.received_on,
        reference=row.reference,
        recorded_by=row.recorded_by,
    )


def _line(row: Any, currency: str) -> InvoiceLineInfo:
    text, why = describe_line(row.code, row.detail, currency)
    return InvoiceLineInfo(text=text, why=why, amount_minor=row.amount_minor)


def describe_line(code: str, detail: dict[str, Any], currency: str) -> tuple[str, str]:
    """What a line is for, and how its amount came about, in the reader's language."""
    if code == "plan":
        price = format_money(int(detail["price_minor"]), currency)
        why = _("%(price)s a month") % {"price": price}
        return _("Plan %(plan)s") % {"plan": detail["plan"]}, f"{why}{_part(detail)}"
    if code == VOLUME:
        return _("Fee on payments"), _fee_reason(detail, currency)
    texts = {
        STUDENTS: _("Students beyond the plan"),
        STORAGE: _("Storage beyond the plan"),
        MESSAGES: _("Messages beyond the plan"),
    }
    return texts.get(code, code), _extra_reason(code, detail, currency)


def _fee_reason(detail: dict[str, Any], currency: str) -> str:
    volume = format_money(int(detail["volume_minor"]), currency)
    whole, rest = divmod(int(detail["basis_points"]), 100)
    percent = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    why = _("%(percent)s %% of %(volume)s received online") % {"percent": percent, "volume": volume}
    return f"{why}{_part(detail)}"


def _extra_reason(code: str, detail: dict[str, Any], currency: str) -> str:
    facts = {
        "used": amount_text(code, int(detail["used"])),
        "included": amount_text(code, int(detail["included"])),
        "units": detail["units"],
        "unit": amount_text(code, int(detail["unit"])),
        "price": format_money(int(detail["unit_price_minor"]), currency),
    }
    why = _("%(used)s, %(included)s included: %(units)s × %(unit)s at %(price)s") % facts
    return f"{why}{_part(detail)}"


def _part(detail: dict[str, Any]) -> str:
    """Says which part of the month is charged; nothing for a whole month."""
    if detail["days"] == detail["of"]:
        return ""
    return _(", for %(days)s of %(of)s days") % {"days": detail["days"], "of": detail["of"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all schools in one currency, minor units."""

    currency: str
    open_minor: int
    overdue_minor: int
    paid_minor: int


def totals() -> list[Totals]:
    """What is owed to the platform and what was paid, by currency."""
    with in_public():
        rows = list(_rows().filter(kind=PlatformInvoice.Kind.INVOICE, credit_note__isnull=True))
    today = timezone.now().date()
    sums: dict[str, list[int]] = {}
    for row in rows:
        of_currency = sums.setdefault(row.currency, [0, 0, 0])
        balance = row.total_minor - row.paid  # type: ignore[attr-defined]
        of_currency[0] += balance
        of_currency[1] += balance if row.due_on < today else 0
        of_currency[2] += row.paid  # type: ignore[attr-defined]
    return [
        Totals(currency=code, open_minor=of[0], overdue_minor=of[1], paid_minor=of[2])
        for code, of in sorted(sums.items())
    ]
