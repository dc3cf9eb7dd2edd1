"""Payments that a bank took back: what was paid by them is owed again, and staff decides whether
the family is asked for it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.fees.models import Allocation, Charge, Credit, DisputeLoss, FamilyAccount, Receipt
from apps.fees.selectors import ledger
from apps.fees.services import contra
from apps.fees.services.allocation import lock_account, lock_balances, school_day
from apps.fees.services.split import split_outgoing
from apps.identity import facade as identity
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import today

State = DisputeLoss.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A bank's decision about a dispute."""

    dispute_id: UUID
    payment_id: UUID
    amount_minor: int
    currency: str
    at: datetime


@transaction.atomic
def book_loss(lost: Decided) -> bool:
    """Take the money back from credit and invoices by contra entries; False if done before.

    The invoices are open again, but nobody is reminded of them until `decide` was called. A bank
    may take more than the payment still gives (some of it had been refunded): then the family owes
    that too. Raises Receipt.DoesNotExist while the payment itself is not booked: try later.
    """
    receipt = Receipt.objects.get(payment_id=lost.payment_id)
    account = lock_account(receipt.account_id)
    if DisputeLoss.objects.filter(pk=lost.dispute_id).exists():
        return False
    given = contra.given_by(lost.payment_id)
    lock_balances(given)
    taken, from_credit = split_outgoing(
        amount=lost.amount_minor,
        given=list(given.items()),
        credit=ledger.unused_credit(payment_ids=[lost.payment_id]).get(lost.payment_id, 0),
        fallback=contra.newest_invoice(lost.payment_id),
    )
    contra.take_back(_movement(lost), taken, from_credit, account=account)
    DisputeLoss.objects.create(
        id=lost.dispute_id,
        payment_id=lost.payment_id,
        amount_minor=lost.amount_minor,
        currency=lost.currency,
        # Credit or cover that is gone reopens no invoice: nothing is left to decide.
        state=State.WAITING if contra.without_cover(taken) else State.OWED,
    )
    return True


def _movement(decided: Decided) -> contra.Movement:
    return contra.Movement(
        payment_id=decided.payment_id,
        source_id=decided.dispute_id,
        allocation_kind=Allocation.Kind.DISPUTE_LOST,
        credit_kind=Credit.Kind.DISPUTE_LOST,
        on=school_day(decided.at),
    )


@transaction.atomic
def book_win(won: Decided) -> bool:
    """The bank gave the money again. What it had taken returns to its invoices as far as they want
    it, the rest becomes credit; what was written off is owed again first. False if nothing had
    been taken, or it is back already."""
    receipt = Receipt.objects.filter(payment_id=won.payment_id).first()
    if receipt is None:
        return False
    account = lock_account(receipt.account_id)
    loss = DisputeLoss.objects.filter(pk=won.dispute_id).exclude(state=State.RETURNED).first()
    if loss is None:
        return False
    if loss.state == State.WAIVED:
        _take_write_off_back(loss)
    _give_again(won, account)
    loss.state = State.RETURNED
    loss.save(update_fields=["state"])
    return True


def _give_again(won: Decided, account: FamilyAccount) -> None:
    taken = _movement(won)
    back = replace(
        taken,
        allocation_kind=Allocation.Kind.DISPUTE_WON,
        credit_kind=Credit.Kind.DISPUTE_WON,
    )
    contra.give_again(back, won.amount_minor, taken_as=taken, account=account)


def _take_write_off_back(loss: DisputeLoss) -> None:
    notes = Charge.objects.filter(kind=Charge.Kind.CREDIT_NOTE, source_id=loss.pk)
    Charge.objects.bulk_create(
        Charge(
            invoice_id=note.invoice_id,
            kind=Charge.Kind.REVERSAL,
            description=_("Taken back: %(what)s") % {"what": note.description[:150]},
            amount_minor=-note.amount_minor,
            rule="reversal_of_write_off",
            rule_inputs={"dispute_id": str(loss.pk), "amount_minor": -note.amount_minor},
            why=_("The bank gave the money again, so nothing has to be written off."),
            reverses=note,
            booked_on=today(),
        )
        for note in notes
    )


@transaction.atomic
def decide(*, dispute_id: UUID, decision: str, actor: str) -> None:
    """Whether the family pays again (`owed`) or the school bears the loss (`waived`: what is still
    open of the amount is written off by credit notes). Raises NotFound, Invalid, Conflict."""
    if decision not in (State.OWED, State.WAIVED):
        raise Invalid(_("Choose what happens to the invoice."), field="decision")
    loss = DisputeLoss.objects.select_for_update().filter(pk=dispute_id).first()
    if loss is None:
        raise NotFound(_("There is no such dispute."))
    if loss.state != State.WAITING:
        raise Conflict(_("This has been decided already."))
    if decision == State.WAIVED:
        _write_off(loss, actor=actor)
    loss.state, loss.decided_by, loss.decided_at = decision, actor, timezone.now()
    loss.save(update_fields=["state", "decided_by", "decided_at"])
    identity.record_audit(
        actor=actor,
        action="fees.dispute_decided",
        subject=str(loss.payment_id),
        detail={"dispute_id": str(dispute_id), "decision": decision},
    )


def _write_off(loss: DisputeLoss, *, actor: str) -> None:
    """What the family has paid meanwhile is not taken off once more."""
    rows = Allocation.objects.filter(kind=Allocation.Kind.DISPUTE_LOST, source_id=loss.pk)
    taken = {key: -amount for key, amount in rows.values_list("invoice_id", "amount_minor")}
    open_now = lock_balances(taken)
    amounts = {key: min(taken[key], open_now[key]) for key in taken}
    note = contra.CreditNote(
        rule="write_off_for_dispute",
        source_id=loss.pk,
        input_name="dispute_id",
        description=_("Credit note: lost to a dispute"),
        why=_("The payer’s bank took the payment back, and the school bears the loss."),
        on=today(),
        actor=actor,
    )
    contra.write_credit_notes(note, {key: part for key, part in amounts.items() if part > 0})
