"""Automatic payment: a guardian turns it on and off; each charge is announced before it is made.

At most one charge of a guardian is planned at a time. It is announced three days ahead where the
due date leaves them, and never made on the day it is announced. Refused, it is tried once more
after three days; refused again, automatic payment ends. A charge is a payment like any other:
its claims keep it from meeting an open page, and `services/autopay_run.py` makes it.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.fees.contracts import AUTOPAY_TASK, InvoiceInfo
from apps.fees.events import AutopayAnnounced, AutopayEnded, AutopayFailed
from apps.fees.models import Autopay, AutopayCharge
from apps.fees.preferences import AUTOPAY
from apps.fees.selectors import accounts, family, invoices
from apps.fees.services import cover
from apps.payments import facade as payments
from apps.payments.contracts import CANCELLED, DECLINED, EXPIRED, PAID_STATUSES, PaymentInfo
from apps.students import facade as students
from apps.tenants import facade as tenants
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.schools import current_school, today

AHEAD = timedelta(days=3)
AGAIN_AFTER = timedelta(days=3)
TOLD_FOR = timedelta(days=60)  # the family's page says for so long why it is off
State = AutopayCharge.State


def rate_told() -> str:
    """What the words of today say that processing a charge costs; "" where none is added."""
    return str(cover.rate_of("card")) if cover.is_added("card") else ""


def consent(*, rate: str = "") -> str:
    """The words in which a guardian agrees, also that the processing cost of this `rate` is added;
    stored as they were read."""
    text = _(
        "I allow %(school)s to charge this card on the day something is due for my children. I "
        "hear of each charge before, and can turn this off at any time."
    )
    words = text % {"school": current_school().name}
    if not rate:
        return words
    more = _("What it costs to process a charge (now %(rate)s) is added to it.")
    return f"{words} {more % {'rate': rate}}"


@transaction.atomic
def enrol(*, guardian_id: UUID, method_id: UUID, rate: str = "") -> None:
    """Have this saved card charged from tomorrow on. Again with the same card changes nothing.
    `rate`: what the words that were read said of the processing cost (`rate_told`), which counts as
    long as the school adds it.

    Raises Forbidden where the school does not want it, NotFound for a card that is not the
    guardian's, and Conflict when another card is charged already or the rate is another one now.
    """
    if not AUTOPAY.value:
        raise Forbidden(_("The school does not charge cards automatically."), code="autopay_off")
    cards = {card.id: card for card in payments.saved_methods(guardian_id)}
    if method_id not in cards:
        raise NotFound(_("This card is not kept any more."))
    if not _is_chargeable(guardian_id, method_id):
        raise Conflict(_("The school takes payments into another account now: save a card anew."))
    standing, rate = standing_of(guardian_id), _still_told(rate)
    if standing is None:
        Autopay.objects.create(
            guardian_id=guardian_id,
            method_id=method_id,
            card=cards[method_id].name[:40],
            consent_text=consent(rate=rate),
            covers=bool(rate),
            due_after=today(),
        )
        tenants.note_due_work(task=AUTOPAY_TASK)
    elif standing.method_id != method_id:
        raise Conflict(_("Automatic payment is on with another card. Turn it off first."))


def _still_told(rate: str) -> str:
    now = rate_told()
    if rate and now and rate != now:
        raise Conflict(_("The processing cost has changed meanwhile. Please read the words again."))
    return rate and now


def standing_of(guardian_id: UUID) -> Autopay | None:
    """The guardian's automatic payment, while it is on."""
    return Autopay.objects.filter(guardian_id=guardian_id, ended_at=None).first()


def next_charge(autopay: Autopay) -> AutopayCharge | None:
    """The charge that is planned, if one is."""
    return autopay.charges.filter(state=State.ANNOUNCED).first()


def last_charge(autopay: Autopay) -> AutopayCharge | None:
    """The latest that brought money."""
    return autopay.charges.filter(state=State.CHARGED).order_by("settled_at").last()


@transaction.atomic
def stop(*, guardian_id: UUID, method_id: UUID | None = None) -> bool:
    """Turn it off (of this card only, when one is named); False when it was off."""
    rows = Autopay.objects.select_for_update().filter(guardian_id=guardian_id, ended_at=None)
    autopay = (rows.filter(method_id=method_id) if method_id else rows).first()
    if autopay is None:
        return False
    end(autopay, Autopay.Ended.CARD_GONE if method_id else Autopay.Ended.GUARDIAN)
    return True


@transaction.atomic
def end_if_stranded(autopay_id: UUID) -> bool:
    """The card is gone, or the school takes payments into other accounts than the one that keeps
    it: it would never be charged again, so it is turned off, and the guardian is told."""
    autopay = locked(autopay_id)
    if autopay is None:
        return False
    card = (autopay.guardian_id, autopay.method_id)
    if not payments.keeps_method(*card):
        end(autopay, Autopay.Ended.CARD_GONE)
        return True
    if not payments.can_take_payments() or _is_chargeable(*card):
        return False
    end(autopay, Autopay.Ended.ACCOUNT)
    return True


def _is_chargeable(guardian_id: UUID, method_id: UUID) -> bool:
    """True while anything at all could be paid with the card."""
    for account_id in accounts.choices():
        cards = payments.saved_methods_for(guardian_id, account_id)
        if method_id in {card.id for card in cards}:
            return True
    return False


def ended_by_itself(guardian_id: UUID) -> Autopay | None:
    """The guardian's last automatic payment, if it ended lately and not by their own wish."""
    last = Autopay.objects.filter(guardian_id=guardian_id).order_by("-consented_at").first()
    if last is None or last.ended_at is None or last.ended_at < timezone.now() - TOLD_FOR:
        return None
    return last if last.ended_why in (Autopay.Ended.ACCOUNT, Autopay.Ended.FAILED) else None


def end(autopay: Autopay, why: str) -> None:
    """No more charges; the guardian is told. The caller holds the row's lock."""
    now = timezone.now()
    Autopay.objects.filter(pk=autopay.pk).update(ended_at=now, ended_why=why)
    planned = autopay.charges.filter(state=State.ANNOUNCED)
    planned.update(state=State.SKIPPED, settled_at=now)
    if person := _person(autopay.guardian_id):
        _publish(AutopayEnded(**person, card=autopay.card, why=why), autopay)


def due_by(autopay: Autopay, day: date) -> list[InvoiceInfo]:
    """What the card is charged for on that day, oldest due first: each invoice with no more
    balance than the parts that are due by then."""
    return [
        replace(invoice, balance_minor=amount, instalments=())
        for invoice in _payable(autopay)
        if (amount := invoice.due_minor(day, after=autopay.due_after))
    ]


def _payable(autopay: Autopay) -> list[InvoiceInfo]:
    """What the guardian's family owes to the account that keeps the card, without what waits for
    the school's decision after a lost dispute."""
    children = family.child_ids(guardian_id=autopay.guardian_id)
    owed = invoices.open_invoices(student_ids=children, without_held=True)
    return [
        invoice
        for group in accounts.pay_groups(owed)
        if may_pay(autopay, group.account_id)
        for invoice in group.invoices
    ]


def may_pay(autopay: Autopay, account_id: UUID | None) -> bool:
    """True while the card is kept and may pay money of this account of the school."""
    cards = payments.saved_methods_for(autopay.guardian_id, account_id)
    return autopay.method_id in {card.id for card in cards}


def _first_due(autopay: Autopay) -> date | None:
    """When the next part after the day it was turned on is due, if that is soon."""
    days = [
        part.due_on
        for invoice in _payable(autopay)
        for part in invoice.parts
        if autopay.due_after < part.due_on <= today() + AHEAD
    ]
    return min(days, default=None)


@transaction.atomic
def announce(autopay_id: UUID) -> AutopayCharge | None:
    """Plan the next charge when something is due soon, and tell the guardian."""
    autopay = locked(autopay_id)
    if autopay is None or next_charge(autopay):
        return None
    first = _first_due(autopay)
    if first is None:
        return None
    on = max(first, today() + timedelta(days=1))
    rate = cover.rate_of("card") if autopay.covers and cover.is_always() else cover.FREE
    charge = AutopayCharge.objects.create(
        autopay=autopay, on=on, cover_bps=rate.bps, cover_fixed_minor=rate.fixed_minor
    )
    _tell_before(autopay, charge)
    return charge


def cover_of(charge: AutopayCharge, amount_minor: int) -> int:
    """What is added to a charge of this amount: at the rate that was announced, and nothing once
    the school bears the cost again."""
    rate = cover.Rate(charge.cover_bps, charge.cover_fixed_minor)
    return rate.on(amount_minor) if cover.is_always() else 0


def _tell_before(autopay: Autopay, charge: AutopayCharge) -> None:
    asked = due_by(autopay, charge.on)
    due = sum(invoice.balance_minor for invoice in asked)
    added = cover_of(charge, due)
    if person := _person(autopay.guardian_id):
        event = AutopayAnnounced(
            **person,
            invoice_ids=[invoice.id for invoice in asked],
            total_minor=due + added,
            cover_minor=added,
            currency=current_school().currency,
            card=autopay.card,
            charge_on=charge.on,
        )
        _publish(event, autopay)


def locked(autopay_id: UUID) -> Autopay | None:
    """The row, locked until the transaction ends; None once it has ended."""
    rows = Autopay.objects.select_for_update().filter(pk=autopay_id, ended_at=None)
    return rows.first()


@transaction.atomic
def settle(charge_id: UUID, info: PaymentInfo) -> None:
    """Write down what became of a charge's payment; safe to repeat, in any order."""
    charge = AutopayCharge.objects.select_for_update().get(pk=charge_id)
    if charge.state != State.ANNOUNCED:
        return
    if charge.payment_id not in (None, info.id):
        return  # a later request is under way
    charge.payment_id, charge.amount_minor = info.id, info.amount_minor
    if info.status in PAID_STATUSES:
        _close(charge, State.CHARGED)
    elif info.status == DECLINED and not info.is_open:
        _refused(charge, payments.refusal_code(info.id) or "card_declined")
    elif info.status in (CANCELLED, EXPIRED):
        # Nobody asked the bank: the next run sends another request.
        charge.unsent += 1
        charge.payment_id = None
        charge.save()
    else:
        charge.save()


def settle_payment(payment_id: UUID) -> None:
    """The same, when payments tells news of a payment. Most are nobody's charge."""
    charge = AutopayCharge.objects.filter(payment_id=payment_id, state=State.ANNOUNCED).first()
    if charge is not None:
        settle(charge.pk, payments.get_payment(payment_id))


def _refused(charge: AutopayCharge, reason: str) -> None:
    charge.refusal = reason[:60]
    _close(charge, State.FAILED)
    autopay = locked(charge.autopay_id)
    if autopay is None:
        return
    if charge.second_try:
        end(autopay, Autopay.Ended.FAILED)
        return
    again = AutopayCharge.objects.create(
        autopay=autopay,
        on=today() + AGAIN_AFTER,
        second_try=True,
        cover_bps=charge.cover_bps,
        cover_fixed_minor=charge.cover_fixed_minor,
    )
    if person := _person(autopay.guardian_id):
        event = AutopayFailed(
            **person,
            total_minor=charge.amount_minor,
            currency=current_school().currency,
            card=autopay.card,
            reason=charge.refusal,
            retry_on=again.on,
        )
        _publish(event, autopay)


def skip(charge: AutopayCharge) -> None:
    """Nothing is due any more on the day of the charge."""
    planned = AutopayCharge.objects.filter(pk=charge.pk, state=State.ANNOUNCED)
    planned.update(state=State.SKIPPED, settled_at=timezone.now())


def _close(charge: AutopayCharge, state: str) -> None:
    charge.state, charge.settled_at = state, timezone.now()
    charge.save()


def _person(guardian_id: UUID) -> dict[str, Any]:
    """Whom to tell; empty when the guardian is no longer there."""
    try:
        guardian = students.get_guardian(guardian_id)
    except NotFound:
        return {}
    return {
        "guardian_id": guardian.id,
        "guardian_name": guardian.name,
        "guardian_email": guardian.email,
        "language": guardian.language,
    }


def _publish(event: object, autopay: Autopay) -> None:
    events.publish(event, stream_type="guardian", stream_id=autopay.guardian_id, actor="autopay")
