"""Automatic payment with the real sandbox: announced, charged, tried again once, then off."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.fees.models import Allocation, AutopayCharge, DisputeLoss, FeeCategory
from apps.fees.services import allocation, autopay, autopay_run
from apps.fees.tests import factories as make
from apps.fees.tests.test_instalments import bill_in_parts
from apps.payments import facade as payments
from apps.payments.models import FraudHold, GatewayAccount, new_webhook_key
from kernel.ids import uuid7
from kernel.schools import today
from tests.paying.cards import charges, keep_card, letters, outcome, paid, press, start

# A charge


def test_it_is_announced_three_days_before_and_made_on_the_day(maria, days, sandbox, drain):
    days(6)
    assert autopay_run.run() == 1
    assert not AutopayCharge.objects.exists()
    days(7)
    autopay_run.run()
    autopay_run.run()
    [letter] = letters("autopay_announced", drain)
    assert letter.to_address == "maria@example.org"
    assert "$900.00 will be charged on" in letter.subject
    for words in ("Visa •• 4242", maria.child.first_name, "$450.00"):
        assert words in letter.body_text
    for day in (8, 9):
        days(day)
        autopay_run.run()
    assert charges(sandbox) == []
    days(10)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [90000]
    drain()
    assert paid() == 90000
    charge = AutopayCharge.objects.get()
    assert (charge.state, charge.amount_minor) == ("charged", 90000)
    days(11)
    autopay_run.run()
    assert len(charges(sandbox)) == 1


def test_the_guardian_sees_what_was_agreed_and_the_last_charge(maria, days, parent):
    page = parent.get("/family/cards/").content.decode()
    assert "What you agreed to on" in page
    assert "to charge this card on the day something is due" in page
    assert "Charged last" not in page
    for day in (7, 10):
        days(day)
        autopay_run.run()
    charge = AutopayCharge.objects.get()
    days(0)  # the visit would be over
    page = parent.get("/family/cards/").content.decode()
    assert "Charged last: $900.00 on" in page
    assert f"/family/payments/{charge.payment_id}/" in page


def test_nobody_is_charged_at_night_or_on_the_day_of_the_news(maria, room, days, sandbox):
    make.bill(room, amount_minor=500, due_on=days(0) + timedelta(days=1))
    days(1)
    autopay_run.run()  # due today: announced today, charged tomorrow
    autopay_run.run()
    assert charges(sandbox) == []
    days(2, hour=7)
    assert autopay_run.run() == 0
    days(2)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [1000]


def test_what_was_due_when_it_was_turned_on_is_left_alone(maria, room, days, sandbox):
    make.bill(room, amount_minor=700, due_on=days(0))
    for day in range(5):
        days(day)
        autopay_run.run()
    assert charges(sandbox) == []


def test_credit_goes_first_and_what_was_paid_by_hand_is_not_charged(maria, days, sandbox):
    [invoice] = make.owed(maria.child)
    make.capture(maria.guardian, 45000, [(invoice.id, 45000)])
    days(7)
    autopay_run.run()
    # An overpayment in between: its rest is credit for what is due.
    rest = make.owed(maria.children[1])[0]
    make.capture(maria.guardian, 40000, [(rest.id, 40000)])
    days(10)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [5000]


def test_nothing_left_to_pay_is_no_charge(maria, days, sandbox):
    days(7)
    autopay_run.run()
    make.capture(maria.guardian, 90000)
    days(10)
    autopay_run.run()
    assert charges(sandbox) == []
    assert AutopayCharge.objects.get().state == "skipped"
    assert autopay.standing_of(maria.guardian.pk)


def test_instalments_are_charged_one_by_one(account, room, family, days, sandbox):
    make.bill(room, amount_minor=100)
    card = keep_card(family.guardian)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=card)
    bill_in_parts(room, shares="60, 40", first=days(0) + timedelta(days=5))
    for day in range(2, 45):
        days(day)
        autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)][::-1] == [120000, 80000]
    assert make.owed(family.child) == []


# Refusals


def test_refused_it_is_tried_once_more_and_then_it_is_off(maria, days, sandbox, drain):
    outcome(sandbox, maria.card, "declined")
    days(7)
    autopay_run.run()
    days(10)
    autopay_run.run()
    [failed] = letters("autopay_failed", drain)
    assert "could not be charged with $900.00" in failed.body_text
    assert "personal-link.invalid" in failed.body_text
    for day in (11, 12):
        days(day)
        autopay_run.run()
    tried = "requires_payment_method"
    assert len(charges(sandbox, tried)) == 1
    days(13)
    autopay_run.run()
    assert len(charges(sandbox, tried)) == 2
    [ended] = letters("autopay_ended", drain)
    assert "refused a second time" in ended.body_text
    assert autopay.standing_of(maria.guardian.pk) is None
    days(20)
    assert autopay_run.run() == 0
    assert len(charges(sandbox, tried)) == 2
    assert len(letters("autopay_failed", drain)) == 1


def test_the_second_try_pays_and_it_stays_on(maria, days, sandbox, drain):
    outcome(sandbox, maria.card, "declined")
    days(7)
    autopay_run.run()
    days(10)
    autopay_run.run()
    outcome(sandbox, maria.card, "succeeded")
    days(13)
    autopay_run.run()
    drain()
    assert paid() == 90000
    assert autopay.standing_of(maria.guardian.pk)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("authentication_required", "Your bank wants to ask you first"),
        ("expired", "The card has expired"),
    ],
)
def test_the_message_says_what_the_parent_can_do(maria, days, sandbox, drain, said, words):
    outcome(sandbox, maria.card, said)
    days(7)
    autopay_run.run()
    days(10)
    autopay_run.run()
    [failed] = letters("autopay_failed", drain)
    assert words in failed.body_text
    # The parent pays by the link; the second try finds nothing due.
    step = start(maria.guardian)
    press(step.redirect_url)
    allocation.catch_up([payments.sync(step.payment_id)])
    days(13)
    autopay_run.run()
    assert len(charges(sandbox, "requires_payment_method")) == 1
    assert autopay.standing_of(maria.guardian.pk)


# Held, in doubt, or another account's


def test_a_family_that_is_held_is_charged_when_the_hold_is_over(maria, days, sandbox):
    days(7)
    autopay_run.run()
    days(10)
    hold = FraudHold.objects.create(
        subject=f"family:{maria.guardian.household_id}",
        kind="velocity",
        placed_at=timezone.now(),
        until=timezone.now() + timedelta(hours=5),
    )
    autopay_run.run()
    assert charges(sandbox) == []
    assert AutopayCharge.objects.get().state == "announced"
    hold.delete()
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [90000]


def test_what_a_bank_took_back_waits_for_the_school(maria, days, sandbox):
    mine = {invoice.id: invoice for child in maria.children for invoice in make.owed(child)}
    doubtful = next(iter(mine))
    loss = DisputeLoss.objects.create(
        id=uuid7(), payment_id=uuid7(), amount_minor=1, currency="USD"
    )
    Allocation.objects.create(
        invoice_id=doubtful,
        payment_id=loss.payment_id,
        kind=Allocation.Kind.DISPUTE_LOST,
        amount_minor=-1,
        source_id=loss.pk,
        booked_on=today(),
    )
    days(7)
    autopay_run.run()
    days(10)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [45000]


def test_money_of_another_account_is_left_to_the_family(maria, days, sandbox):
    row = GatewayAccount.objects.get()
    row.pk, row._state.adding, row.is_default = uuid7(), True, False
    row.webhook_key = new_webhook_key()
    row.save()
    FeeCategory.objects.update(account_id=row.pk)
    for day in (7, 10):
        days(day)
        autopay_run.run()
    assert charges(sandbox) == []
    assert not AutopayCharge.objects.exists()
