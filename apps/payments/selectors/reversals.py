"""A cheque that bounced is reversed and not refunded: nobody was given its money back.

The books take both out alike, so that the fold and the stored status tell no difference. Whoever
reads does: this is the one place that says which it was.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from apps.payments import contracts, models
from apps.payments.providers import offline


def is_reversal(refund: models.Refund) -> bool:
    """Whether it takes back a payment at the counter, which gives nobody money."""
    return refund.provider_refund_id.startswith(offline.RETURNED)


def status_of(payment: models.Payment) -> str:
    """What pages, files and the API call the payment's status: `reversed` where the stored one is
    `refunded` and part of it, or all, was taken back and given to nobody."""
    if payment.status != contracts.REFUNDED:
        return payment.status
    reversals = any(is_reversal(refund) for refund in payment.refunds.all())
    return contracts.REVERSED if reversals else contracts.REFUNDED


def with_status(rows: QuerySet[models.Payment], status: str) -> QuerySet[models.Payment]:
    """Those that `status_of` says this of."""
    if status not in (contracts.REFUNDED, contracts.REVERSED):
        return rows.filter(status=status)
    reversals = models.Refund.objects.filter(
        payment=OuterRef("pk"), provider_refund_id__startswith=offline.RETURNED
    )
    reversed_ = Exists(reversals)
    wanted = reversed_ if status == contracts.REVERSED else ~reversed_
    return rows.filter(wanted, status=contracts.REFUNDED)
