"""Every end of the hosted page, told by the return page, by webhooks, or by both at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import webhooks
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import JUN, LineFactory, order, start
from kernel.errors import Unavailable


def test_pay(account, sandbox, heard):
    started = start(lines=[LineFactory(reference="inv-1", amount_minor=25000)])

    answer = sandbox.press(started, "pay")
    info = payments.sync(started.payment_id)

    assert answer.status_code == 303
    assert answer.headers["Location"] == (
        f"http://lincoln.testserver/family/payments/{started.payment_id}/"
    )
    assert (info.status, info.captured_minor, info.is_open) == ("captured", 25000, False)
    assert payments.resume_url(started.payment_id) is None
    assert models.OpenClaim.objects.count() == 0
    [event] = heard("payments.payment_captured")
    assert event["amount_minor"] == 25000
    assert event["lines"] == [
        {"reference": "inv-1", "description": "Ada Park: term fee", "amount_minor": 25000}
    ]


def test_a_story_and_its_news_are_one_statement(account, sandbox):
    started = start()
    sandbox.press(started, "pay")

    with CaptureQueriesContext(connection) as captured:
        payments.sync(started.payment_id)

    writes = [q["sql"] for q in captured if "INSERT INTO stored_event" in q["sql"]]
    assert len(writes) == 1
    assert "INSERT INTO outbox_event" in writes[0]
    assert not [q for q in captured if q["sql"].lstrip().startswith("INSERT INTO outbox_event")]


def test_asking_many_times_changes_nothing(account, sandbox, heard):
    started = start()
    sandbox.press(started, "pay")
    infos = {payments.sync(started.payment_id) for _again in range(4)}

    assert len(infos) == 1
    assert len(heard("payments.payment_captured")) == 1


@pytest.mark.parametrize(
    ("action", "final", "reasons"),
    [("later", "captured", []), ("later-fails", "declined", ["declined"])],
)
def test_pay_later(account, sandbox, heard, action, final, reasons):
    line = LineFactory()
    started = start(lines=[line])
    sandbox.press(started, action)

    waiting = payments.sync(started.payment_id)
    assert (waiting.status, waiting.is_open) == ("processing", True)
    with pytest.raises(payments.PaymentInProgress):
        start(lines=[line], payer_id=JUN)
    sandbox.app.gateway.run_timers()

    info = payments.sync(started.payment_id)
    assert info.status == final
    if final == "captured":
        assert timezone.now() - info.captured_at < timedelta(seconds=5)
    assert [e["reason"] for e in heard("payments.payment_failed")] == reasons
    assert models.OpenClaim.objects.count() == 0


def test_declined_and_then_paid_on_the_same_page(account, sandbox, heard):
    started = start()
    answer = sandbox.press(started, "decline")

    page = requests.get(f"{sandbox.url}{answer.headers['Location']}", timeout=5)
    declined = payments.sync(started.payment_id)
    assert "The card was declined. Nothing was charged." in page.text
    assert (declined.status, declined.is_open) == ("declined", True)
    assert payments.resume_url(started.payment_id) == started.redirect_url

    sandbox.press(started, "pay")
    info = payments.sync(started.payment_id)
    assert (info.status, info.captured_minor) == ("captured", 25000)
    assert len(heard("payments.payment_failed")) == 1
    assert len(heard("payments.payment_captured")) == 1


def test_a_double_click_on_the_hosted_page_charges_once(account, sandbox):
    started = start()
    sandbox.press(started, "pay")

    again = sandbox.press(started, "pay")

    assert "This has been paid." in again.text
    assert len(sandbox.app.store.all(sandbox.account(), "charge")) == 1


@pytest.mark.parametrize("difference", [-100, 1])
def test_another_amount_than_asked_is_not_booked(account, sandbox, heard, difference):
    line = LineFactory()
    started = start(lines=[line])
    sandbox.app.gateway.behaviour.capture_difference = difference
    sandbox.press(started, "pay")

    info = payments.sync(started.payment_id)

    assert (info.status, info.captured_minor, info.attention) == ("unknown", 0, "mismatch")
    assert heard("payments.payment_captured") == []
    with pytest.raises(payments.PaymentInProgress):
        start(lines=[line], payer_id=JUN)


def test_a_gateway_that_does_not_answer_loses_no_payment(account, sandbox, heard):
    started = start()
    sandbox.press(started, "pay")
    sandbox.app.faults.fail["checkout/sessions"] = [500] * 3

    assert payments.sync(started.payment_id).status == "pending"
    assert payments.sync(started.payment_id).status == "captured"
    assert len(heard("payments.payment_captured")) == 1


# Webhooks


def test_the_webhook_alone_is_enough(account, sandbox, anonymous, heard):
    client = anonymous()
    started = start()
    sandbox.press(started, "pay")
    posted = sandbox.collect()

    answers = [deliver(client, message) for message in posted]
    states = [webhooks.process(event.pk) for event in models.ProviderEvent.objects.all()]

    # Two kinds that we listen to, each sent twice: kept once.
    assert len(posted) == 4
    assert {answer.status_code for answer in answers} == {200}
    assert states == ["processed", "processed"]
    assert payments.get_payment(started.payment_id).status == "captured"
    assert len(heard("payments.payment_captured")) == 1


def test_the_webhook_before_the_page_is_written_down(account, sandbox, anonymous):
    started = start()
    sandbox.press(started, "pay")
    posted = sandbox.collect()
    payment = models.Payment.objects.get()
    # As it stands between the gateway's answer and our commit.
    models.Payment.objects.update(session_id="", hosted_url="", session_expires_at=None)

    deliver(anonymous(), posted[0])
    webhooks.process(models.ProviderEvent.objects.get().pk)

    info = payments.get_payment(started.payment_id)
    assert info.status == "captured"
    assert models.Payment.objects.get().session_id == payment.session_id


def test_webhook_and_return_page_at_once(account, sandbox, anonymous, heard):
    client = anonymous()
    started = start()
    sandbox.press(started, "pay")

    payments.sync(started.payment_id)
    for message in sandbox.collect():
        deliver(client, message)
        payments.sync(started.payment_id)
    for event in models.ProviderEvent.objects.all():
        webhooks.process(event.pk)

    assert len(heard("payments.payment_captured")) == 1


def test_a_message_waits_while_the_gateway_does_not_answer(account, sandbox, anonymous):
    started = start()
    sandbox.press(started, "pay")
    deliver(anonymous(), sandbox.collect()[0])
    event = models.ProviderEvent.objects.get()
    sandbox.app.faults.fail["checkout/sessions"] = [500] * 3

    assert webhooks.process(event.pk) == "received"
    event.refresh_from_db()
    assert (event.attempts, event.state) == (1, "received")
    assert webhooks.process(event.pk) == "processed"
    assert payments.get_payment(started.payment_id).status == "captured"


def test_a_key_that_is_refused_is_said_to_staff(account, sandbox):
    started = start()
    sandbox.app.faults.fail["checkout/sessions"] = [401]

    from apps.payments.services import sync

    with pytest.raises(Unavailable, match="refused the key"):
        sync.ask_gateway(started.payment_id)


def test_orders_of_two_families_do_not_mix(account, sandbox):
    first, second = start(), payments.start_payment(order(payer_id=JUN))
    sandbox.press(second, "pay")

    assert payments.sync(first.payment_id).status == "pending"
    assert payments.sync(second.payment_id).status == "captured"
