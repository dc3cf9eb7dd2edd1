"""Automatic payment beside others, in crashes, and by several workers at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from apps.events import facade as events
from apps.fees.models import AutopayCharge
from apps.fees.services import autopay, autopay_run
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.models import GatewayAccount, Payment
from apps.payments.services import charging, janitor
from kernel.errors import DomainError
from kernel.schools import in_school
from tests.paying.cards import charges, keep_card, letters, paid, press, start

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
