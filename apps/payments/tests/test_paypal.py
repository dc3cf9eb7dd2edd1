"""Payments by PayPal from start to end: approval is not payment, and nobody captures twice."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import accounts, janitor, sync, webhook_secrets, webhooks
from apps.payments.tests.factories import JUN, LineFactory, order, start
from kernel.errors import Invalid, Unavailable


@pytest.fixture
def paypal(school, sandbox):
    """Lincoln's account at PayPal's twin, in use."""
    models.GatewayAccount.objects.all().delete()
    info = accounts.create_sandbox_account(provider="paypal")
    return accounts.get_account(info.id)


def captures(sandbox) -> list[dict]:
    rows = sandbox.app.store.rows("SELECT body FROM object WHERE kind = 'paypal.capture'")
    return [json.loads(row[0]) for row in rows]


def deliver(client, message):
    headers = {name: value for name, value in message.headers.items() if name != "Content-Type"}
    return client.post(
        urlsplit(message.url).path,
        message.body,
        content_type="application/json",
        headers=headers,
    )


def make_due() -> None:
    models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))


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


# Switching


def test_payments_under_way_stay_where_they_are(paypal, sandbox):
    started = start()
    stripe = accounts.create_sandbox_account()
    accounts.make_default(account_id=stripe.id, actor="bursar")

    sandbox.press(started, "pay")
    info = payments.sync(started.payment_id)
    refund = payments.request_refund(
        payment_id=started.payment_id,
        amount_minor=100,
        reason="r",
        actor="bursar",
        idempotency_key="k1",
    )

    assert (info.status, info.provider) == ("captured", "paypal")
    assert refund.status == "succeeded"
    assert payments.get_payment(start().payment_id).provider == "stripe"


# Refunds


def paid(sandbox, **changes):
    started = start(**changes)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def refund(payment_id, amount, key):
    return payments.request_refund(
        payment_id=payment_id, amount_minor=amount, reason="r", actor="b", idempotency_key=key
    )


def test_refunds_in_parts_and_again_under_the_same_key(paypal, sandbox):
    payment_id = paid(sandbox)

    assert refund(payment_id, 10000, "a").status == "succeeded"
    assert refund(payment_id, 10000, "a").status == "succeeded"
    assert refund(payment_id, 15000, "b").status == "succeeded"

    info = payments.get_payment(payment_id)
    assert (info.status, info.refunded_minor) == ("refunded", 25000)
    assert [c["status"] for c in captures(sandbox)] == ["REFUNDED"]


def test_a_refund_whose_answer_is_lost_is_made_once(paypal, sandbox, heard):
    payment_id = paid(sandbox)
    sandbox.app.faults.lose_answers["/refund"] = 1

    assert refund(payment_id, 600, "a").status == "requested"
    make_due()
    janitor.tidy_payments()

    info = payments.get_payment(payment_id)
    assert [r.status for r in info.refunds] == ["succeeded"]
    assert (info.refunded_minor, info.attention) == (600, "")
    assert len(heard("payments.refund_completed")) == 1


def test_a_refund_in_the_dashboard_waits_for_a_person(paypal, sandbox):
    payment_id = paid(sandbox)
    [capture] = captures(sandbox)
    gateway = sandbox.app.gateway.paypal
    with sandbox.app.store.work():
        gateway.refund_capture(gateway.owner("capture", capture["id"]), capture["id"], {})

    info = payments.sync(payment_id)

    assert (info.refunded_minor, info.attention) == (0, "external_refund")


# Messages


def test_a_message_waits_while_paypal_cannot_be_asked_about_it(paypal, sandbox, anonymous):
    started = start()
    sandbox.press(started, "pay")
    message = sandbox.collect()[0]
    sandbox.app.faults.fail["verify-webhook-signature"] = [500]

    assert deliver(anonymous(), message).status_code == 503
    assert models.ProviderEvent.objects.count() == 0
    assert deliver(anonymous(), message).status_code == 200
    assert models.ProviderEvent.objects.count() == 1


def test_a_message_that_paypal_did_not_send_is_refused(paypal, sandbox, anonymous):
    start()
    started = start()
    sandbox.press(started, "pay")
    message = sandbox.collect()[0]
    message.body = message.body.replace(b"APPROVED", b"COMPLETED")

    assert deliver(anonymous(), message).status_code == 400
    message.headers.clear()
    assert deliver(anonymous(), message).status_code == 400
    assert models.ProviderEvent.objects.count() == 0


def test_a_message_about_nothing_of_ours_is_kept_and_shown(paypal, sandbox, anonymous):
    started = start()
    sandbox.press(started, "pay")
    models.Payment.objects.update(account=None)
    deliver(anonymous(), sandbox.collect()[0])

    webhooks.process(models.ProviderEvent.objects.get().pk)

    assert models.ProviderEvent.objects.get().payment_id is None
    assert captures(sandbox) == []


def test_keys_that_are_refused_are_said_to_staff(paypal, sandbox):
    started = start()
    models.GatewayAccount.objects.update(secret_key="another-secret-of-the-same-client")

    with pytest.raises(Unavailable, match="refused the key"):
        sync.ask_gateway(started.payment_id)


def test_two_families_do_not_mix(paypal, sandbox):
    first, second = start(), payments.start_payment(**order(payer_id=JUN))
    sandbox.press(second, "pay")

    assert payments.sync(first.payment_id).status == "pending"
    assert payments.sync(second.payment_id).status == "captured"


def test_an_order_that_paypal_does_not_know_is_not_called_closed(paypal, sandbox):
    started = start(lines=[LineFactory(reference="inv-1", amount_minor=1999)])
    sandbox.app.store.rows("DELETE FROM object WHERE kind = 'paypal.order'")

    info = payments.cancel(started.payment_id)

    assert info.is_open, "the keys may be another account's: money may still come"


def test_there_is_no_secret_to_replace(paypal, client_for):
    with pytest.raises(Invalid, match="certificate"):
        webhook_secrets.rotate(account_id=paypal.pk, actor="head@example.org")
    with pytest.raises(Invalid, match="certificate"):
        webhook_secrets.enter(
            account_id=paypal.pk, secret="whsec_" + "x" * 24, actor="head@example.org"
        )

    page = client_for("admin").get(reverse("payments:account", args=[paypal.pk])).content.decode()
    assert reverse("payments:account_rotate", args=[paypal.pk]) not in page
    assert reverse("payments:account_secret", args=[paypal.pk]) not in page
