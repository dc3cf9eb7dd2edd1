"""Where a school's accounts have the gateway send its messages."""

from __future__ import annotations

from django.urls import reverse


def test_a_test_has_an_endpoint_of_before_tell_of_disputes_too(client_for, stripe, sandbox, trail):
    url = reverse("payments:account_check", args=[stripe.pk])
    client = client_for("admin")
    client.post(url)
    stripe.refresh_from_db()
    account = sandbox.account()
    [row] = sandbox.app.store.all(account, "webhook_endpoint")
    everything = row["enabled_events"]
    with sandbox.app.store.work():
        few = [name for name in everything if "dispute" not in name]
        sandbox.app.store.put(account, "webhook_endpoint", row | {"enabled_events": few})

    said = client.post(url, follow=True).content.decode()

    assert "The gateway did not tell us of disputes or other news yet. Now it does." in said
    [row] = sandbox.app.store.all(account, "webhook_endpoint")
    assert set(row["enabled_events"]) == set(everything)
    assert row["id"] == stripe.webhook_endpoint_id
    assert "payments.webhook_completed" in [entry[0] for entry in trail()]
    assert "Now it does" not in client.post(url, follow=True).content.decode()


def test_a_test_makes_an_endpoint_anew_that_the_gateway_forgot(client_for, stripe, sandbox):
    url = reverse("payments:account_check", args=[stripe.pk])
    client = client_for("admin")
    client.post(url)
    stripe.refresh_from_db()
    with sandbox.app.store.work():
        sandbox.app.gateway.delete_endpoint(sandbox.account(), stripe.webhook_endpoint_id)

    client.post(url)

    [row] = sandbox.app.store.all(sandbox.account(), "webhook_endpoint")
    stripe.refresh_from_db()
    assert row["id"] == stripe.webhook_endpoint_id


def test_the_old_endpoint_goes_when_the_secret_rotates(client_for, stripe, sandbox):
    client = client_for("admin")
    client.post(reverse("payments:account_check", args=[stripe.pk]))

    client.post(reverse("payments:account_rotate", args=[stripe.pk]))

    stripe.refresh_from_db()
    [endpoint] = sandbox.app.store.all(sandbox.account(), "webhook_endpoint")
    assert endpoint["id"] == stripe.webhook_endpoint_id
    assert endpoint["secret"] == stripe.webhook_secret


def test_a_rotation_that_fails_keeps_the_old_secret(client_for, stripe, settings):
    client = client_for("admin")
    client.post(reverse("payments:account_check", args=[stripe.pk]))
    stripe.refresh_from_db()
    first = stripe.webhook_secret
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    answer = client.post(reverse("payments:account_rotate", args=[stripe.pk]), follow=True)

    stripe.refresh_from_db()
    assert "the old one stays" in answer.content.decode()
    assert stripe.webhook_secret == first
