"""Refunds above the school's limit need a second person: asked for by one, released by another.

What counts is all that is given back of one payment, so many small refunds are no way around the
limit. A request holds nothing and moves nothing; the refund that it becomes has the same id.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as event_store
from apps.identity import facade as identity
from apps.payments import contracts, events, models
from apps.payments.preferences import REFUND_LIMIT
from apps.payments.selectors import money_back
from apps.payments.services import journal
from apps.tenants import facade as tenants
from kernel import errors

Approval = models.RefundApproval
LIFETIME = timedelta(days=14)
ACTIONS = {
    Approval.APPROVED: "payments.refund_approved",
    Approval.DECLINED: "payments.refund_declined",
    Approval.WITHDRAWN: "payments.refund_withdrawn",
    Approval.EXPIRED: "payments.refund_expired",
}


def is_needed(payment: models.Payment, amount_minor: int) -> bool:
    """Whether giving back this much (minor units) goes beyond what one person may. Call with the
    payment's lock held: refunds at the same moment add up."""
    limit = REFUND_LIMIT.value
    if not limit:
        return False
    given = models.Refund.objects.filter(payment=payment).exclude(status=contracts.REFUND_FAILED)
    total = given.aggregate(total=Sum("amount_minor"))["total"] or 0
    return bool(total + amount_minor > limit)


def ask(
    payment: models.Payment,
    *,
    refund_id: UUID,
    amount_minor: int,
    reason: str,
    actor: str,
    key: str,
    capture_id: str = "",
) -> models.RefundApproval:
    """Write down that somebody wants this refund, in the caller's transaction."""
    now = timezone.now()
    approval = Approval.objects.create(
        id=refund_id,
        payment=payment,
        amount_minor=amount_minor,
        reason=reason,
        idempotency_key=key,
        capture_id=capture_id,
        requested_by=actor,
        requested_at=now,
        expires_at=now + LIFETIME,
    )
    tenants.note_due_work(task=contracts.TIDY_TASK, due_at=approval.expires_at)
    _audit(approval, "payments.refund_approval_requested", actor)
    return approval


def take(approval_id: UUID, *, actor: str) -> models.RefundApproval | None:
    """Mark the request as approved by this person; None when it was before. Call with the payment's
    lock held. Raises Forbidden for whoever asked for it, Conflict when it is over."""
    approval = _waiting(approval_id)
    if approval.state == Approval.APPROVED:
        return None
    _refuse_own(approval, actor)
    _settle(approval, Approval.APPROVED, actor=actor)
    return approval


@transaction.atomic
def decline(*, approval_id: UUID, actor: str, note: str = "") -> contracts.RefundInfo:
    """A second person says no: nothing moves. Raises NotFound, Forbidden, Conflict."""
    approval = _locked(approval_id)
    _refuse_own(approval, actor)
    return _end(approval, Approval.DECLINED, actor=actor, note=note)


@transaction.atomic
def withdraw(*, approval_id: UUID, actor: str) -> contracts.RefundInfo:
    """Whoever asked takes it back. Raises NotFound, Forbidden, Conflict."""
    approval = _locked(approval_id)
    if not _is_same(approval.requested_by, actor):
        raise errors.Forbidden(_("Only who asked for it can take it back. Decline it instead."))
    return _end(approval, Approval.WITHDRAWN, actor=actor)


def expire_due() -> int:
    """End requests that nobody decided about in time. Returns how many."""
    due = money_back.due_approvals(now=timezone.now())
    for approval_id in due:
        with transaction.atomic():
            approval = _locked(approval_id, over=True)
            if approval.state == Approval.WAITING:
                _end(approval, Approval.EXPIRED, actor="")
    return len(due)


def _locked(approval_id: UUID, *, over: bool = False) -> models.RefundApproval:
    """Payment first, as everywhere. `over`: one whose time is over may be taken up as well."""
    known = Approval.objects.filter(pk=approval_id).first()
    if known is None:
        raise errors.NotFound(_("There is no such request."))
    journal.locked(known.payment_id)
    approval = _waiting(approval_id, over=over)
    if approval.state == Approval.APPROVED:
        raise errors.Conflict(_("This has been decided already."))
    return approval


def _waiting(approval_id: UUID, *, over: bool = False) -> models.RefundApproval:
    approval = Approval.objects.select_for_update().get(pk=approval_id)
    if over:
        return approval
    if approval.state not in (Approval.WAITING, Approval.APPROVED):
        raise errors.Conflict(_("This has been decided already."))
    if approval.state == Approval.WAITING and approval.expires_at <= timezone.now():
        raise errors.Conflict(_("Nobody decided in time. Ask for the refund again."))
    return approval


def _refuse_own(approval: models.RefundApproval, actor: str) -> None:
    if _is_same(approval.requested_by, actor):
        raise errors.Forbidden(_("You asked for this refund: somebody else has to decide."))


def _is_same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _end(
    approval: models.RefundApproval, state: str, *, actor: str, note: str = ""
) -> contracts.RefundInfo:
    """The refund will not be made; who waits for it hears so."""
    _settle(approval, state, actor=actor, note=note)
    payment = approval.payment
    failed = events.RefundFailed(
        refund_id=approval.pk,
        payment_id=payment.pk,
        payer_id=payment.payer_id,
        amount_minor=approval.amount_minor,
        currency=payment.currency,
        reason=money_back.approval_words(approval),
    )
    event_store.publish(failed, stream_type=journal.STREAM, stream_id=payment.pk, actor=actor)
    return money_back.approval_as_refund(approval)


def _settle(approval: models.RefundApproval, state: str, *, actor: str, note: str = "") -> None:
    approval.state, approval.decided_by = state, actor[:200]
    approval.decided_at, approval.note = timezone.now(), note.strip()[:300]
    approval.save(update_fields=["state", "decided_by", "decided_at", "note"])
    _audit(approval, ACTIONS[state], actor or "system")


def _audit(approval: models.RefundApproval, action: str, actor: str) -> None:
    identity.record_audit(
        actor=actor,
        action=action,
        subject=str(approval.payment_id),
        detail={
            "refund_id": str(approval.pk),
            "amount_minor": approval.amount_minor,
            "reason": approval.reason,
            "note": approval.note,
        },
    )
