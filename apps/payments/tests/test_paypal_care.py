"""PayPal beside another gateway, its refunds, its messages and its keys."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import accounts, janitor, sync, webhook_secrets, webhooks
from apps.payments.tests.factories import JUN, LineFactory, order, start
from apps.payments.tests.paypal_help import captures, deliver, make_due, paid, refund
from kernel.errors import Invalid, Unavailable

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
    first, second = start(), payments.start_payment(order(payer_id=JUN))
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
