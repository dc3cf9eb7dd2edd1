"""Payments by PayPal from start to end: approval is not payment, and nobody captures twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import accounts, janitor, sync, webhooks
from apps.payments.tests.factories import JUN, LineFactory, start
from apps.payments.tests.paypal_help import captures, deliver, make_due
from kernel.errors import Unavailable

# Approval and capture


def test_the_return_page_takes_what_was_approved(paypal, sandbox, heard):
    started = start(lines=[LineFactory(reference="inv-1", amount_minor=1999)])

    answer = sandbox.press(started, "pay")
    assert captures(sandbox) == []
    info = payments.sync(started.payment_id)

    assert answer.headers["Location"].startswith(
        f"http://lincoln.testserver/family/payments/{started.payment_id}/?token="
    )
    assert (info.status, info.captured_minor, info.method) == ("captured", 1999, "paypal")
    assert [c["amount"]["value"] for c in captures(sandbox)] == ["19.99"]
    assert len(heard("payments.payment_captured")) == 1
    assert models.OpenClaim.objects.count() == 0
    assert models.Payment.objects.get().capturing_until is None


def test_approved_and_never_captured_is_healed_by_the_janitor(paypal, sandbox, heard):
    started = start()
    sandbox.press(started, "pay")
    make_due()

    assert janitor.tidy_payments() == 1

    assert payments.get_payment(started.payment_id).status == "captured"
    assert len(heard("payments.payment_captured")) == 1


def test_the_webhook_alone_is_enough(paypal, sandbox, anonymous, heard):
    client = anonymous()
    started = start()
    sandbox.press(started, "pay")
    posted = sandbox.collect()

    answers = {deliver(client, message).status_code for message in posted}
    states = [webhooks.process(event.pk) for event in models.ProviderEvent.objects.all()]

    # One kind so far, sent twice: kept once.
    assert len(posted) == 2
    assert (answers, states) == ({200}, ["processed"])
    assert payments.get_payment(started.payment_id).status == "captured"
    # What the capture itself is told by finds nothing new.
    for message in sandbox.collect():
        deliver(client, message)
    for event in models.ProviderEvent.objects.filter(state="received"):
        assert webhooks.process(event.pk) == "processed"
    assert len(heard("payments.payment_captured")) == 1
    assert len(captures(sandbox)) == 1


def test_a_return_without_approval_moves_nothing(paypal, sandbox, heard):
    """Whatever the address of the return page says: only PayPal's answer counts."""
    started = start()

    info = payments.sync(started.payment_id)

    assert (info.status, info.captured_minor) == ("pending", 0)
    assert captures(sandbox) == []
    assert heard("payments.payment_captured") == []


def test_a_capture_whose_answer_is_lost_is_found(paypal, sandbox, heard):
    started = start()
    sandbox.press(started, "pay")
    sandbox.app.faults.lose_answers["/capture"] = 1

    assert payments.sync(started.payment_id).status == "pending"
    # The money may be on its way: nobody may end the payment meanwhile.
    assert models.Payment.objects.get().capturing_until > timezone.now()
    info = payments.sync(started.payment_id)

    assert info.status == "captured"
    assert len(captures(sandbox)) == len(heard("payments.payment_captured")) == 1


def test_what_somebody_else_captured_is_read(paypal, sandbox, heard):
    started = start()
    sandbox.press(started, "pay")
    payment = models.Payment.objects.get()
    provider = accounts.provider_for(paypal)
    approved = provider.fetch(payment.session_id)
    provider.capture_if_approved(approved)

    snapshot = provider.capture_if_approved(approved)
    assert len(snapshot.captures) == 1
    assert payments.sync(started.payment_id).status == "captured"
    assert len(captures(sandbox)) == 1


@pytest.mark.parametrize(
    ("action", "final", "failed"),
    [("later", "captured", []), ("later-fails", "declined", ["declined"])],
)
def test_a_capture_may_wait_and_may_be_denied(paypal, sandbox, heard, action, final, failed):
    line = LineFactory()
    started = start(lines=[line])
    sandbox.press(started, action)

    waiting = payments.sync(started.payment_id)
    assert (waiting.status, waiting.is_open) == ("processing", True)
    assert payments.cancel(started.payment_id).status == "processing"
    with pytest.raises(payments.PaymentInProgress):
        start(lines=[line], payer_id=JUN)
    sandbox.app.gateway.run_timers()

    info = payments.sync(started.payment_id)
    assert (info.status, info.is_open) == (final, False)
    assert [event["reason"] for event in heard("payments.payment_failed")] == failed
    assert models.OpenClaim.objects.count() == 0


def test_declined_is_told_once_and_the_payer_tries_again(paypal, sandbox, heard):
    started = start()
    sandbox.press(started, "decline")

    for _again in range(3):
        info = payments.sync(started.payment_id)
    assert (info.status, info.is_open) == ("declined", True)
    assert payments.resume_url(started.payment_id) == started.redirect_url
    assert len(heard("payments.payment_failed")) == 1
    sandbox.press(started, "pay")

    assert payments.sync(started.payment_id).status == "captured"
    assert len(captures(sandbox)) == 1


def test_what_was_ended_is_not_taken_however_late_it_is_approved(paypal, sandbox, heard):
    started = start()
    assert payments.cancel(started.payment_id).status == "cancelled"

    sandbox.press(started, "pay")
    info = payments.sync(started.payment_id)

    assert info.status == "cancelled"
    assert captures(sandbox) == []


def test_a_page_that_nobody_used_is_closed(paypal, sandbox, heard):
    started = start()
    models.Payment.objects.update(session_expires_at=timezone.now() - timedelta(seconds=1))
    make_due()

    janitor.tidy_payments()

    assert payments.get_payment(started.payment_id).status == "expired"
    assert [e["reason"] for e in heard("payments.payment_failed")] == ["expired"]


def test_approved_just_before_the_end_is_taken_not_closed(paypal, sandbox):
    started = start()
    sandbox.press(started, "pay")
    models.Payment.objects.update(session_expires_at=timezone.now() - timedelta(seconds=1))
    make_due()

    janitor.tidy_payments()

    assert payments.get_payment(started.payment_id).status == "captured"


def test_an_order_that_paypal_has_forgotten_is_over(paypal, sandbox):
    started = start()
    sandbox.app.gateway.behaviour.order_life = -1

    # Too early to be forgotten: rather the keys are another account's.
    with pytest.raises(Unavailable):
        sync.ask_gateway(started.payment_id)
    models.Payment.objects.update(session_expires_at=timezone.now() - timedelta(seconds=1))

    assert payments.sync(started.payment_id).status == "expired"


def test_a_page_without_a_record_is_found_by_its_key(paypal, sandbox):
    sandbox.app.faults.lose_answers["checkout/orders"] = 1
    with pytest.raises(Unavailable):
        start()
    payment = models.Payment.objects.get()
    assert (payment.session_id, payment.is_open) == ("", True)

    assert payments.sync(payment.pk).status == "pending"

    rows = sandbox.app.store.rows("SELECT count(*) FROM object WHERE kind = 'paypal.order'")
    assert rows[0][0] == 1


def test_after_its_key_is_forgotten_no_second_page_is_opened(paypal, sandbox):
    sandbox.app.faults.lose_answers["checkout/orders"] = 1
    with pytest.raises(Unavailable):
        start()
    models.Payment.objects.update(started_at=timezone.now() - timedelta(hours=6))

    info = payments.sync(models.Payment.objects.get().pk)

    assert info.status == "expired"
    rows = sandbox.app.store.rows("SELECT count(*) FROM object WHERE kind = 'paypal.order'")
    assert rows[0][0] == 1


def test_another_amount_than_asked_is_not_booked(paypal, sandbox, heard):
    started = start()
    sandbox.app.gateway.behaviour.capture_difference = -100
    sandbox.press(started, "pay")

    info = payments.sync(started.payment_id)

    assert (info.status, info.captured_minor, info.attention) == ("unknown", 0, "mismatch")
    assert heard("payments.payment_captured") == []
