"""Refunds: what the bursar decides, and the contra entries when the money has gone back."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.fees.models import Allocation, Credit, Receipt
from apps.fees.models import RefundDecision as Decision
from apps.fees.selectors import ledger
from apps.fees.services import contra
from apps.fees.services import parts as splitting
from apps.fees.services.allocation import lock_account, lock_balances, school_day
from apps.fees.services.split import split_outgoing
from apps.identity import facade as identity
from apps.payments import facade as payments
from apps.payments.contracts import REFUND_SUCCEEDED, RefundInfo
from kernel.errors import Conflict, DomainError, Invalid, Unavailable
from kernel.schools import today


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """A refund that has gone through at the gateway, or was handed over at the counter."""

    refund_id: UUID
    payment_id: UUID
    amount_minor: int
    reason: str
    completed_at: datetime


def refund_payment(
    *,
    payment_id: UUID,
    student_id: UUID,
    amount_minor: int,
    reason: str,
    effect: str,
    actor: str,
    key: str,
    parts: splitting.Parts | None = None,
) -> RefundInfo:
    """Give money back from a student's ledger; the same `key` never gives it back twice.

    `effect` is one of RefundDecision.Effect; `parts` says what is taken from which invoice and
    from the credit (None: as proposed, and of this student alone). Raises Invalid for more than
    may be refunded and Conflict when the key was used for something else. Talks to the gateway: no
    transaction open.
    """
    known = Decision.objects.filter(key=key).exclude(state=Decision.State.FAILED).first()
    if known is None:
        proposed = splitting.propose(
            payment_id=payment_id,
            student_id=student_id,
            amount_minor=amount_minor,
            effect=effect,
            alone=parts is None,
        )
        if parts is None:
            parts = {part.invoice_id: part.amount_minor for part in proposed}
        splitting.check(payment_id=payment_id, amount_minor=amount_minor, parts=parts)
    decision = decide(
        key=key,
        payment_id=payment_id,
        student_id=student_id,
        amount_minor=amount_minor,
        reason=reason,
        effect=effect,
        actor=actor,
        parts=splitting.stored(parts or {}),
    )
    info = _ask_gateway(decision, actor=actor)
    Decision.objects.filter(pk=decision.pk).update(refund_id=info.id)
    book_at_once(info)
    return info


def book_at_once(info: RefundInfo) -> None:
    """Book a refund that is made, so that no page shows the books without it; the event then
    finds it done."""
    if info.status == REFUND_SUCCEEDED:
        book_refund(_refunded(info))


@transaction.atomic
def book_external(
    *, refund_id: UUID, reason: str, effect: str, parts: splitting.Parts, actor: str
) -> None:
    """Book a refund that was made in the gateway's own dashboard, from these invoices and credit.

    Raises NotFound, Invalid (the parts are not the amount), Conflict (decided already).
    """
    info = payments.get_refund(refund_id)
    if effect not in Decision.Effect.values:
        raise Invalid(_("Choose what happens to the invoice."), field="effect")
    splitting.check(payment_id=info.payment_id, amount_minor=info.amount_minor, parts=parts)
    decision = decide(
        key=f"external:{refund_id}",
        payment_id=info.payment_id,
        student_id=None,
        amount_minor=info.amount_minor,
        reason=reason,
        effect=effect,
        actor=actor,
        parts=splitting.stored(parts),
    )
    Decision.objects.filter(pk=decision.pk).update(refund_id=refund_id)
    book_refund(_refunded(payments.book_external_refund(refund_id=refund_id, actor=actor)))


def ignore_external(*, refund_id: UUID, reason: str, actor: str) -> None:
    """Leave a refund of the gateway's dashboard out of the books, and say why. Raises NotFound,
    Invalid, Conflict (decided already)."""
    payments.ignore_external_refund(refund_id=refund_id, reason=reason, actor=actor)
    identity.record_audit(
        actor=actor,
        action="fees.external_refund_ignored",
        subject=str(refund_id),
        detail={"reason": reason},
    )


def decide(*, key: str, payment_id: UUID, actor: str, **what: object) -> Decision:
    """Write down what was asked for (student_id, amount_minor, reason, effect, parts) before the
    gateway is asked, so that the event can never overtake it. Raises Conflict for a key in other
    use."""
    try:
        with transaction.atomic():
            decision = Decision.objects.create(
                key=key, payment_id=payment_id, created_by=actor, **what
            )
            identity.record_audit(
                actor=actor,
                action="fees.refund_requested",
                subject=str(payment_id),
                detail={name: str(value) for name, value in what.items()},
            )
            return decision
    except IntegrityError:
        known = Decision.objects.get(key=key)
    same = known.payment_id == payment_id and known.amount_minor == what["amount_minor"]
    if not same:
        raise Conflict(_("This form was used before. Start again from the student's account."))
    return known


def _ask_gateway(decision: Decision, *, actor: str) -> RefundInfo:
    try:
        return payments.request_refund(
            payment_id=decision.payment_id,
            amount_minor=decision.amount_minor,
            reason=decision.reason,
            actor=actor,
            idempotency_key=decision.key,
        )
    except Unavailable:
        raise  # nobody knows yet: the decision waits for the event
    except DomainError:
        Decision.objects.filter(pk=decision.pk).update(state=Decision.State.FAILED)
        raise


def _refunded(info: RefundInfo) -> Refunded:
    return Refunded(
        refund_id=info.id,
        payment_id=info.payment_id,
        amount_minor=info.amount_minor,
        reason=info.reason,
        completed_at=info.completed_at or info.requested_at,
    )


@transaction.atomic
def book_refund(refund: Refunded) -> bool:
    """Take the money back from invoices and credit by contra entries; False if done before.

    Without a decision of ours (a refund made in the gateway's own dashboard) the family owes the
    amount again. Raises Receipt.DoesNotExist while the payment itself is not booked: try later.
    """
    receipt = Receipt.objects.select_related("account").get(payment_id=refund.payment_id)
    account = lock_account(receipt.account_id)
    move = _movement(refund.payment_id, refund.refund_id, on=school_day(refund.completed_at))
    if move.is_booked():
        return False
    decision = _decision_for(refund)
    given = contra.given_by(refund.payment_id)
    lock_balances(given)
    taken, from_credit = split_outgoing(
        amount=refund.amount_minor,
        given=list(given.items()),
        credit=ledger.unused_credit(payment_ids=[refund.payment_id]).get(refund.payment_id, 0),
        fallback=contra.newest_invoice(refund.payment_id),
        preferred=splitting.of_student(given, decision.student_id if decision else None),
        credit_first=bool(decision and decision.effect == Decision.Effect.FROM_CREDIT),
        asked=splitting.loaded(decision.parts) if decision else None,
    )
    contra.take_back(move, taken, from_credit, account=account)
    if decision and decision.effect == Decision.Effect.CREDIT_NOTE:
        contra.write_credit_notes(_credit_note(refund, actor=decision.created_by), taken)
    if decision:
        _mark(decision, refund.refund_id, Decision.State.BOOKED)
    return True


def _movement(payment_id: UUID, refund_id: UUID, *, on: date) -> contra.Movement:
    return contra.Movement(
        payment_id=payment_id,
        source_id=refund_id,
        allocation_kind=Allocation.Kind.REFUND,
        credit_kind=Credit.Kind.REFUND,
        on=on,
    )


def _decision_for(refund: Refunded) -> Decision | None:
    """Ours by id; or the one whose answer from the gateway has not been written down yet."""
    waiting = Decision.objects.filter(
        refund_id=None,
        payment_id=refund.payment_id,
        amount_minor=refund.amount_minor,
        state=Decision.State.REQUESTED,
    )
    return Decision.objects.filter(refund_id=refund.refund_id).first() or waiting.first()


def _credit_note(refund: Refunded, *, actor: str) -> contra.CreditNote:
    return contra.CreditNote(
        rule="credit_note_for_refund",
        source_id=refund.refund_id,
        input_name="refund_id",
        description=_("Credit note: %(reason)s") % {"reason": refund.reason[:150]},
        why=_("The school took this amount off and paid it back: %(reason)s.")
        % {"reason": refund.reason.rstrip(".")},
        on=school_day(refund.completed_at),
        actor=actor,
    )


def _mark(decision: Decision, refund_id: UUID, state: str) -> None:
    Decision.objects.filter(pk=decision.pk).update(refund_id=refund_id, state=state)


@transaction.atomic
def refund_failed(*, refund_id: UUID, payment_id: UUID, amount_minor: int) -> bool:
    """A refund did not happen. When it had been booked (the bank sent the money back), the money
    returns to its invoices as far as they want it, the rest becomes credit. True if it was."""
    Decision.objects.filter(refund_id=refund_id).update(state=Decision.State.FAILED)
    receipt = Receipt.objects.filter(payment_id=payment_id).first()
    if receipt is None:
        return False
    account = lock_account(receipt.account_id)
    taken = _movement(payment_id, refund_id, on=today())
    back = replace(
        taken,
        allocation_kind=Allocation.Kind.REFUND_RETURNED,
        credit_kind=Credit.Kind.REFUND_RETURNED,
    )
    if not taken.is_booked() or back.is_booked():
        return False
    contra.give_again(back, amount_minor, taken_as=taken, account=account)
    return True
