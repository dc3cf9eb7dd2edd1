"""The sandbox gateway in a thread, reached by the real stripe package over loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.db import connection
from django.test import Client

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.contracts import StartedPayment
from apps.payments.sandbox.app import SandboxApp, serve
from apps.payments.sandbox.gateway import Behaviour
from apps.payments.services import accounts
from apps.payments.tests.books import Books

KEY = "sk_test_" + "a1B2" * 8
OTHER = "sk_test_" + "c3D4" * 8
ACTOR = "head@example.org"


@dataclass
class Posted:
    """One webhook message as the sandbox sent it."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sandbox:
    """The running sandbox; what it sends is kept until a test delivers it."""

    app: SandboxApp
    url: str
    posted: list[Posted] = field(default_factory=list)

    def press(self, started: StartedPayment, action: str) -> requests.Response:
        """Press a button of the hosted page."""
        return requests.post(
            started.redirect_url, {"action": action}, allow_redirects=False, timeout=10
        )

    def account(self) -> str:
        return str(self.app.store.rows("SELECT account FROM object LIMIT 1")[0][0])

    def collect(self) -> list[Posted]:
        """Have every message sent that is due, and return those of this round."""
        self.posted.clear()
        self.app.courier.deliver_due()
        return list(self.posted)


@pytest.fixture
def sandbox(tmp_path: Path, settings: Any) -> Iterator[Sandbox]:
    posted: list[Posted] = []

    def keep(url: str, headers: dict[str, str], body: bytes) -> int:
        posted.append(Posted(url, headers, body))
        return 200

    app = SandboxApp(
        tmp_path / "sandbox.sqlite3",
        behaviour=Behaviour(settle_after=0, spread=0),
        transport=keep,
    )
    server = serve(app, port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    settings.SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"
    yield Sandbox(app, settings.SANDBOX_URL, posted)
    server.shutdown()
    thread.join()
    server.server_close()
    app.close()


@pytest.fixture
def account(school: Any, sandbox: Sandbox) -> models.GatewayAccount:
    """Lincoln's account at the sandbox."""
    models.GatewayAccount.objects.all().delete()
    info = payments.create_sandbox_account()
    return models.GatewayAccount.objects.get(pk=info.id)


def deliver(client: Client, message: Posted, **changes: Any) -> Any:
    """Hand a message to the webhook endpoint as the gateway would."""
    headers = {"stripe-signature": changes.pop("signature", message.headers["Stripe-Signature"])}
    return client.post(
        changes.pop("path", urlsplit(message.url).path),
        changes.pop("body", message.body),
        content_type=changes.pop("content_type", "application/json"),
        headers=headers,
    )


@pytest.fixture
def heard(school: Any) -> Callable[[str], list[dict[str, Any]]]:
    """heard("payments.payment_captured"): the payloads waiting in the school's outbox."""

    def read(event_type: str) -> list[dict[str, Any]]:
        with connection.cursor() as cursor:
            # The table is another app's: its facade publishes, and tests read what it wrote.
            cursor.execute(
                "SELECT payload::text FROM outbox_event WHERE event_type = %s ORDER BY id",
                [event_type],
            )
            return [json.loads(row[0]) for row in cursor.fetchall()]

    return read


@pytest.fixture
def stripe(school, sandbox, settings):
    """A test account of the school's own; the sandbox stands in for Stripe."""
    settings.STRIPE_API_BASE = sandbox.url
    models.GatewayAccount.objects.all().delete()
    info = accounts.connect_account(label="Stripe", mode="test", secret_key=KEY, actor=ACTOR)
    accounts.make_default(account_id=info.id, actor=ACTOR)
    return models.GatewayAccount.objects.get(pk=info.id)


@pytest.fixture
def trail(school):
    """trail(): the audit entries about accounts, newest last, as (action, actor, subject)."""
    from django.db import connection

    def read():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT action, actor, subject, detail::text FROM identity_auditentry"
                " WHERE action LIKE 'payments.%%' ORDER BY at, id"
            )
            return cursor.fetchall()

    return read


@pytest.fixture
def books(account, sandbox):
    return Books(account, sandbox)


@pytest.fixture
def paypal(school, sandbox):
    """Lincoln's account at PayPal's twin, in use."""
    models.GatewayAccount.objects.all().delete()
    info = accounts.create_sandbox_account(provider="paypal")
    return accounts.get_account(info.id)
