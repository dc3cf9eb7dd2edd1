"""What a bank line is: a payout by itself; a payment or the return of one when a person says so.

Recording a family's money is the affair of whoever knows families: they say what they are about to
do (`plan`), record it under keys that follow from the line, and tie what they recorded (`tie`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments import contracts, models
from apps.payments.models import LineTie, Payment, Payout, Refund, StatementLine
from apps.payments.providers import offline
from apps.payments.services import journal, returning
from kernel.errors import Conflict, DomainError, Invalid, NotFound

# A payout is at the bank on the day it is due, or some days after (holidays, weekends).
EARLY, LATE = timedelta(days=1), timedelta(days=7)
RETURNED_WITHIN = timedelta(days=60)


def get_line(line_id: UUID) -> StatementLine:
    """Raises NotFound."""
    line = StatementLine.objects.filter(pk=line_id).first()
    if line is None:
        raise NotFound(_("There is no such bank line."))
    return line


def locked_line(line_id: UUID) -> StatementLine:
    """Locked until the transaction ends. Raises NotFound."""
    line = StatementLine.objects.select_for_update().filter(pk=line_id).first()
    if line is None:
        raise NotFound(_("There is no such bank line."))
    return line


# Payouts ----------------------------------------------------------------------------------------


@transaction.atomic
def tie_payouts() -> int:
    """Tie open lines to payouts of the very amount, in the days around their arrival. When the
    amount fits several, the one whose words are on the statement; else none. Two that a person
    has parted stay so. Returns how many."""
    open_lines = list(
        StatementLine.objects.select_for_update()
        .filter(state=StatementLine.OPEN, amount_minor__gt=0, plan__isnull=True)
        .order_by("booked_on", "id")
    )
    if not open_lines:
        return 0
    free = _free_payouts({line.amount_minor for line in open_lines})
    parted = _parted(open_lines)
    tied = 0
    for line in open_lines:
        fitting = [one for one in free if _fits(line, one) and (line.pk, one.pk) not in parted]
        chosen = fitting[0] if len(fitting) == 1 else _worded(line, fitting)
        if chosen is not None and not _contested(line, chosen, open_lines):
            free.remove(chosen)
            tie(line, LineTie.PAYOUT, line.amount_minor, payout=chosen)
            tied += 1
    return tied


def _free_payouts(amounts: set[int]) -> list[Payout]:
    rows = Payout.objects.filter(net_minor__in=amounts, account__mode=_mode_at_bank())
    rows = rows.exclude(status="failed")
    tied = LineTie.objects.filter(undone_at=None, payout__isnull=False)
    return list(rows.exclude(pk__in=tied.values("payout_id")).order_by("arrives_on", "id"))


def _mode_at_bank() -> str:
    """Whose payouts reach this school's bank: live ones, or those of practice at a school that
    only practises."""
    live = models.GatewayAccount.objects.filter(mode=models.LIVE).exists()
    return models.SANDBOX if settings.SANDBOX_ALLOWED and not live else models.LIVE


def _parted(lines: Sequence[StatementLine]) -> set[tuple[UUID, UUID]]:
    """(line, payout) that were tied, and untied by a person."""
    rows = LineTie.objects.filter(line__in=lines, payout__isnull=False, undone_at__isnull=False)
    return set(rows.values_list("line_id", "payout_id"))


def _fits(line: StatementLine, payout: Payout) -> bool:
    same = (line.amount_minor, line.currency) == (payout.net_minor, payout.currency)
    return same and payout.arrives_on - EARLY <= line.booked_on <= payout.arrives_on + LATE


def _contested(line: StatementLine, payout: Payout, lines: Sequence[StatementLine]) -> bool:
    """Another open line fits as well, and the words do not tell which is the one."""
    others = [one for one in lines if one.pk != line.pk and one.state == StatementLine.OPEN]
    rivals = [one for one in others if _fits(one, payout)]
    return bool(rivals) and _worded(line, [payout]) is None


def _worded(line: StatementLine, payouts: Sequence[Payout]) -> Payout | None:
    """The first whose descriptor or number stands in the line's words."""
    words = f"{line.name} {line.text} {line.reference}".casefold()
    for payout in payouts:
        marks = [mark.casefold() for mark in (payout.descriptor, payout.payout_id) if mark]
        if any(mark in words for mark in marks):
            return payout
    return None


# Payments ---------------------------------------------------------------------------------------


@transaction.atomic
def plan(line_id: UUID, what: Mapping[str, Any]) -> StatementLine:
    """Say what is about to be recorded for a line, before it is. The same plan may be carried on
    by anybody; another one is refused. Raises NotFound, Conflict."""
    line = locked_line(line_id)
    if line.state != StatementLine.OPEN:
        raise Conflict(_("This bank line has been dealt with already."))
    if line.plan not in (None, dict(what)):
        raise Conflict(_("Somebody is matching this bank line in another way."))
    line.plan = dict(what)
    line.save(update_fields=["plan"])
    return line


@transaction.atomic
def give_up_plan(line_id: UUID) -> None:
    """What was planned could not be recorded. It stays while any part of it was, even by somebody
    else or by another process that broke off: only the plan knows the keys of the rest."""
    line = locked_line(line_id)
    if line.state == StatementLine.OPEN and not _begun(line):
        line.plan = None
        line.save(update_fields=["plan"])


def key_of(line: StatementLine) -> str:
    """What keys of payments and reversals that are recorded for the line begin with."""
    return f"bank:{line.pk}:{line.attempt}"


def _begun(line: StatementLine) -> bool:
    recorded = Payment.objects.filter(idempotency_key__startswith=f"{key_of(line)}:")
    return recorded.exists() or Refund.objects.filter(idempotency_key=key_of(line)).exists()


@transaction.atomic
def tie_payments(line_id: UUID, parts: Mapping[UUID, int], *, actor: str) -> None:
    """The line is these payments (payment -> minor units), which make up its amount. Repeating
    it changes nothing. Raises NotFound, Invalid, Conflict."""
    line = locked_line(line_id)
    known = dict(line.ties.filter(undone_at=None).values_list("payment_id", "amount_minor"))
    if line.state == StatementLine.MATCHED and known == dict(parts):
        return
    if line.state != StatementLine.OPEN:
        raise Conflict(_("This bank line has been dealt with already."))
    if sum(parts.values()) != line.amount_minor:
        raise Invalid(_("The parts do not make up the amount of the line."))
    for payment_id, amount in parts.items():
        payment = Payment.objects.get(pk=payment_id)
        tie(line, LineTie.PAYMENT, amount, payment=payment, actor=actor)
    note(line, actor, "payments.bank_line_matched")


def tie(
    line: StatementLine,
    kind: str,
    amount: int,
    *,
    payment: Payment | None = None,
    payout: Payout | None = None,
    actor: str = "",
) -> None:
    LineTie.objects.create(
        line=line, kind=kind, payment=payment, payout=payout, amount_minor=amount, tied_by=actor
    )
    _decide(line, StatementLine.MATCHED, actor=actor)


def _decide(line: StatementLine, state: str, *, actor: str, reason: str = "") -> None:
    line.state, line.reason = state, reason
    line.decided_by, line.decided_at = actor[:254], timezone.now()
    line.save()


# Money that comes back --------------------------------------------------------------------------


def returned_by(lines: Sequence[StatementLine]) -> dict[UUID, Payment]:
    """Line -> the cheque or transfer that it probably takes back: the very amount, recorded within
    two months before, and the only one (or the only one whose payer the line names)."""
    out = [line for line in lines if line.amount_minor < 0 and line.state == StatementLine.OPEN]
    amounts = {-line.amount_minor for line in out}
    found = list(_returnable().filter(captured_minor__in=amounts)) if out else []
    chosen = {line.pk: _the_only(line, found) for line in out}
    return {key: payment for key, payment in chosen.items() if payment is not None}


def _returnable() -> QuerySet[Payment]:
    rows = Payment.objects.filter(provider=models.OFFLINE, method__in=("cheque", "transfer"))
    return rows.filter(captured_minor__gt=0, refunded_minor=0)


def _the_only(line: StatementLine, payments: Sequence[Payment]) -> Payment | None:
    def fits(payment: Payment) -> bool:
        paid_on = payment.captured_at.date() if payment.captured_at else None
        within = paid_on and paid_on - EARLY <= line.booked_on <= paid_on + RETURNED_WITHIN
        return bool(within) and payment.captured_minor == -line.amount_minor

    fitting = [p for p in payments if p.currency == line.currency and fits(p)]
    words = f"{line.name} {line.text}".casefold()
    named = [p for p in fitting if p.payer_name and p.payer_name.casefold() in words]
    for only in (fitting, named):
        if len(only) == 1:
            return only[0]
    return None


def take_back(line_id: UUID, payment_id: UUID, *, actor: str) -> contracts.RefundInfo:
    """The bank took this payment back: it is reversed by a contra entry, and what it paid for is
    owed again. Done again after a crash it is the same. Raises NotFound, Invalid, Conflict."""
    line = get_line(line_id)
    payment = Payment.objects.filter(pk=payment_id, provider=models.OFFLINE).first()
    if payment is None:
        raise NotFound(_("There is no such payment."))
    if -line.amount_minor != payment.captured_minor or line.currency != payment.currency:
        raise Invalid(_("The line is not the amount of this payment."))
    line = plan(line_id, {"returned": str(payment_id)})
    reversal = _reverse(payment, actor=actor, line=line)
    with transaction.atomic():
        locked = locked_line(line_id)
        if locked.state == StatementLine.OPEN:
            tie(locked, LineTie.REVERSAL, locked.amount_minor, payment=payment, actor=actor)
            note(locked, actor, "payments.bank_line_matched")
    return reversal


def _reverse(payment: Payment, *, actor: str, line: StatementLine) -> contracts.RefundInfo:
    # Stories are for ever: no words of the bank, which may name somebody.
    reason = _("Returned by the bank on %(day)s") % {"day": line.booked_on.isoformat()}
    try:
        return returning.take_back(
            payment.pk, reason=reason, actor=actor, idempotency_key=key_of(line)
        )
    except DomainError:
        give_up_plan(line.pk)
        raise


# Deciding otherwise -----------------------------------------------------------------------------


@transaction.atomic
def ignore(line_id: UUID, *, reason: str, actor: str) -> None:
    """The line is none of payments' business (rent, interest). Raises NotFound, Invalid,
    Conflict."""
    line = locked_line(line_id)
    if not reason.strip():
        raise Invalid(_("Say why the line is left out."), field="reason")
    if line.state != StatementLine.OPEN or line.plan is not None:
        raise Conflict(_("This bank line has been dealt with already."))
    _decide(line, StatementLine.IGNORED, actor=actor, reason=reason.strip()[:300])
    note(line, actor, "payments.bank_line_ignored")


def undo(line_id: UUID, *, actor: str) -> list[contracts.RefundInfo]:
    """Take back what was decided about a line, and return the reversals of the payments that were
    recorded for it; nothing is deleted. Raises NotFound, Conflict (also once a part of such a
    payment was given back: the line as a whole is not open any more)."""
    line = get_line(line_id)
    if line.state == StatementLine.OPEN:
        raise Conflict(_("This bank line is open."))
    ties = list(line.ties.filter(undone_at=None).select_related("payment"))
    if any(tie.kind == LineTie.REVERSAL for tie in ties):
        raise Conflict(_("A returned payment cannot come back: record it again when it is paid."))
    recorded = [tie for tie in ties if tie.kind == LineTie.PAYMENT]
    for tie in recorded:
        _refuse_given_back(tie)
    reversals = [_give_up_payment(tie, actor=actor) for tie in recorded]
    _reopen(line_id, actor=actor)
    return reversals


def _refuse_given_back(tie: LineTie) -> None:
    others = Refund.objects.filter(payment=tie.payment_id).exclude(idempotency_key=_undo_key(tie))
    if others.exclude(status=contracts.REFUND_FAILED).exists():
        raise Conflict(
            _(
                "A part of this payment was given back already, so the match stays. Give the rest "
                "back from the student's account instead."
            )
        )


def _undo_key(tie: LineTie) -> str:
    return f"{offline.UNDONE_MATCH}{tie.pk}"


@transaction.atomic
def _give_up_payment(tie: LineTie, *, actor: str) -> contracts.RefundInfo:
    """Under the payment's lock: a refund that was quicker is seen."""
    payment: Any = tie.payment
    journal.locked(payment.pk)
    _refuse_given_back(tie)
    return returning.take_back(
        payment.pk,
        reason=_("Matched to the bank statement by mistake"),
        actor=actor,
        idempotency_key=_undo_key(tie),
    )


@transaction.atomic
def _reopen(line_id: UUID, *, actor: str) -> None:
    line = locked_line(line_id)
    if line.state == StatementLine.OPEN:
        return
    line.ties.filter(undone_at=None).update(undone_at=timezone.now(), undone_by=actor[:254])
    line.plan, line.attempt = None, line.attempt + 1
    _decide(line, StatementLine.OPEN, actor=actor)
    note(line, actor, "payments.bank_line_undone")


def note(line: StatementLine, actor: str, action: str) -> None:
    detail = {"amount_minor": line.amount_minor, "booked_on": str(line.booked_on)}
    if line.reason:
        detail["reason"] = line.reason
    identity.record_audit(actor=actor, action=action, subject=str(line.pk), detail=detail)


# Reading ----------------------------------------------------------------------------------------


def lines(*, state: str = "", text: str = "") -> QuerySet[StatementLine]:
    """The newest first."""
    rows = StatementLine.objects.prefetch_related("ties")
    if state:
        rows = rows.filter(state=state)
    if text:
        rows = rows.filter(_like(text))
    return rows.order_by("-booked_on", "-id")


def _like(text: str) -> Q:
    return Q(name__icontains=text) | Q(text__icontains=text) | Q(reference=text)


def to_bank_line(
    line: StatementLine, returned: Mapping[UUID, Payment] | None = None
) -> contracts.BankLine:
    ties = [tie for tie in line.ties.all() if tie.undone_at is None]
    back = (returned or {}).get(line.pk)
    return contracts.BankLine(
        id=line.pk,
        booked_on=line.booked_on,
        amount_minor=line.amount_minor,
        currency=line.currency,
        name=line.name,
        text=line.text,
        state=line.state,
        reason=line.reason,
        decided_by=line.decided_by,
        attempt=line.attempt,
        plan=line.plan,
        payment_ids=tuple(tie.payment_id for tie in ties if tie.payment_id),
        payout_id=next((tie.payout_id for tie in ties if tie.payout_id), None),
        is_reversal=any(tie.kind == LineTie.REVERSAL for tie in ties),
        returns_payment=back.pk if back else None,
        returns_payer=back.payer_name if back else "",
    )
