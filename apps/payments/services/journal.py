"""The only place that writes a payment's story: events, projections and news in one transaction.

The caller holds the payment's row lock (`locked`), so versions cannot collide in practice; the
unique (stream, version) of the event store is what makes it certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as event_store
from apps.payments import contracts, events, models
from apps.payments.aggregate import DisputeState, PaymentState, RefundState, fold
from apps.payments.services.derived import dispute_columns, payment_columns, refund_columns
from apps.tenants import facade as tenants
from kernel.acting import current_actor
from kernel.errors import NotFound

STREAM = "payment"
CHECK_DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(days=1),
)


def locked(payment_id: UUID) -> models.Payment:
    """The payment's row, locked until the transaction ends. Raises NotFound."""
    payment = models.Payment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("There is no such payment."))
    return payment


def state_of(payment_id: UUID) -> PaymentState:
    """The fold of everything stored about the payment."""
    return fold(stored.event for stored in event_store.load(payment_id))


def write(
    payment: models.Payment, news: Sequence[object], *, actor: str = "", why: str = ""
) -> PaymentState:
    """Append the news, bring the rows up to date and publish what others want to hear.

    With each event stands who acted (`actor`, else whoever acts now), in which trace and, if it
    is said, why. Call inside a transaction that holds the payment's lock. Without news nothing is
    written.
    """
    known = [stored.event for stored in event_store.load(payment.pk)] if payment.version else []
    before = fold(known)
    if not news:
        return before
    after = fold([*known, *news])
    _take_over(payment, after)
    metadata = {"actor": actor or current_actor(), **({"why": why} if why else {})}
    payment.version = event_store.append(
        STREAM,
        payment.pk,
        expected_version=payment.version,
        events=news,
        metadata=metadata,
        publish=list(_difference(payment, before, after)),
    )
    _save(payment, after)
    return after


def _take_over(payment: models.Payment, state: PaymentState) -> None:
    for column, value in payment_columns(state).items():
        setattr(payment, column, value)
    for capture in state.captures.values():
        if capture.capture_id == payment.capture_id:
            payment.method = capture.method
    _plan_next_check(payment, state)


def _save(payment: models.Payment, state: PaymentState) -> None:
    payment.save()
    _announce_check(payment)
    for refund in state.refunds.values():
        _project_refund(payment, refund)
    for dispute_id, dispute in state.disputes.items():
        models.Dispute.objects.update_or_create(
            id=dispute_id, payment=payment, defaults=dispute_columns(state, dispute)
        )
    if not payment.is_open:
        models.OpenClaim.objects.filter(payment=payment).delete()


def waits_for_gateway(payment: models.Payment, state: PaymentState) -> bool:
    """True while the gateway may know something that we do not."""
    if payment.provider == models.OFFLINE:
        return False
    unsettled = (contracts.REFUND_REQUESTED, contracts.REFUND_PENDING)
    refund_open = any(r.status in unsettled and not r.external for r in state.refunds.values())
    undecided = any(d.status in contracts.UNSETTLED for d in state.disputes.values())
    return state.is_open or refund_open or undecided


def _plan_next_check(payment: models.Payment, state: PaymentState) -> None:
    """News starts the row of delays again; with nothing to wait for there is no next check."""
    payment.checks = 0
    waiting = waits_for_gateway(payment, state)
    payment.next_check_at = timezone.now() + CHECK_DELAYS[0] if waiting else None


def postpone_check(payment: models.Payment, state: PaymentState) -> None:
    """The gateway had nothing new: ask later, and ever less often (1 min, 5 min, 1 h, daily)."""
    if not waits_for_gateway(payment, state):
        payment.next_check_at = None
    else:
        payment.checks = min(payment.checks + 1, len(CHECK_DELAYS) - 1)
        payment.next_check_at = timezone.now() + CHECK_DELAYS[payment.checks]
        if state.session and payment.is_open and payment.session_expires_at:
            # A hosted page that nobody uses is closed soon after its time, not a day later.
            soon = payment.session_expires_at + timedelta(minutes=1)
            if timezone.now() < soon < payment.next_check_at:
                payment.next_check_at = soon
    payment.save(update_fields=["checks", "next_check_at"])
    _announce_check(payment)


def _announce_check(payment: models.Payment) -> None:
    """So that the janitor looks into this school then (apps/tenants/services/due.py)."""
    if payment.next_check_at is not None:
        tenants.note_due_work(task=contracts.TIDY_TASK, due_at=payment.next_check_at)


def _project_refund(payment: models.Payment, refund: RefundState) -> None:
    values = refund_columns(refund)
    found = models.Refund.objects.filter(pk=refund.id).update(**values)
    if not found:
        models.Refund.objects.create(
            id=refund.id,
            payment=payment,
            amount_minor=refund.amount_minor,
            reason=refund.reason,
            external=refund.external,
            idempotency_key=f"external:{refund.provider_refund_id}",
            requested_at=refund.requested_at,
            **values,
        )


def _difference(
    payment: models.Payment, before: PaymentState, after: PaymentState
) -> Iterator[object]:
    """What others want to hear of the step from one state to the other."""
    if after.captures and not before.captures:
        yield _captured(payment, after)
    elif after.captures:
        for capture_id in set(after.captures) - set(before.captures):
            yield _extra(payment, after.captures[capture_id])
    if not after.captures:
        for reason in _new_failures(before, after):
            yield events.PaymentFailed(
                payment_id=payment.pk, payer_id=payment.payer_id, reason=reason
            )
    for refund in after.refunds.values():
        known = before.refunds.get(refund.id)
        if refund.status != (known.status if known else ""):
            yield from _refund_news(payment, refund)
    for dispute_id in after.disputes:
        yield from _dispute_news(dispute_id, before, after)


def _dispute_news(dispute_id: UUID, before: PaymentState, after: PaymentState) -> list[object]:
    """What is new about a dispute of money that is booked: the events themselves."""
    return [
        event
        for event in _told(after, after.disputes[dispute_id])
        if event not in _told(before, before.disputes.get(dispute_id))
    ]


def _told(state: PaymentState, dispute: DisputeState | None) -> list[object]:
    if dispute is None or not state.counts(dispute):
        return []
    return [event for event in (dispute.opened, dispute.lost, dispute.won) if event]


def _new_failures(before: PaymentState, after: PaymentState) -> list[str]:
    reasons = []
    if set(after.failures) - set(before.failures):
        reasons.append("declined")
    if (after.cancelled_at and not before.cancelled_at) or set(after.resolved) - set(
        before.resolved
    ):
        reasons.append("cancelled")
    elif after.expired_at and not before.expired_at:
        reasons.append("expired")
    return reasons


def _captured(payment: models.Payment, state: PaymentState) -> events.PaymentCaptured:
    return events.PaymentCaptured(
        payment_id=payment.pk,
        payer_id=payment.payer_id,
        payer_name=payment.payer_name,
        payer_email=payment.payer_email,
        amount_minor=state.captured_minor,
        currency=payment.currency,
        method=payment.method,
        lines=tuple(
            events.Line(
                reference=line.reference,
                description=line.description,
                amount_minor=line.amount_minor,
            )
            for line in payment.lines.all()
        ),
        captured_at=state.captured_at or timezone.now(),
        cover_minor=payment.cover_minor,
    )


def _extra(payment: models.Payment, capture: events.Captured) -> events.ExtraCaptured:
    return events.ExtraCaptured(
        payment_id=payment.pk,
        capture_id=capture.capture_id,
        amount_minor=capture.amount_minor,
        currency=capture.currency,
        captured_at=capture.at,
    )


def _refund_news(payment: models.Payment, refund: RefundState) -> Iterator[object]:
    """Money that was never booked goes back unheard by the books."""
    if refund.capture_id:
        return
    if refund.status == contracts.REFUND_SUCCEEDED:
        yield _refund_completed(payment, refund)
    elif refund.status == contracts.REFUND_FAILED:
        yield events.RefundFailed(
            refund_id=refund.id,
            payment_id=payment.pk,
            payer_id=payment.payer_id,
            amount_minor=refund.amount_minor,
            currency=payment.currency,
            reason=refund.failure,
        )


def _refund_completed(payment: models.Payment, refund: RefundState) -> events.RefundCompleted:
    return events.RefundCompleted(
        refund_id=refund.id,
        payment_id=payment.pk,
        payer_id=payment.payer_id,
        payer_name=payment.payer_name,
        payer_email=payment.payer_email,
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        reason=refund.reason,
        completed_at=_or_now(refund.succeeded_at),
    )


def _or_now(moment: datetime | None) -> datetime:
    return moment or timezone.now()


@transaction.atomic
def record(payment_id: UUID, news: Sequence[object], *, actor: str = "") -> PaymentState:
    """Lock the payment and write the news, in a transaction of its own."""
    return write(locked(payment_id), news, actor=actor)
