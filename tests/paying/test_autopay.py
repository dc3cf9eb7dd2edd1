"""Automatic payment with the real sandbox: announced, charged, tried again once, then off."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from apps.events import facade as events
from apps.fees.models import Allocation, Autopay, AutopayCharge, DisputeLoss, FeeCategory
from apps.fees.services import allocation, autopay, autopay_run
from apps.fees.tests import factories as make
from apps.fees.tests.test_instalments import bill_in_parts
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments.models import FraudHold, GatewayAccount, Payment, new_webhook_key
from apps.payments.sandbox import wire
from apps.payments.services import charging, janitor
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from kernel.errors import Conflict, DomainError, Forbidden, NotFound
from kernel.ids import uuid7
from kernel.schools import current_school, in_school, today
from tests.paying.cards import charges, keep_card, outcome, press, start


@pytest.fixture
def days(monkeypatch):
    """days(3): it is three days later, at ten in the morning at the school."""
    zone = ZoneInfo("America/Chicago")
    begin = datetime.now(zone).replace(hour=10, minute=0)
    state = {"at": begin}

    def later(count, hour=10):
        state["at"] = (begin + timedelta(days=count)).replace(hour=hour)
        return state["at"].date()

    def now():
        return state["at"].astimezone(ZoneInfo("UTC"))

    monkeypatch.setattr(timezone, "now", now)
    monkeypatch.setattr(wire, "now", lambda: int(state["at"].timestamp()))  # the gateway's clock
    return later


@pytest.fixture
def maria(account, room, family, days):
    """Maria has turned automatic payment on; 450 dollars a child are due in ten days."""
    family.guardian.email = "maria@example.org"
    family.guardian.save()
    make.bill(room, amount_minor=100)
    family.card = keep_card(family.guardian)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=family.card)
    make.bill(room, due_on=days(0) + timedelta(days=10))
    return family


def letters(kind, drain):
    drain()
    return list(Message.objects.filter(kind=kind).order_by("created_at"))


def paid():
    return sum(Allocation.objects.values_list("amount_minor", flat=True)) - 200


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


# Beside others, and crashes


def test_an_open_page_is_left_to_its_payer_and_paid_once(maria, days, sandbox, drain):
    days(7)
    autopay_run.run()
    days(10)
    step = start(maria.guardian)
    autopay_run.run()
    assert payments.get_payment(step.payment_id).is_open
    assert charges(sandbox) == []
    press(step.redirect_url)
    payments.sync(step.payment_id)
    autopay_run.run()
    drain()
    assert (paid(), charges(sandbox)) == (90000, [])


def test_a_crash_between_charge_and_commit_is_found_and_not_charged_again(
    maria, days, sandbox, drain, monkeypatch
):
    class Killed(BaseException):
        pass

    def die(*args):
        raise Killed

    days(7)
    autopay_run.run()
    days(10)
    with monkeypatch.context() as patch:
        patch.setattr(charging.sync, "commit_session", die)
        with pytest.raises(Killed):
            autopay_run.run()
    assert len(charges(sandbox)) == 1
    Payment.objects.filter(is_open=True).update(next_check_at=timezone.now())
    janitor.tidy_payments()
    autopay_run.run()
    drain()
    assert len(charges(sandbox)) == 1
    assert paid() == 90000
    assert AutopayCharge.objects.get().state == "charged"


def test_an_answer_that_is_lost_is_settled_by_the_news(maria, days, sandbox, drain):
    days(7)
    autopay_run.run()
    days(10)
    sandbox.app.faults.lose_answers["/v1/payment_intents"] = 99
    autopay_run.run()
    sandbox.app.faults.clear()
    assert AutopayCharge.objects.get().state == "announced"
    Payment.objects.filter(is_open=True).update(next_check_at=timezone.now())
    janitor.tidy_payments()
    drain()
    assert AutopayCharge.objects.get().state == "charged"
    assert len(charges(sandbox)) == 1


def test_a_gateway_that_is_away_is_no_refusal(maria, days, sandbox, settings, drain):
    days(7)
    autopay_run.run()
    days(10)
    url, settings.SANDBOX_URL = settings.SANDBOX_URL, "http://127.0.0.1:9"
    autopay_run.run()
    settings.SANDBOX_URL = url
    autopay_run.run()
    drain()
    assert (paid(), len(charges(sandbox))) == (90000, 1)
    assert letters("autopay_failed", drain) == []


# Turning it on and off


def test_turned_off_nothing_is_charged_and_the_guardian_is_told(maria, days, sandbox, drain):
    days(7)
    autopay_run.run()
    assert autopay.stop(guardian_id=maria.guardian.pk)
    assert not autopay.stop(guardian_id=maria.guardian.pk)
    days(10)
    autopay_run.run()
    assert charges(sandbox) == []
    [letter] = letters("autopay_ended", drain)
    assert "As you asked for" in letter.body_text


def test_turned_off_while_the_run_is_on_its_way_nothing_is_charged(
    maria, days, sandbox, monkeypatch
):
    days(7)
    autopay_run.run()
    days(10)
    look = autopay.due_by

    def late(row, day):
        autopay.stop(guardian_id=maria.guardian.pk)
        return look(row, day)

    monkeypatch.setattr(autopay, "due_by", late)
    autopay_run.run()
    assert charges(sandbox) == []
    assert not Payment.objects.filter(is_open=True).exists()


def test_a_removed_card_ends_it(maria, parent, drain):
    parent.post(f"/family/cards/{maria.card}/remove/")
    assert Autopay.objects.get().ended_why == "card_gone"
    [letter] = letters("autopay_ended", drain)
    assert "is not kept any more" in letter.body_text


def test_turning_it_on_needs_the_tick_the_card_and_the_school(account, room, family, parent):
    make.bill(room, amount_minor=100)
    card = keep_card(family.guardian)
    sent = {"method": str(card)}
    answer = parent.post("/family/autopay/on/", sent, follow=True).content.decode()
    assert "Tick the box" in answer
    assert not Autopay.objects.exists()
    words = autopay.consent()
    assert words in parent.get("/family/cards/").content.decode()
    parent.post("/family/autopay/on/", sent | {"agree": "1"})
    row = Autopay.objects.get()
    assert (row.consent_text, row.due_after, row.card) == (words, today(), "Visa •• 4242")
    assert "Automatic payment is on" in parent.get("/family/").content.decode()
    parent.post("/family/autopay/off/")
    assert Autopay.objects.get().ended_why == "guardian"
    with pytest.raises(NotFound):
        autopay.enrol(guardian_id=family.guardian.pk, method_id=family.guardian.pk)
    tenants.change_settings(school_id=1, values={"fees.autopay": False})
    reopen()
    with pytest.raises(Forbidden):
        autopay.enrol(guardian_id=family.guardian.pk, method_id=card)
    assert "Turn automatic payment on" not in parent.get("/family/cards/").content.decode()


def test_a_second_card_waits_until_the_first_is_off(account, room, family):
    make.bill(room, amount_minor=100)
    first = keep_card(family.guardian)
    make.bill(room, amount_minor=100)
    second = keep_card(family.guardian)
    assert first != second
    autopay.enrol(guardian_id=family.guardian.pk, method_id=first)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=first)
    assert Autopay.objects.count() == 1
    with pytest.raises(Conflict):
        autopay.enrol(guardian_id=family.guardian.pk, method_id=second)


def test_the_next_run_is_in_the_morning_and_within_the_hour_while_something_waits(
    maria, days, sandbox
):
    now = days(0) and timezone.now()
    tomorrow = autopay_run.next_due().astimezone(ZoneInfo(current_school().time_zone))
    assert (tomorrow.date(), tomorrow.hour) == (days(1), 8)
    days(7)
    autopay_run.run()
    days(10)
    assert autopay_run.next_due() == timezone.now() + timedelta(hours=1)
    autopay.stop(guardian_id=maria.guardian.pk)
    assert autopay_run.next_due() is None
    assert now < timezone.now()


# At once, with real commits


@pytest.mark.django_db(transaction=True)
def test_workers_and_a_parent_at_once_take_the_money_once(committed_school, sandbox, days):
    GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    room = make.make_class()
    family = make.make_family(room, children=2)
    make.bill(room, amount_minor=100)
    card = keep_card(family.guardian)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=card)
    make.bill(room, due_on=days(0) + timedelta(days=10))
    days(7)
    autopay_run.run()
    days(10)
    barrier = Barrier(4)

    def at_once(work):
        try:
            with in_school(committed_school.schema_name):
                barrier.wait()
                return work()
        except DomainError as error:
            return type(error).__name__
        finally:
            connection.close()

    def by_hand():
        return start(family.guardian).redirect_url

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(at_once, [autopay_run.run, by_hand] * 2))
    pages = {result for result in results if str(result).startswith("http://127")}
    for page in pages:
        press(page)
    for key in Payment.objects.values_list("pk", flat=True):
        payments.sync(key)
    autopay_run.run()
    while events.drain(committed_school.schema_name):
        pass
    took = sum(Payment.objects.values_list("captured_minor", flat=True)) - 200
    assert (took, paid()) == (90000, 90000)


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
