"""One stand a provider: the adapter over the real sandbox, and what only differs by wire."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from apps.payments.providers.base import (
    Credentials,
    HostedSession,
    PaymentSnapshot,
    Provider,
    RefundRequest,
    RefundSnapshot,
    SessionLine,
    SessionRequest,
    WebhookEndpoint,
)
from apps.payments.providers.paypal import PayPalProvider
from apps.payments.providers.stripe import StripeProvider
from apps.payments.sandbox.delivery import sign
from apps.payments.tests.conftest import Posted, Sandbox
from kernel.ids import uuid7

WEBHOOK_URL = "http://lincoln.testserver/payments/hooks/some-key/"


@dataclass
class Stand(ABC):
    """A provider in front of the sandbox. Subclasses know the wire."""

    sandbox: Sandbox
    provider: Provider = field(init=False)
    credentials: Credentials = field(init=False)
    adapter: Any = None
    # Parts of the paths at which faults are switched.
    pages: str = ""
    refunds: str = ""

    def __post_init__(self) -> None:
        client_id, secret = self.adapter.practice_keys()
        self.credentials = Credentials(
            client_id=client_id,
            secret_key=secret,
            api_base=f"{self.sandbox.url}{self.adapter.sandbox_path}",
            loopback=True,
        )
        self.provider = self.adapter(self.credentials)

    def at(self, base: str) -> Provider:
        """The same account with another address."""
        return self.adapter(replace(self.credentials, api_base=base))

    def open(self, **changes: Any) -> tuple[SessionRequest, HostedSession]:
        request = session_request(**changes)
        return request, self.provider.open_session(request)

    def press(self, session: HostedSession, action: str) -> None:
        answer = requests.post(session.url, {"action": action}, allow_redirects=False, timeout=5)
        assert answer.status_code == 303

    def read(self, session: HostedSession) -> PaymentSnapshot:
        """As services/sync.py asks: fetch, and take what is approved."""
        return self.provider.capture_if_approved(self.provider.fetch(session.session_id))

    def paid(self, **changes: Any) -> tuple[SessionRequest, HostedSession, PaymentSnapshot]:
        request, session = self.open(**changes)
        self.press(session, "pay")
        return request, session, self.read(session)

    def settle(self) -> None:
        """What waits for a bank is decided now."""
        assert self.sandbox.app.gateway.run_timers() >= 1

    def refund(
        self, request: SessionRequest, snapshot: PaymentSnapshot, amount: int, key: str = ""
    ) -> RefundSnapshot:
        number = key or str(uuid7())
        return self.provider.refund(
            RefundRequest(
                session_id=snapshot.session_id,
                capture_id=snapshot.captures[0].capture_id,
                payment_id=request.payment_id,
                refund_id=number,
                amount_minor=amount,
                currency=request.currency,
                idempotency_key=number,
            )
        )

    def listen(self) -> WebhookEndpoint:
        return self.provider.register_webhook(url=WEBHOOK_URL, idempotency_key=str(uuid7()))

    @abstractmethod
    def taken(self) -> int:
        """How often the gateway itself has taken money."""

    @abstractmethod
    def dispute(self, snapshot: PaymentSnapshot) -> str:
        """The payer's bank takes the capture back; the dispute's id at the gateway."""

    @abstractmethod
    def refund_in_dashboard(self, snapshot: PaymentSnapshot, amount: int) -> None:
        """Given back at the gateway itself, in minor units."""

    @abstractmethod
    def signed(self, message: Posted, endpoint: WebhookEndpoint, age: timedelta) -> dict[str, str]:
        """The headers of the message as if it had been sent that long ago."""

    def control(self, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(
            f"{self.sandbox.url}/_control/{name}",
            data=json.dumps(wanted),
            headers={"Content-Type": "application/json"},
            timeout=5,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


class StripeStand(Stand):
    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, StripeProvider, "checkout/sessions", "refunds")

    def taken(self) -> int:
        charges = self.sandbox.app.store.all(self.sandbox.account(), "charge")
        return len([charge for charge in charges if charge["paid"]])

    def dispute(self, snapshot: PaymentSnapshot) -> str:
        return self.control("dispute", {"charge": snapshot.captures[0].capture_id})["id"]

    def refund_in_dashboard(self, snapshot: PaymentSnapshot, amount: int) -> None:
        wanted = {"charge": snapshot.captures[0].capture_id, "amount": amount}
        self.control("dashboard_refund", wanted)

    def signed(self, message: Posted, endpoint: WebhookEndpoint, age: timedelta) -> dict[str, str]:
        at = int(time.time() - age.total_seconds())
        return {"Stripe-Signature": sign(endpoint.secret, message.body, at=at)}


class PayPalStand(Stand):
    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, PayPalProvider, "checkout/orders", "/refund")

    def taken(self) -> int:
        rows = self.sandbox.app.store.rows("SELECT body FROM object WHERE kind = 'paypal.capture'")
        return len([row for row in rows if json.loads(row[0])["status"] == "COMPLETED"])

    def dispute(self, snapshot: PaymentSnapshot) -> str:
        wanted = {"capture": snapshot.captures[0].capture_id}
        return self.control("paypal/dispute", wanted)["id"]

    def refund_in_dashboard(self, snapshot: PaymentSnapshot, amount: int) -> None:
        value = {"currency_code": "USD", "value": f"{amount / 100:.2f}"}
        wanted = {"capture": snapshot.captures[0].capture_id, "amount": value}
        self.control("paypal/refund", wanted)

    def signed(self, message: Posted, endpoint: WebhookEndpoint, age: timedelta) -> dict[str, str]:
        at = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
        paypal = self.sandbox.app.gateway.paypal
        return paypal.signed_headers(endpoint.endpoint_id, message.body, at=at)


STANDS = {"stripe": StripeStand, "paypal": PayPalStand}


def session_request(**changes: Any) -> SessionRequest:
    payment_id = str(uuid7())
    values: dict[str, Any] = {
        "payment_id": payment_id,
        "currency": "USD",
        "description": "Term fees",
        "payer_email": "mina@example.org",
        "success_url": f"http://lincoln.testserver/family/payments/{payment_id}/",
        "cancel_url": f"http://lincoln.testserver/family/payments/{payment_id}/",
        "expires_at": int(time.time()) + 3600,
        "idempotency_key": f"{payment_id}:init:1",
        "lines": (SessionLine(description="Ada Park: term fee", amount_minor=25000),),
    }
    return SessionRequest(**(values | changes))


def line(amount_minor: int) -> tuple[SessionLine, ...]:
    return (SessionLine(description="Ada Park", amount_minor=amount_minor),)
