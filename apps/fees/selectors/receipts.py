"""Receipts, made from the receipt row and the books; the gateway is not asked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from apps.fees.contracts import ReceiptInfo, ReceiptLine
from apps.fees.models import Allocation, Cover, Credit, DisputeLoss, Receipt, RefundDecision
from apps.payments import facade as payments
from kernel.errors import NotFound


def get_receipt(*, payment_id: UUID, payer_id: UUID | None = None) -> ReceiptInfo:
    """The receipt of a payment, of this payer when one is given. Raises NotFound."""
    rows = Receipt.objects.filter(payment_id=payment_id)
    if payer_id is not None:
        rows = rows.filter(payer_id=payer_id)
    found = _infos(list(rows))
    if not found:
        raise NotFound(_("There is no such receipt."))
    return found[0]


def kept_as_credit(*, payment_id: UUID) -> int:
    """What no invoice wanted any more when the money arrived, in minor units."""
    rows = Credit.objects.filter(payment_id=payment_id, kind=Credit.Kind.OVERPAID)
    return rows.aggregate(total=Sum("amount_minor"))["total"] or 0


def has_receipt(*, payment_id: UUID) -> bool:
    return Receipt.objects.filter(payment_id=payment_id).exists()


def unreceipted(*, payment_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the payments that have not been allocated yet."""
    wanted = set(payment_ids)
    known = Receipt.objects.filter(payment_id__in=wanted).values_list("payment_id", flat=True)
    return wanted - set(known)


def receipts_of(*, payer_id: UUID, limit: int = 100) -> list[ReceiptInfo]:
    """A payer's own receipts, newest first."""
    return _infos(list(Receipt.objects.filter(payer_id=payer_id)[:limit]))


def _infos(rows: Sequence[Receipt]) -> list[ReceiptInfo]:
    ids = [row.payment_id for row in rows]
    given, taken = _allocations(ids)
    credit = _credit(ids)
    covered = _covers(ids)
    refunded_credit, refunded_cover = _gone_back(Credit, ids), _gone_back(Cover, ids)
    reasons: dict[UUID | None, str] = dict(
        RefundDecision.objects.filter(payment_id__in=ids).values_list("refund_id", "reason")
    )
    lost = DisputeLoss.objects.filter(payment_id__in=ids).values_list("pk", flat=True)
    reversals = payments.reversals_of(ids) if taken or refunded_credit else {}
    reversals |= dict.fromkeys(lost, _("Taken back by the payer’s bank"))
    return [
        _info(
            row,
            lines=given[row.payment_id],
            refunds=_refunds(
                [book[row.payment_id] for book in (taken, refunded_credit, refunded_cover)],
                reasons,
                reversals,
            ),
            credit=credit.get(row.payment_id, 0),
            cover=covered.get(row.payment_id, 0),
        )
        for row in rows
    ]


def _info(
    row: Receipt,
    *,
    lines: list[ReceiptLine],
    refunds: list[ReceiptLine],
    credit: int,
    cover: int,
) -> ReceiptInfo:
    kept = row.amount_minor - cover - sum(line.amount_minor for line in lines)
    others = ((_("Kept as credit"), max(kept, 0)), (_("Processing cost"), cover))
    lines = lines + [
        ReceiptLine(text=text, student_name="", amount_minor=amount)
        for text, amount in others
        if amount
    ]
    return ReceiptInfo(
        payment_id=row.payment_id,
        number=row.number,
        payer_id=row.payer_id,
        payer_name=row.payer_name,
        method=row.method,
        currency=row.currency,
        amount_minor=row.amount_minor,
        refunded_minor=sum(refund.amount_minor for refund in refunds),
        credit_minor=credit,
        paid_at=row.paid_at,
        cover_minor=cover,
        lines=tuple(lines),
        refunds=tuple(refunds),
    )


# Kinds of rows, of invoices, credit and cover, by which money went back to the payer, and came
# again.
GONE_BACK = (
    Allocation.Kind.REFUND,
    Allocation.Kind.REFUND_RETURNED,
    Allocation.Kind.DISPUTE_LOST,
    Allocation.Kind.DISPUTE_WON,
)
Rows = dict[UUID, list[ReceiptLine]]
Refunds = dict[UUID, dict[UUID, int]]


def _allocations(ids: Sequence[UUID]) -> tuple[Rows, Refunds]:
    """What each payment paid for when it came in, and what refunds and banks took back from
    invoices."""
    given: Rows = defaultdict(list)
    taken: Refunds = defaultdict(lambda: defaultdict(int))
    rows = Allocation.objects.filter(payment_id__in=ids).select_related("invoice")
    for row in rows.order_by("invoice__due_on", "invoice__number", "created_at"):
        if row.kind == Allocation.Kind.PAYMENT:
            text = f"{row.invoice.title} ({row.invoice.number})"
            name = row.invoice.student_name
            line = ReceiptLine(text=text, student_name=name, amount_minor=row.amount_minor)
            given[row.payment_id].append(line)
        elif row.kind in GONE_BACK:
            taken[row.payment_id][row.source_id] -= row.amount_minor
    return given, taken


def _credit(ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = Credit.objects.filter(payment_id__in=ids).order_by().values("payment_id")
    return dict(rows.annotate(left=Sum("amount_minor")).values_list("payment_id", "left"))


def _covers(ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = Cover.objects.filter(payment_id__in=ids, kind=Cover.Kind.PAYMENT)
    return dict(rows.values_list("payment_id", "amount_minor"))


def _gone_back(model: type[Credit] | type[Cover], ids: Sequence[UUID]) -> Refunds:
    taken: Refunds = defaultdict(lambda: defaultdict(int))
    rows = model.objects.filter(payment_id__in=ids, kind__in=GONE_BACK).order_by()
    for payment_id, source_id, amount in rows.values_list(
        "payment_id", "source_id", F("amount_minor")
    ):
        taken[payment_id][source_id] -= amount
    return taken


def _refunds(
    books: Iterable[dict[UUID, int]],
    reasons: dict[UUID | None, str],
    reversals: dict[UUID, str],
) -> list[ReceiptLine]:
    total: dict[UUID, int] = defaultdict(int)
    for part in books:
        for refund_id, amount in part.items():
            total[refund_id] += amount
    return [
        ReceiptLine(
            text=reversals.get(key) or reasons.get(key) or _("Refund"),
            student_name="",
            amount_minor=amount,
            reversed=key in reversals,
        )
        for key, amount in sorted(total.items())
        if amount
    ]
