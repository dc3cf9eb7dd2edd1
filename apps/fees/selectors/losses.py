"""Payments that a bank took back, and about which nobody has decided yet."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from apps.fees.contracts import LossInfo, LossPart
from apps.fees.models import Allocation, DisputeLoss, Receipt


def waiting_losses(*, payment_ids: Iterable[UUID] | None = None) -> list[LossInfo]:
    """Oldest first; those of some payments, or all. Three statements for any number."""
    rows = DisputeLoss.objects.filter(state=DisputeLoss.State.WAITING)
    if payment_ids is not None:
        rows = rows.filter(payment_id__in=list(payment_ids))
    found = list(rows)
    payers = dict(
        Receipt.objects.filter(payment_id__in=[row.payment_id for row in found]).values_list(
            "payment_id", "payer_name"
        )
    )
    parts = _parts([row.pk for row in found])
    return [
        LossInfo(
            dispute_id=row.pk,
            payment_id=row.payment_id,
            payer_name=payers.get(row.payment_id, ""),
            amount_minor=row.amount_minor,
            currency=row.currency,
            lost_at=row.created_at,
            invoices=tuple(parts[row.pk]),
        )
        for row in found
    ]


def count_waiting() -> int:
    return DisputeLoss.objects.filter(state=DisputeLoss.State.WAITING).count()


def _parts(dispute_ids: list[UUID]) -> dict[UUID, list[LossPart]]:
    taken = Allocation.objects.filter(
        kind=Allocation.Kind.DISPUTE_LOST, source_id__in=dispute_ids
    ).select_related("invoice")
    parts: dict[UUID, list[LossPart]] = defaultdict(list)
    for row in taken:
        part = LossPart(
            invoice_id=row.invoice_id,
            number=row.invoice.number,
            student_id=row.invoice.student_id,
            student_name=row.invoice.student_name,
            amount_minor=-row.amount_minor,
        )
        parts[row.source_id].append(part)
    return parts
