"""PayPal's twin from outside: what it took, its messages, and time that passes."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.tests.factories import start


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


def paid(sandbox, **changes):
    started = start(**changes)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def refund(payment_id, amount, key):
    return payments.request_refund(
        payment_id=payment_id, amount_minor=amount, reason="r", actor="b", idempotency_key=key
    )
