"""The webhook endpoint against messages that are wrong in every way."""

from __future__ import annotations

import json
import socket
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.hooks import wakeup
from apps.payments.sandbox.delivery import sign
from apps.payments.services import account_care, accounts, janitor, webhook_secrets, webhooks
from apps.payments.tests.conftest import Posted, deliver
from apps.payments.tests.factories import start


@pytest.fixture
def paid(account, sandbox):
    """A payment that was paid and about which nothing has been heard."""
    started = start()
    sandbox.press(started, "pay")
    account.refresh_from_db()
    return started


@pytest.fixture
def message(paid, sandbox):
    return sandbox.collect()[0]


def signed(account: models.GatewayAccount, body: bytes, at: float | None = None) -> Posted:
    path = reverse("payment_hooks:receive", args=[account.webhook_key])
    stamp = sign(account.webhook_secret, body, at=int(at or time.time()))
    return Posted(f"http://x{path}", {"Stripe-Signature": stamp}, body)


def event_body(**changes: object) -> bytes:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "charge.refunded",
        "data": {"object": {"id": "ch_9", "object": "charge", "metadata": {}}},
    }
    return json.dumps(event | changes).encode()


def test_the_endpoint_was_registered_with_the_first_payment(account, paid):
    assert account.webhook_url == (
        f"http://lincoln.testserver/hooks/payments/{account.webhook_key}/"
    )
    assert account.webhook_secret.startswith("whsec_")


@pytest.mark.parametrize(
    "signature", ["", "garbage", "t=1,v1=", "t=x,v1=abc", "v1=abc", f"t={'9' * 40},v1=aa"]
)
def test_a_wrong_signature_is_refused(message, anonymous, signature):
    assert deliver(anonymous(), message, signature=signature).status_code == 400
    assert models.ProviderEvent.objects.count() == 0


def test_a_changed_body_is_refused(message, anonymous):
    changed = message.body.replace(b"25000", b"99999")

    assert deliver(anonymous(), message, body=changed).status_code == 400
    assert models.ProviderEvent.objects.count() == 0


@pytest.mark.parametrize("seconds", [-301 - 5, 301 + 5, -86400, 3600])
def test_too_old_or_from_the_future_is_refused(account, paid, anonymous, seconds):
    late = signed(account, event_body(), at=time.time() + seconds)

    assert deliver(anonymous(), late).status_code == 400
    assert models.ProviderEvent.objects.count() == 0


@pytest.mark.parametrize("seconds", [-290, 290])
def test_within_five_minutes_is_taken(account, paid, anonymous, seconds):
    assert (
        deliver(anonymous(), signed(account, event_body(), at=time.time() + seconds)).status_code
        == 200
    )


def test_a_replayed_message_has_no_second_effect(
    message, paid, anonymous, heard, django_capture_on_commit_callbacks
):
    client = anonymous()
    with django_capture_on_commit_callbacks() as first:
        assert deliver(client, message).status_code == 200
    with django_capture_on_commit_callbacks() as second:
        assert deliver(client, message).content == b"known"
    webhooks.process(models.ProviderEvent.objects.get().pk)

    assert deliver(client, message).status_code == 200
    assert (len(first), len(second)) == (1, 0)
    assert models.ProviderEvent.objects.get().state == "processed"
    assert len(heard("payments.payment_captured")) == 1


def test_another_schools_message_is_refused(
    message, paid, anonymous, other_school, in_other_school
):
    with in_other_school():
        payments.create_sandbox_account()
        foreign = models.GatewayAccount.objects.get(mode="sandbox")
    path = f"/hooks/payments/{foreign.webhook_key}/"

    # Under its own address on the other host, and under the other school's address.
    assert deliver(anonymous(other_school), message).status_code == 404
    assert deliver(anonymous(other_school), message, path=path).status_code == 400
    with in_other_school():
        assert models.ProviderEvent.objects.count() == 0


def test_another_accounts_message_is_refused(account, paid, message, anonymous):
    other = models.GatewayAccount.objects.create(
        provider="stripe", mode="test", label="B", secret_key="x", webhook_secret="whsec_b"
    )
    path = f"/hooks/payments/{other.webhook_key}/"

    assert deliver(anonymous(), message, path=path).status_code == 400


def test_a_message_may_not_name_another_accounts_payment(account, paid, anonymous):
    other = models.GatewayAccount.objects.create(
        provider="stripe", mode="test", label="B", secret_key="x", webhook_secret="whsec_b"
    )
    body = event_body(data={"object": {"metadata": {"payment_id": str(paid.payment_id)}}})
    deliver(anonymous(), signed(other, body))

    assert webhooks.process(models.ProviderEvent.objects.get().pk) == "unmatched"
    assert payments.get_payment(paid.payment_id).status == "pending"


def test_what_a_message_claims_is_not_believed(account, sandbox, anonymous):
    started = start()
    account.refresh_from_db()
    claims = {
        "id": "cs_x",
        "payment_status": "paid",
        "client_reference_id": str(started.payment_id),
    }
    body = event_body(type="checkout.session.completed", data={"object": claims})
    deliver(anonymous(), signed(account, body))

    assert webhooks.process(models.ProviderEvent.objects.get().pk) == "processed"
    assert payments.get_payment(started.payment_id).status == "pending"


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"id": "evt", "type": "x"}',
        b'{"id":"e","type":"t","data":{"object":[]}}',
    ],
)
def test_a_signed_message_that_cannot_be_read_is_refused(account, paid, anonymous, body):
    assert deliver(anonymous(), signed(account, body)).status_code == 400


def test_an_oversize_message_is_refused_before_it_is_read(account, paid, anonymous):
    large = signed(account, b" " * (webhooks.MAX_BODY_BYTES + 1))

    assert deliver(anonymous(), large).status_code == 400


def test_an_unknown_address_and_a_get(account, anonymous):
    client = anonymous()

    assert client.post("/hooks/payments/nobody/", b"{}", "application/json").status_code == 404
    assert client.get(f"/hooks/payments/{account.webhook_key}/").status_code == 405


def test_an_unmatched_message_may_have_come_too_early(account, sandbox, anonymous):
    """A refund made in the dashboard is told before we know of the capture that it is of."""
    started = start()
    sandbox.press(started, "pay")
    account.refresh_from_db()
    charge = sandbox.app.store.all(sandbox.account(), "charge")[0]
    claims = {"id": "re_1", "object": "refund", "charge": charge["id"], "metadata": {}}
    body = event_body(type="refund.created", data={"object": claims})
    deliver(anonymous(), signed(account, body))
    event = models.ProviderEvent.objects.get()
    assert webhooks.process(event.pk) == "unmatched"

    payments.sync(started.payment_id)
    event.refresh_from_db()
    assert event.next_attempt_at is not None
    models.ProviderEvent.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))

    assert janitor.sweep_provider_events() == 1
    event.refresh_from_db()
    assert (event.state, event.payment_id) == ("processed", started.payment_id)


def test_what_stays_unmatched_is_left_to_people_in_the_end(account, paid, anonymous):
    deliver(anonymous(), signed(account, event_body()))
    looked = 0
    while models.ProviderEvent.objects.filter(next_attempt_at__isnull=False).exists():
        models.ProviderEvent.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
        looked += janitor.sweep_provider_events()

    assert looked == webhooks.UNMATCHED_TRIES + 1
    assert models.ProviderEvent.objects.get().state == "unmatched"


def test_an_unmatched_message_is_put_away_by_a_person(account, paid, anonymous, client_for):
    deliver(anonymous(), signed(account, event_body()))
    event = models.ProviderEvent.objects.get()
    webhooks.process(event.pk)
    client = client_for("bursar")
    url = reverse("payments:put_away", args=[event.pk])

    assert client.post(url).status_code == 302
    event.refresh_from_db()
    assert (event.state, event.next_attempt_at) == ("ignored", None)
    assert client.post(url).status_code == 409
    assert client.get(reverse("payments:events")).status_code == 200


def test_a_message_before_the_page_is_committed_finds_its_payment(account, sandbox, anonymous):
    """Between the gateway's answer and our commit: no session is known here yet."""
    started = start()
    sandbox.press(started, "pay")
    account.refresh_from_db()
    models.Payment.objects.update(session_id="", hosted_url="", session_expires_at=None)
    deliver(anonymous(), sandbox.collect()[0])

    assert webhooks.process(models.ProviderEvent.objects.get().pk) == "processed"
    assert payments.get_payment(started.payment_id).status == "captured"


@pytest.mark.parametrize("mode", ["live", "test", "sandbox"])
def test_modes_never_mix(account, paid, anonymous, caplog, mode):
    models.GatewayAccount.objects.update(mode=mode)
    other = event_body(livemode=mode != "live")
    right = event_body(livemode=mode == "live", id="evt_2")

    assert deliver(anonymous(), signed(account, other)).status_code == 400
    assert "other mode" in caplog.text
    assert models.ProviderEvent.objects.count() == 0
    assert deliver(anonymous(), signed(account, right)).status_code == 200


def test_a_missing_signature_is_refused(account, paid, anonymous):
    path = f"/hooks/payments/{account.webhook_key}/"

    assert anonymous().post(path, event_body(), "application/json").status_code == 400


def test_an_old_secret_ends_with_its_day(account, paid, anonymous):
    before = signed(account, event_body())
    webhook_secrets.rotate(account_id=account.pk, actor="head@example.org")
    models.GatewayAccount.objects.update(previous_secret_until=timezone.now())
    assert deliver(anonymous(), before).status_code == 400

    soon = timezone.now() + timedelta(minutes=1)
    models.GatewayAccount.objects.update(previous_secret_until=soon)
    assert deliver(anonymous(), before).status_code == 200


def test_messages_of_an_account_that_is_off_are_read(message, account, paid, anonymous):
    account_care.turn_off(account_id=account.pk, actor="head@example.org")

    assert deliver(anonymous(), message).status_code == 200
    webhooks.process(models.ProviderEvent.objects.get().pk)
    assert payments.get_payment(paid.payment_id).status == "captured"


def test_an_unmatched_message_stays_visible(account, paid, anonymous, client_for):
    deliver(anonymous(), signed(account, event_body()))
    event = models.ProviderEvent.objects.get()

    assert webhooks.process(event.pk) == "unmatched"
    page = client_for("bursar").get(reverse("payments:events"), {"state": "unmatched"})
    assert "charge.refunded" in page.content.decode()
    assert "ch_9" in page.content.decode()


def test_kinds_without_money_are_not_needed(account, paid, anonymous):
    deliver(anonymous(), signed(account, event_body(type="customer.created")))

    assert webhooks.process(models.ProviderEvent.objects.get().pk) == "ignored"


def test_the_sweep_takes_up_what_no_worker_did(message, paid, anonymous, monkeypatch):
    monkeypatch.setattr(wakeup, "wake_worker", lambda **_: False)
    deliver(anonymous(), message)
    assert janitor.sweep_provider_events() == 0
    models.ProviderEvent.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))

    assert janitor.sweep_provider_events() == 1
    assert janitor.sweep_provider_events() == 0
    assert payments.get_payment(paid.payment_id).status == "captured"


def test_a_broker_that_is_away_or_hangs_does_not_hold_the_gateway(settings, school):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls and never answers
        for port in (1, silent.getsockname()[1]):
            settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"

            assert wakeup.wake_worker(schema_name="t_000001", provider_event_id=school.id) is False


def test_the_old_secret_stays_valid_after_a_new_endpoint(account, paid, anonymous, settings):
    before = signed(account, event_body())
    settings.PUBLIC_PORT = ":9999"

    accounts.ensure_webhook(account)

    account.refresh_from_db()
    assert account.webhook_url.startswith("http://lincoln.testserver:9999/")
    assert account.previous_webhook_secret != account.webhook_secret
    assert deliver(anonymous(), before).status_code == 200


def test_keys_are_encrypted_at_rest(account):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_key FROM payments_gatewayaccount")
        stored = cursor.fetchone()[0]

    assert account.secret_key.startswith("sk_test_")
    assert "sk_test" not in stored
    assert account.secret_key not in account.masked_key
