"""A student's account: every line that was ever posted, with the balance after it."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.fees.contracts import LedgerEntry, LedgerPayment, StudentLedger
from apps.fees.models import Allocation, Charge, Cover, Credit, Receipt
from apps.payments import facade as payments
from kernel.schools import current_school

KIND_TEXT = {
    Allocation.Kind.PAYMENT: lambda number: _("Payment for %(number)s") % {"number": number},
    Allocation.Kind.CREDIT_USED: lambda number: (
        _("Credit used for %(number)s") % {"number": number}
    ),
    Allocation.Kind.REFUND: lambda number: _("Refund of %(number)s") % {"number": number},
    Allocation.Kind.REFUND_RETURNED: lambda number: (
        _("Refund came back: %(number)s") % {"number": number}
    ),
    Allocation.Kind.DISPUTE_LOST: lambda number: (
        _("Payment of %(number)s taken back by the bank") % {"number": number}
    ),
    Allocation.Kind.DISPUTE_WON: lambda number: (
        _("Payment of %(number)s given again by the bank") % {"number": number}
    ),
}


def student_ledger(*, student_id: UUID) -> StudentLedger:
    """The student's whole account, oldest line first; four statements, however long."""
    charges = list(Charge.objects.filter(invoice__student_id=student_id).select_related("invoice"))
    taken = list(
        Allocation.objects.filter(invoice__student_id=student_id).select_related("invoice")
    )
    entries = tuple(_running(charges, taken, _reversals(taken)))
    charged = sum(row.amount_minor for row in charges)
    paid = sum(row.amount_minor for row in taken)
    return StudentLedger(
        entries=entries,
        payments=tuple(_payments(taken)),
        balance_minor=charged - paid,
        charged_minor=charged,
        paid_minor=paid,
        currency=current_school().currency,
    )


def _reversals(taken: list[Allocation]) -> Collection[UUID]:
    """Refunds that were none: the payment did not count."""
    gone = {row.payment_id for row in taken if row.kind == Allocation.Kind.REFUND}
    return payments.reversals_of(gone) if gone else ()


def _running(
    charges: list[Charge], taken: list[Allocation], reversals: Collection[UUID]
) -> Iterable[LedgerEntry]:
    rows: list[Charge | Allocation] = [*charges, *taken]
    rows.sort(key=lambda row: (row.booked_on, row.created_at, row.id))
    balance = 0
    for row in rows:
        entry = _charge_entry(row) if isinstance(row, Charge) else _allocation_entry(row, reversals)
        balance += entry["amount_minor"]
        yield LedgerEntry(
            booked_on=row.booked_on,
            invoice_id=row.invoice_id,
            invoice_number=row.invoice.number,
            balance_minor=balance,
            **entry,
        )


def _charge_entry(row: Charge) -> dict:
    return {"kind": row.kind, "text": row.description, "amount_minor": row.amount_minor}


def _allocation_entry(row: Allocation, reversals: Collection[UUID]) -> dict:
    number = row.invoice.number
    reversed_text = _("Payment of %(number)s reversed") % {"number": number}
    is_reversed = row.kind == Allocation.Kind.REFUND and row.source_id in reversals
    return {
        "kind": row.kind,
        "text": reversed_text if is_reversed else KIND_TEXT[Allocation.Kind(row.kind)](number),
        "amount_minor": -row.amount_minor,
        "payment_id": row.payment_id,
    }


def _payments(taken: list[Allocation]) -> Iterable[LedgerPayment]:
    """The payments behind these allocations, newest first."""
    mine: dict[UUID, int] = defaultdict(int)
    for row in taken:
        mine[row.payment_id] += row.amount_minor
    credit, cover = unused_credit(payment_ids=mine), sums(Cover, mine)
    left = _kept(payment_ids=mine)
    for receipt in Receipt.objects.filter(payment_id__in=list(mine)):
        yield LedgerPayment(
            payment_id=receipt.payment_id,
            receipt_number=receipt.number,
            payer_name=receipt.payer_name,
            method=receipt.method,
            paid_at=receipt.paid_at,
            amount_minor=receipt.amount_minor,
            refunded_minor=receipt.amount_minor - left.get(receipt.payment_id, 0),
            student_minor=mine[receipt.payment_id],
            unused_credit_minor=credit.get(receipt.payment_id, 0),
            cover_minor=cover.get(receipt.payment_id, 0),
        )


def unused_credit(*, payment_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Payment -> the part of it that no invoice took."""
    return sums(Credit, payment_ids)


def _kept(*, payment_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Payment -> captured - refunded - lost, by the books: allocations + credit + cover."""
    ids = list(payment_ids)
    books = [sums(model, ids) for model in (Allocation, Credit, Cover)]
    return {key: sum(book.get(key, 0) for book in books) for key in ids}


def sums(
    model: type[Allocation] | type[Credit] | type[Cover], payment_ids: Iterable[UUID]
) -> dict[UUID, int]:
    """Payment -> what its rows come to, in minor units."""
    rows = model.objects.filter(payment_id__in=list(payment_ids)).order_by().values("payment_id")
    return dict(rows.annotate(total=Sum("amount_minor")).values_list("payment_id", "total"))
