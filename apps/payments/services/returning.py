"""Money at the counter that was not money after all: a cheque bounced, a bank took a transfer back,
or one was recorded by mistake. Nothing is deleted: a contra entry takes it out again, and what it
paid for is owed once more. Nobody is given anything, so no gateway and no approval; that is why
cash, which somebody could carry away, is refunded instead."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments import contracts, events, models, selectors
from apps.payments.providers import offline
from apps.payments.services import journal
from apps.payments.services.errors import KeyReused
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7


@transaction.atomic
def take_back(
    payment_id: UUID, *, reason: str, actor: str, idempotency_key: str
) -> contracts.RefundInfo:
    """Reverse what is left of a cheque or transfer; the same key reverses it once.

    Raises NotFound, Invalid (no cheque or transfer, no reason), Conflict (nothing is left of it).
    """
    payment = journal.locked(payment_id)
    known = models.Refund.objects.filter(idempotency_key=idempotency_key).first()
    if known is not None:
        if known.payment_id != payment_id:
            raise KeyReused
        return selectors.to_refund(known, payment.currency)
    _check(payment, reason)
    refund = _reversal(payment, reason=reason, actor=actor, key=idempotency_key)
    journal.write(payment, _story(refund), actor=actor)
    identity.record_audit(
        actor=actor,
        action="payments.payment_returned",
        subject=str(payment_id),
        detail={"amount_minor": refund.amount_minor, "reason": refund.reason},
    )
    refund.refresh_from_db()
    return selectors.to_refund(refund, payment.currency)


def can_bounce(payment: models.Payment) -> bool:
    """True for a payment at the counter that was no cash."""
    return payment.provider == models.OFFLINE and payment.method in ("cheque", "transfer")


def _check(payment: models.Payment, reason: str) -> None:
    if not can_bounce(payment):
        raise Invalid(_("Only a cheque or a transfer can be taken back. Refund this payment."))
    if not reason.strip():
        raise Invalid(_("Say why it is taken back."), field="reason")
    if not payment.refundable_minor:
        raise Conflict(_("Nothing is left of this payment."))


def _reversal(payment: models.Payment, *, reason: str, actor: str, key: str) -> models.Refund:
    """The row, over all that is left; still without events."""
    return models.Refund.objects.create(
        id=uuid7(),
        payment=payment,
        amount_minor=payment.refundable_minor,
        reason=reason.strip()[:300],
        actor=actor[:200],
        idempotency_key=key,
        status=contracts.REFUND_REQUESTED,
        requested_at=timezone.now(),
    )


def _story(refund: models.Refund) -> list[object]:
    at = refund.requested_at
    return [
        events.RefundRequested(
            refund_id=refund.pk, amount_minor=refund.amount_minor, reason=refund.reason, at=at
        ),
        events.RefundSucceeded(
            refund_id=refund.pk, provider_refund_id=f"{offline.RETURNED}{refund.pk}", at=at
        ),
    ]
