"""Money that arrived and is not what was asked for: a person decides what becomes of it."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments import contracts, events, models
from apps.payments.aggregate import PaymentState
from apps.payments.services import journal, refunds
from kernel.errors import Conflict, Invalid


def waiting(payment: models.Payment) -> list[contracts.MismatchInfo]:
    """What waits for a decision, oldest first."""
    state = journal.state_of(payment.pk)
    return [
        contracts.MismatchInfo(
            capture_id=seen.capture_id,
            amount_minor=seen.actual_minor,
            currency=seen.actual_currency,
            expected_minor=seen.expected_minor,
            expected_currency=seen.expected_currency,
            is_second=bool(state.captures),
            may_book=seen.actual_currency == payment.currency,
            at=seen.at,
        )
        for seen in state.unresolved()
    ]


def resolve(
    *, payment_id: UUID, capture_id: str, decision: str, why: str, actor: str
) -> contracts.RefundInfo | None:
    """`book` it: it pays what was asked for as far as it goes, the rest (of a second capture: all)
    is the family's credit. `refund` it through the gateway, or `close` it: nothing is booked, and
    what it was for can be paid again. `why` stays in the story. Returns the refund, if there is
    one.

    Raises NotFound, Invalid (another currency can only be closed), Conflict (decided already).
    """
    if not why.strip():
        raise Invalid(_("Say why you decide so."), field="why")
    if decision == contracts.REFUND:
        return refunds.refund_unbooked(
            payment_id=payment_id, capture_id=capture_id, reason=why, actor=actor
        )
    if decision not in (contracts.BOOK, contracts.CLOSE):
        raise Invalid(_("Choose what becomes of the money."), field="decision")
    _write(payment_id, capture_id, decision, why=why.strip()[:300], actor=actor)
    return None


@transaction.atomic
def _write(payment_id: UUID, capture_id: str, decision: str, *, why: str, actor: str) -> None:
    payment = journal.locked(payment_id)
    seen = find(journal.state_of(payment_id), capture_id)
    if decision == contracts.BOOK and seen.actual_currency != payment.currency:
        raise Invalid(_("Money of another currency cannot be booked or refunded from here."))
    resolved = events.MismatchResolved(capture_id=capture_id, decision=decision, at=timezone.now())
    journal.write(payment, [resolved], actor=actor, why=why)
    identity.record_audit(
        actor=actor,
        action="payments.mismatch_resolved",
        subject=str(payment_id),
        detail={"capture_id": capture_id, "decision": decision},
    )


def find(state: PaymentState, capture_id: str) -> events.MismatchDetected:
    """What waits for a decision. Raises Conflict when nothing of that number does."""
    for seen in state.unresolved():
        if seen.capture_id == capture_id:
            return seen
    raise Conflict(_("This payment does not wait for anybody."))
