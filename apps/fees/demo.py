"""Two terms of fees of a demonstration school, through the same services as real ones: some paid
in time, some late, some in part, some refunded, some not at all. And two families that pay at the
practice gateway: one has its card charged automatically, the other's bank wants the money back."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo
from apps.fees.models import Autopay, Invoice, RefundDecision
from apps.fees.selectors import catalogue, invoices
from apps.fees.services import allocation, autopay, billing, checkout, refunds
from apps.fees.services import catalogue as fees
from apps.fees.services.counter import payment_lines
from apps.fees.services.wishes import Wish
from apps.payments import demo as payments
from apps.payments import facade as payment_book
from apps.payments.contracts import CAPTURED, PaymentInfo
from apps.students import facade as students
from apps.students.contracts import ClassInfo, GuardianInfo
from apps.tenants import facade as tenants
from kernel.acting import PAYER, acting
from kernel.schools import current_school, today

CARD_SHARE = 0.75
REFUNDS = 8
REFUND_LIMIT = 10000  # minor units
ANSWER_WITHIN = timedelta(days=6)


@dataclass(frozen=True)
class Plan:
    """One billing run. Days count back from today; `paid` and `part` are shares of families."""

    fee_id: UUID
    issued: int
    due: int
    paid: float
    part: float = 0.0
    class_step: int = 1  # 1: every class, 4: every fourth one
    tell: bool = False


def _bursar() -> str:
    return f"bursar@{current_school().slug}.example"


def load_fees(seed: int) -> None:
    """Fees, five billing runs over two terms, payments and refunds. Needs families; call once."""
    dice = random.Random(seed)
    classes = students.list_classes()
    for number, plan in enumerate(_plans(_make_fees())):
        first = number % plan.class_step % max(len(classes), 1)
        run_id = _bill(plan, classes[first :: plan.class_step])
        _pay(plan, run_id, dice)
    _refund_some(dice)


def _make_fees() -> dict[str, UUID]:
    fees.add_default_categories()
    categories = list(catalogue.list_categories())
    wanted = {
        "tuition 1": (0, _("Tuition, spring term"), 45000),
        "tuition 2": (0, _("Tuition, autumn term"), 45000),
        "lunch 1": (1, _("School lunch, spring term"), 12000),
        "lunch 2": (1, _("School lunch, autumn term"), 12000),
        "trip": (2, _("Museum day trip"), 3850),
    }
    return {
        key: fees.create_fee(
            category_id=categories[position].pk,
            name=name,
            amount_minor=amount,
            actor=_bursar(),
        )
        for key, (position, name, amount) in wanted.items()
    }


def _plans(fee_ids: dict[str, UUID]) -> list[Plan]:
    return [
        Plan(fee_ids["tuition 1"], issued=160, due=140, paid=0.93, part=0.03),
        Plan(fee_ids["lunch 1"], issued=130, due=110, paid=0.75, class_step=4),
        Plan(fee_ids["tuition 2"], issued=48, due=28, paid=0.7, part=0.08),
        Plan(fee_ids["lunch 2"], issued=20, due=-12, paid=0.3, class_step=4),
        Plan(fee_ids["trip"], issued=3, due=-20, paid=0.1, class_step=4, tell=True),
    ]


def _bill(plan: Plan, classes: Sequence[ClassInfo]) -> UUID:
    issued_on = today() - timedelta(days=plan.issued)
    at = _moment(issued_on, hour=9)
    with transaction.atomic():
        run_id = billing.draft_run(
            fee_id=plan.fee_id,
            class_ids=[info.id for info in classes],
            due_on=today() - timedelta(days=plan.due),
            actor=_bursar(),
            at=at,
        )
        billing.post_run(run_id=run_id, actor=_bursar(), issued_on=issued_on, at=at, tell=plan.tell)
    return run_id


def _moment(day: date, *, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(current_school().time_zone))


def _pay(plan: Plan, run_id: UUID, dice: random.Random) -> None:
    history = []
    for guardian, owed in _families(invoices.filtered().filter(billing_run_id=run_id)):
        luck = dice.random()
        total = sum(invoice.balance_minor for invoice in owed)
        if luck < plan.paid:
            history.append(_payment(guardian, owed, total, plan, dice))
        elif luck < plan.paid + plan.part:
            part = max(total // 200 * 100, 100)
            history.append(_payment(guardian, owed, part, plan, dice))
    payments.record_history(payments=history, actor=_bursar())


def _families(rows: Iterable[Invoice]) -> list[tuple[GuardianInfo, list[InvoiceInfo]]]:
    """Each family of these invoices by the guardian who pays first, with them."""
    infos = invoices.infos(list(rows))
    payers = students.guardians_of([info.student_id for info in infos])
    people: dict[UUID, GuardianInfo] = {}
    owed: dict[UUID, list[InvoiceInfo]] = defaultdict(list)
    for info in infos:
        if guardians := payers.get(info.student_id):
            people[guardians[0].id] = guardians[0]
            owed[guardians[0].id].append(info)
    return [(people[key], owed[key]) for key in owed]


def _payment(
    guardian: GuardianInfo,
    owed: Sequence[InvoiceInfo],
    amount: int,
    plan: Plan,
    dice: random.Random,
) -> payments.HistoricPayment:
    waited = dice.randint(1, max(min(plan.issued - 1, plan.issued - plan.due + 12), 1))
    day = today() - timedelta(days=plan.issued - waited)
    by_card = bool(guardian.email) and dice.random() < CARD_SHARE
    return payments.HistoricPayment(
        payer_id=guardian.id,
        payer_name=guardian.name,
        payer_email=guardian.email,
        lines=tuple(payment_lines(owed, amount_minor=amount, payer_id=guardian.id)),
        currency=current_school().currency,
        method="card" if by_card else dice.choice(["cash", "cheque", "transfer"]),
        paid_at=_moment(day, hour=dice.randint(8, 18), minute=dice.randint(0, 59)),
    )


def _refund_some(dice: random.Random) -> None:
    """A few families get part of a payment back, each with a decision about the invoice."""
    reasons = [_("The class was cancelled"), _("Left the school early"), _("Sibling discount")]
    paid = payment_book.list_payments(status=CAPTURED, limit=200)
    for info in dice.sample(paid, min(REFUNDS, len(paid))):
        reason, amount = dice.choice(reasons), info.amount_minor // 5
        effect = dice.choice([RefundDecision.Effect.CREDIT_NOTE, RefundDecision.Effect.OWE_AGAIN])
        refunds.decide(
            key=f"demo:{info.id}",
            payment_id=info.id,
            actor=_bursar(),
            student_id=None,
            amount_minor=amount,
            reason=reason,
            effect=effect.value,
        )
        at = min(info.started_at + timedelta(days=2), _moment(today(), hour=0))
        payments.demo_refund(
            payment_id=info.id, amount_minor=amount, reason=reason, actor=_bursar(), at=at
        )


def limit_refunds() -> None:
    """One person may give back this much; it holds where the school is opened after this."""
    values = {"payments.refund_limit_minor": REFUND_LIMIT}
    tenants.change_settings(school_id=current_school().id, values=values)


def ask_for_refund() -> None:
    """A refund above the limit: it waits for a second person."""
    paid = payment_book.list_payments(status=CAPTURED, limit=200)
    info = next(each for each in paid if each.lines[0].amount_minor > 2 * REFUND_LIMIT)
    allocation.catch_up([info])  # a worker may be about to book it
    invoice = invoices.get_invoice(invoice_id=UUID(info.lines[0].reference))
    refunds.refund_payment(
        payment_id=info.id,
        student_id=invoice.student_id,
        amount_minor=2 * REFUND_LIMIT,
        reason=_("Moves to another town"),
        effect=RefundDecision.Effect.CREDIT_NOTE,
        actor=_bursar(),
        key=f"demo:{info.id}:approval",
    )


def turn_on_automatic_payment() -> bool:
    """The demo's parent pays with a card that is kept, and agrees that it is charged from now on.
    False when somebody did before, or nobody can pay."""
    if Autopay.objects.exists() or not (families := _owing()) or not payments.sandbox_answers():
        return False
    guardian, owed = families[0]
    if not payment_book.saved_methods(guardian.id):
        _pay_at_gateway(guardian, owed, keep_card=True)
    autopay.enrol(
        guardian_id=guardian.id,
        method_id=payment_book.saved_methods(guardian.id)[0].id,
        rate=autopay.rate_told(),
    )
    return True


def dispute_a_payment() -> bool:
    """A family pays by card, and its bank wants the money back. False when one did before, or
    nobody can pay."""
    if payments.has_disputes() or not (families := _owing()) or not payments.sandbox_answers():
        return False
    guardian, owed = families[-1]
    info = _pay_at_gateway(guardian, owed)
    payments.open_dispute(info.id, reason="unrecognized", answer_within=ANSWER_WITHIN)
    return True


def _owing() -> list[tuple[GuardianInfo, list[InvoiceInfo]]]:
    """Families that owe something and can be written to; that of the demo's parent first."""
    owed = invoices.filtered(status="open").order_by("number")
    allocation.catch_up_references(invoice.pk for invoice in owed)
    families = _families(owed.all())  # read anew
    parent = f"parent@{current_school().slug}.example"
    reached = [family for family in families if family[0].email]
    return sorted(reached, key=lambda family: family[0].email != parent)


def _pay_at_gateway(
    guardian: GuardianInfo, owed: Sequence[InvoiceInfo], *, keep_card: bool = False
) -> PaymentInfo:
    """Pay the smallest of the invoices on the gateway's page; the others stay owed."""
    smallest = min(owed, key=lambda invoice: (invoice.balance_minor, invoice.number))
    wish = Wish(
        invoice_ids=(smallest.id,),
        amount_minor=None,
        use_credit=False,
        token=smallest.id,
        keep_card=keep_card,
    )
    with acting(PAYER):
        step = checkout.start_family_payment(guardian_id=guardian.id, wish=wish)
        if step.payment_id is None:
            raise LookupError("nothing was left to pay")
        return payments.press_pay(step.payment_id)
