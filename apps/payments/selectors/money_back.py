"""Money that goes back: disputes, and refunds that wait for a second person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, When
from django.utils.translation import gettext as _

from apps.payments import contracts, models
from apps.payments.contracts import ApprovalInfo
from apps.payments.providers import offline
from apps.payments.selectors import to_refund
from kernel.errors import NotFound


def get_refund(refund_id: UUID) -> contracts.RefundInfo:
    """Raises NotFound."""
    refund = models.Refund.objects.select_related("payment").filter(pk=refund_id).first()
    if refund is None:
        raise NotFound(_("There is no such refund."))
    return to_refund(refund, refund.payment.currency)


def refunds_under_way(payment_ids: Iterable[UUID]) -> list[contracts.RefundInfo]:
    """Refunds of these payments that are neither made nor failed, oldest first; an `external` one
    waits for a person to decide about it. Those of money that is not booked are left out."""
    rows = models.Refund.objects.filter(
        payment_id__in=list(payment_ids),
        status__in=(contracts.REFUND_REQUESTED, contracts.REFUND_PENDING),
        capture_id="",
    )
    return [to_refund(row, row.payment.currency) for row in rows.select_related("payment")]


def reversals_of(payment_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Refund -> reason, of payments at the counter that did not count after all."""
    rows = models.Refund.objects.filter(
        payment_id__in=list(payment_ids), provider_refund_id__startswith=offline.RETURNED
    )
    return dict(rows.values_list("pk", "reason"))


def disputes(*, undecided: bool = False, text: str = "") -> QuerySet[models.Dispute]:
    """Disputes: those that wait for an answer by their deadline, then the decided, newest first."""
    rows = models.Dispute.objects.select_related("payment")
    if undecided:
        rows = rows.filter(status__in=contracts.UNSETTLED)
    if text:
        rows = rows.filter(
            Q(provider_dispute_id=text)
            | Q(payment__payer_name__icontains=text)
            | Q(payment__description__icontains=text)
        )
    turn = Case(
        *[When(status=status, then=place) for place, status in enumerate(contracts.UNSETTLED)],
        default=len(contracts.UNSETTLED),
    )
    return rows.order_by(turn, F("due_by").asc(nulls_last=True), "-opened_at", "-id")


def disputes_of(payment_ids: Iterable[UUID]) -> list[contracts.DisputeInfo]:
    """All disputes of these payments, those with the nearest deadline first; one statement."""
    return [to_dispute(row) for row in disputes().filter(payment_id__in=list(payment_ids))]


def to_dispute(dispute: models.Dispute) -> contracts.DisputeInfo:
    return contracts.DisputeInfo(
        id=dispute.pk,
        payment_id=dispute.payment_id,
        provider_dispute_id=dispute.provider_dispute_id,
        payer_name=dispute.payment.payer_name,
        amount_minor=dispute.amount_minor,
        currency=dispute.currency,
        status=dispute.status,
        reason=dispute.reason,
        opened_at=dispute.opened_at,
        due_by=dispute.due_by,
        closed_at=dispute.closed_at,
        gateway_url=_dashboard(dispute.payment),
    )


def _dashboard(payment: models.Payment) -> str:
    """Where the school answers a dispute of this payment: only the gateway can take evidence."""
    if payment.mode == models.SANDBOX:
        return f"{settings.SANDBOX_URL.rstrip('/')}/_control/" if settings.SANDBOX_URL else ""
    if payment.provider == models.STRIPE:
        test = "test/" if payment.mode == models.TEST else ""
        return f"https://dashboard.stripe.com/{test}payments/{payment.capture_id}"
    return ""


def approvals(*, waiting: bool = False, text: str = "") -> QuerySet[models.RefundApproval]:
    """Refunds that needed a second person: the waiting first, oldest first; then the newest."""
    rows = models.RefundApproval.objects.select_related("payment")
    if waiting:
        rows = rows.filter(state=models.RefundApproval.WAITING)
    if text:
        found = Q(payment__payer_name__icontains=text) | Q(reason__icontains=text)
        rows = rows.filter(found | Q(requested_by__icontains=text))
    is_waiting = Q(state=models.RefundApproval.WAITING)
    return rows.order_by(
        Case(When(is_waiting, then=0), default=1),
        Case(When(is_waiting, then=F("requested_at"))).asc(nulls_last=True),
        "-requested_at",
        "-id",
    )


def approvals_of(payment_ids: Iterable[UUID], *, waiting: bool = False) -> list[ApprovalInfo]:
    """Those of these payments, in one statement."""
    rows = approvals(waiting=waiting).filter(payment_id__in=list(payment_ids))
    return [to_approval(row) for row in rows]


def waiting_approvals(payment_ids: Iterable[UUID]) -> list[ApprovalInfo]:
    """Refunds of these payments that wait for a second person, oldest first."""
    return approvals_of(payment_ids, waiting=True)


def count_waiting_approvals() -> int:
    return models.RefundApproval.objects.filter(state=models.RefundApproval.WAITING).count()


def to_approval(row: models.RefundApproval) -> ApprovalInfo:
    return ApprovalInfo(
        id=row.pk,
        payment_id=row.payment_id,
        payer_name=row.payment.payer_name,
        amount_minor=row.amount_minor,
        currency=row.payment.currency,
        reason=row.reason,
        state=row.state,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
    )


def approval_as_refund(row: models.RefundApproval) -> contracts.RefundInfo:
    """A request that has become no refund (yet), as whoever asked for a refund sees it."""
    waiting = row.state == models.RefundApproval.WAITING
    return contracts.RefundInfo(
        id=row.pk,
        payment_id=row.payment_id,
        status=contracts.REFUND_WAITING if waiting else contracts.REFUND_FAILED,
        amount_minor=row.amount_minor,
        currency=row.payment.currency,
        reason=row.reason,
        requested_at=row.requested_at,
        completed_at=row.decided_at,
        failure="" if waiting else approval_words(row),
    )


def approval_words(row: models.RefundApproval) -> str:
    """Why no refund came of it."""
    if row.state == models.RefundApproval.DECLINED:
        told = _("Declined by %(name)s.") % {"name": row.decided_by}
        return f"{told} {row.note}".strip()[:300]
    if row.state == models.RefundApproval.WITHDRAWN:
        return _("Taken back by who asked for it.")
    return _("Nobody approved it in time.")


def due_approvals(*, now: datetime, limit: int = 200) -> Sequence[UUID]:
    """Requests whose time is over."""
    rows = models.RefundApproval.objects.filter(
        state=models.RefundApproval.WAITING, expires_at__lte=now
    )
    return list(rows.order_by("expires_at").values_list("id", flat=True)[:limit])
