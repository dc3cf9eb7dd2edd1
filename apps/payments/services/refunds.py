"""Giving money back: checked under the payment's lock, sent outside of it, written down after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, events, models, selectors
from apps.payments.providers import offline
from apps.payments.providers.base import (
    Declined,
    Invalid,
    ProviderError,
    RefundRequest,
    RefundSnapshot,
)
from apps.payments.selectors import money_back
from apps.payments.services import accounts, approvals, journal
from apps.payments.services.errors import KeyReused, NoGateway
from kernel import errors
from kernel.ids import uuid7
from kernel.money import format_money


def request_refund(
    *,
    payment_id: UUID,
    amount_minor: int,
    reason: str,
    actor: str,
    idempotency_key: str,
    requested_at: datetime | None = None,
) -> contracts.RefundInfo:
    """Give part or all of a payment back; the same key never gives back twice.

    Returns a refund that succeeded, failed, is still on its way (requested, pending: the janitor
    asks on), or waits for a second person (waiting_approval: nothing has moved). Raises NotFound,
    Invalid (more than is left), KeyReused.
    """
    if not idempotency_key or len(idempotency_key) > 200:
        raise errors.Invalid(_("The request has no valid idempotency key."))
    wish = _Wish(
        payment_id=payment_id,
        refund_id=uuid7(),
        amount_minor=amount_minor,
        reason=reason.strip()[:300],
        actor=actor[:200],
        key=idempotency_key,
        at=requested_at or timezone.now(),
    )
    try:
        return _carry_out(payment_id, lambda payment: _intend(payment, wish))
    except IntegrityError as error:
        raise KeyReused from error


def refund_unbooked(
    *, payment_id: UUID, capture_id: str, reason: str, actor: str
) -> contracts.RefundInfo:
    """Give money that did not match back as it came; it was never in any books.

    Raises NotFound, Conflict (decided already), Invalid (another currency).
    """
    payment = selectors.get_payment_row(payment_id)
    seen = journal.state_of(payment_id).mismatches.get(capture_id)
    if seen is None:
        raise errors.NotFound(_("There is no such payment."))
    if seen.actual_currency != payment.currency:
        message = _("Money of another currency cannot be booked or refunded from here.")
        raise errors.Invalid(message)
    wish = _Wish(
        payment_id=payment_id,
        refund_id=uuid7(),
        amount_minor=seen.actual_minor,
        reason=reason.strip()[:300],
        actor=actor[:200],
        key=f"unbooked:{payment_id}:{capture_id}"[:200],
        at=timezone.now(),
        capture_id=capture_id,
    )
    return _carry_out(payment_id, lambda row: _intend(row, wish))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A refund that somebody asks for. `capture_id`: of money that was not booked, else empty."""

    payment_id: UUID
    refund_id: UUID
    amount_minor: int
    reason: str
    actor: str
    key: str
    at: datetime
    capture_id: str = ""

    def refuse_other(self, payment_id: UUID, amount_minor: int) -> None:
        """The same key with another request. Raises KeyReused."""
        if (payment_id, amount_minor) != (self.payment_id, self.amount_minor):
            raise KeyReused


def approve(*, approval_id: UUID, actor: str) -> contracts.RefundInfo:
    """A second person releases a refund: only now money moves, once however often this is called.

    Raises NotFound, Forbidden (who asked cannot approve), Conflict (it is over), Invalid (more
    than is left by now).
    """
    approval = models.RefundApproval.objects.filter(pk=approval_id).first()
    if approval is None:
        raise errors.NotFound(_("There is no such request."))
    return _carry_out(approval.payment_id, lambda payment: _release(payment, approval_id, actor))


Intent = tuple[contracts.RefundInfo, bool]  # what is known of the refund, and whether to send it


def _carry_out(
    payment_id: UUID, intend: Callable[[models.Payment], Intent]
) -> contracts.RefundInfo:
    """Decide under the payment's lock, then move the money outside of it."""
    networked = is_networked(selectors.get_payment_row(payment_id))
    # Durable: the intent is on disk before the gateway hears of it.
    with transaction.atomic(durable=networked):
        info, fresh = intend(journal.locked(payment_id))
        if fresh and not networked:
            _give_back_by_hand(info.id)
    if fresh and networked:
        send(info.id)
    return _info(info.id) if fresh else info


def is_networked(payment: models.Payment) -> bool:
    """False for money at the counter, and for demonstration payments that no gateway knows."""
    return payment.provider != models.OFFLINE and bool(payment.request)


def _intend(payment: models.Payment, wish: _Wish) -> Intent:
    known = models.Refund.objects.filter(idempotency_key=wish.key).first()
    if known is not None:
        wish.refuse_other(known.payment_id, known.amount_minor)
        return _info(known.pk), False
    asked = models.RefundApproval.objects.filter(idempotency_key=wish.key).first()
    if asked is not None:
        wish.refuse_other(asked.payment_id, asked.amount_minor)
        return money_back.approval_as_refund(asked), False
    _check_amount(payment, wish.amount_minor, wish.capture_id)
    if approvals.is_needed(payment, wish.amount_minor):
        asked = approvals.ask(
            payment,
            refund_id=wish.refund_id,
            amount_minor=wish.amount_minor,
            reason=wish.reason,
            actor=wish.actor,
            key=wish.key,
            capture_id=wish.capture_id,
        )
        return money_back.approval_as_refund(asked), False
    return _begin(payment, wish, by=wish.actor), True


def _release(payment: models.Payment, approval_id: UUID, actor: str) -> Intent:
    approval = approvals.take(approval_id, actor=actor)
    if approval is None:
        return _info(approval_id), False
    _check_amount(payment, approval.amount_minor, approval.capture_id)
    wish = _Wish(
        payment_id=payment.pk,
        refund_id=approval.pk,
        amount_minor=approval.amount_minor,
        reason=approval.reason,
        actor=approval.requested_by,
        key=approval.idempotency_key,
        at=timezone.now(),
        capture_id=approval.capture_id,
    )
    return _begin(payment, wish, by=actor), True


def _begin(payment: models.Payment, wish: _Wish, *, by: str) -> contracts.RefundInfo:
    """The refund's row and its first events."""
    refund = models.Refund.objects.create(
        id=wish.refund_id,
        payment=payment,
        amount_minor=wish.amount_minor,
        reason=wish.reason,
        actor=wish.actor,
        idempotency_key=wish.key,
        capture_id=wish.capture_id,
        status=contracts.REFUND_REQUESTED,
        requested_at=wish.at,
    )
    journal.write(payment, list(_beginning(wish)), actor=by)
    return _info(refund.pk)


def _beginning(wish: _Wish) -> Iterator[object]:
    """What is written down before any money moves."""
    if wish.capture_id:
        yield events.MismatchResolved(
            capture_id=wish.capture_id, decision=contracts.REFUND, at=wish.at
        )
    yield events.RefundRequested(
        refund_id=wish.refund_id,
        amount_minor=wish.amount_minor,
        reason=wish.reason,
        at=wish.at,
        capture_id=wish.capture_id,
    )


def _check_amount(payment: models.Payment, amount_minor: int, capture_id: str) -> None:
    if capture_id:
        waiting = {seen.capture_id for seen in journal.state_of(payment.pk).unresolved()}
        if capture_id not in waiting:
            raise errors.Conflict(_("This payment does not wait for anybody."))
        return
    if amount_minor <= 0:
        raise errors.Invalid(_("Enter an amount above zero."), field="amount")
    if not payment.captured_minor:
        raise errors.Invalid(_("This payment has not been paid, so there is nothing to refund."))
    left = payment.refundable_minor
    if left == 0:
        raise errors.Invalid(_why_nothing_is_left(payment), field="amount")
    if amount_minor > left:
        message = _("At most %(amount)s can still be refunded.")
        raise errors.Invalid(
            message % {"amount": format_money(left, payment.currency)},
            code="more_than_refundable",
            field="amount",
        )


def _why_nothing_is_left(payment: models.Payment) -> str:
    if payment.status == contracts.DISPUTED:
        return _("The payer’s bank wants this money back. It cannot be refunded meanwhile.")
    if payment.status == contracts.DISPUTE_LOST:
        return _("The payer’s bank has taken this money back. There is nothing left to refund.")
    return _("All of this payment has been refunded already.")


def _give_back_by_hand(refund_id: UUID) -> None:
    refund = models.Refund.objects.get(pk=refund_id)
    payment = journal.locked(refund.payment_id)
    done = offline.give_back(
        refund_id=str(refund.pk),
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        at=refund.requested_at,
    )
    journal.write(payment, [_outcome(refund.pk, done)], actor=refund.actor)


def send(refund_id: UUID) -> None:
    """Tell the gateway, under the refund's own key, and write down what it said.

    No answer leaves the refund as it is: neither done nor failed, to be asked about again.
    """
    refund = models.Refund.objects.select_related("payment__account").get(pk=refund_id)
    payment = refund.payment
    request = RefundRequest(
        session_id=payment.session_id,
        capture_id=refund.capture_id or payment.capture_id,
        payment_id=str(payment.pk),
        refund_id=str(refund.pk),
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        idempotency_key=str(refund.pk),
        by_capture=bool(refund.capture_id),
    )
    now = timezone.now()
    news: object
    try:
        news = _outcome(refund.pk, accounts.provider_of(payment).refund(request))
    except (Declined, Invalid) as error:
        news = events.RefundRejected(refund_id=refund.pk, reason=error.detail[:300], at=now)
    except ProviderError as error:
        operation = f"refund {refund.pk}"
        news = events.OutcomeUnknown(operation=operation, detail=error.detail, at=now)
    except NoGateway:
        return
    _write_outcome(payment.pk, refund.pk, news)


@transaction.atomic
def _write_outcome(payment_id: UUID, refund_id: UUID, news: object) -> None:
    """The webhook may have been quicker: an outcome that is known already is not written again."""
    payment = journal.locked(payment_id)
    state = journal.state_of(payment_id)
    known = state.refunds[refund_id]
    repeated = (
        (isinstance(news, events.RefundSucceeded) and known.succeeded_at)
        or (isinstance(news, events.RefundPending) and known.pending_at)
        or (isinstance(news, events.RefundRejected) and known.rejected_at)
        or (isinstance(news, events.OutcomeUnknown) and news.operation in state.unknown_operations)
    )
    if repeated:
        journal.postpone_check(payment, state)
    else:
        journal.write(payment, [news])


def _outcome(refund_id: UUID, answer: RefundSnapshot) -> object:
    if answer.status == "succeeded":
        return events.RefundSucceeded(
            refund_id=refund_id, provider_refund_id=answer.provider_refund_id, at=answer.at
        )
    if answer.status == "failed":
        return events.RefundRejected(refund_id=refund_id, reason=answer.failure[:300], at=answer.at)
    return events.RefundPending(
        refund_id=refund_id, provider_refund_id=answer.provider_refund_id, at=answer.at
    )


def unsent(payment_id: UUID) -> list[UUID]:
    """Refunds of the payment that the gateway has never confirmed to have heard of."""
    rows = models.Refund.objects.filter(
        payment_id=payment_id, status=contracts.REFUND_REQUESTED, external=False
    )
    return list(rows.order_by("requested_at").values_list("id", flat=True))


@transaction.atomic
def book_external_refund(*, refund_id: UUID, actor: str) -> contracts.RefundInfo:
    """A person confirms a refund that was made in the gateway's own dashboard.

    Only then do the ledger and the family hear of it. Raises NotFound, Conflict.
    """
    payment, refund = _waiting_external(refund_id)
    if payment.refunded_minor + refund.amount_minor > payment.captured_minor:
        left = format_money(payment.captured_minor - payment.refunded_minor, payment.currency)
        message = _("At most %(amount)s can still be refunded.")
        raise errors.Conflict(message % {"amount": left})
    booked = events.ExternalRefundBooked(refund_id=refund_id, at=timezone.now())
    journal.write(payment, [booked], actor=actor)
    return _info(refund_id)


@transaction.atomic
def ignore_external_refund(*, refund_id: UUID, reason: str, actor: str) -> contracts.RefundInfo:
    """A person says that a refund made at the gateway is none of this payment's books, and why.

    Raises NotFound, Conflict, Invalid (no reason).
    """
    if not reason.strip():
        raise errors.Invalid(_("Say why it is not booked."), field="reason")
    payment, _refund = _waiting_external(refund_id)
    ignored = events.ExternalRefundIgnored(
        refund_id=refund_id, reason=reason.strip()[:300], at=timezone.now()
    )
    journal.write(payment, [ignored], actor=actor)
    return _info(refund_id)


def _waiting_external(refund_id: UUID) -> tuple[models.Payment, models.Refund]:
    """Both, locked. Raises NotFound, Conflict when it has been decided."""
    refund = models.Refund.objects.filter(pk=refund_id, external=True).first()
    if refund is None:
        raise errors.NotFound(_("There is no such refund."))
    payment = journal.locked(refund.payment_id)
    if journal.state_of(payment.pk).refunds[refund_id].status != contracts.REFUND_PENDING:
        raise errors.Conflict(_("This refund has been booked already."))
    return payment, refund


def _info(refund_id: UUID) -> contracts.RefundInfo:
    refund = models.Refund.objects.select_related("payment").get(pk=refund_id)
    return selectors.to_refund(refund, refund.payment.currency)
