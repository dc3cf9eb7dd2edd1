"""PayPal, through the package's Api object (api.py) and PayPal's v2 Orders.

The payer approves an order on PayPal's page; our server takes the money (`capture_if_approved`).
An order is captured once at most, whoever asks and how often: the order is its own idempotency
key there, and a key beside it would only bring an old refusal back when the payer tries again.
"""

from __future__ import annotations

import json
import secrets as random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.payments.providers.base import (
    Credentials,
    Declined,
    FailureSnapshot,
    Gone,
    HostedSession,
    Invalid,
    Message,
    PaymentSnapshot,
    PayoutSnapshot,
    RefundRequest,
    RefundSnapshot,
    SessionRequest,
    Transaction,
    Unknown,
    WebhookEndpoint,
)
from apps.payments.providers.paypal import amounts, books, disputes, messages, orders
from apps.payments.providers.paypal.api import Api
from kernel import errors

# Not a refusal: the order is not (or no longer) where we thought, so it is read again.
_LOOK_AGAIN = ("ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED")


@lru_cache(maxsize=256)
def _api(credentials: Credentials) -> Api:
    return Api(credentials)


class PayPalProvider:
    """One school's account at PayPal (or at the sandbox, which speaks the same wire)."""

    method = "paypal"
    key_lifetime = timedelta(hours=5, minutes=30)  # of orders; kept for six hours
    sandbox_path = "/paypal"

    @staticmethod
    def check_form(keys: Credentials) -> None:
        """Refuse keys that cannot be right. Raises kernel.errors.Invalid."""
        for field in ("client_id", "secret_key"):
            value = getattr(keys, field)
            if not 20 <= len(value) <= 255 or not (value.isascii() and value.isprintable()):
                message = _("Copy it from the app's page in the PayPal developer dashboard.")
                raise errors.Invalid(message, field=field)

    @staticmethod
    def practice_keys() -> tuple[str, str]:
        """Client id and secret of a new account at the sandbox, where any random pair is one."""
        return f"sandbox_{random.token_hex(16)}", random.token_hex(24)

    def __init__(self, credentials: Credentials) -> None:
        self._api = _api(credentials)

    def takes(self, currency: str) -> bool:
        return amounts.takes(currency)

    def open_session(self, request: SessionRequest) -> HostedSession:
        if not self.takes(request.currency):
            raise Invalid(gettext_noop("PayPal does not take this currency."), code="currency")
        order = self._api.call(
            "POST", "v2/checkout/orders", orders.order_body(request), key=request.idempotency_key
        )
        if not order.get("id"):
            raise Unknown(gettext_noop("The gateway had an internal error."))
        # PayPal leaves a page open for hours: when ours is over, nothing is taken any more.
        return HostedSession(
            session_id=order["id"],
            url=orders.page_of(order),
            expires_at=datetime.fromtimestamp(request.expires_at, UTC),
        )

    def fetch(self, session_id: str) -> PaymentSnapshot:
        order = self._api.call("GET", _order(session_id))
        found = orders.snapshot(order)
        return replace(found, disputes=disputes.disputes_of(self._api, found.captures))

    def capture_if_approved(self, snapshot: PaymentSnapshot) -> PaymentSnapshot:
        if not snapshot.approved:
            return snapshot
        try:
            self._api.call("POST", f"{_order(snapshot.session_id)}/capture", {})
        except Declined as error:
            if error.code not in _LOOK_AGAIN:
                return replace(snapshot, failures=(_declined(snapshot.session_id, error),))
        return self.fetch(snapshot.session_id)

    def expire(self, session_id: str) -> PaymentSnapshot:
        """PayPal has no call for it, and needs none: what our server does not take never moves."""
        found = self.fetch(session_id)
        if found.captures or found.processing:
            return found
        return replace(found, open=False, approved=False, expired=True)

    def refund(self, request: RefundRequest) -> RefundSnapshot:
        capture_id = request.capture_id or self._capture_of(request.session_id)
        refund = self._api.call(
            "POST",
            f"v2/payments/captures/{quote(capture_id, safe='')}/refund",
            orders.refund_body(request),
            key=request.idempotency_key,
        )
        return orders.refund_snapshot(refund)

    def _capture_of(self, session_id: str) -> str:
        captures = orders.snapshot(self._api.call("GET", _order(session_id))).captures
        if not captures:
            raise Invalid(gettext_noop("Nothing was paid, so nothing can go back."))
        return captures[0].capture_id

    def register_webhook(self, *, url: str, idempotency_key: str) -> WebhookEndpoint:
        wanted = {"url": url, "event_types": [{"name": name} for name in messages.EVENT_TYPES]}
        try:
            made = self._api.call("POST", "v1/notifications/webhooks", wanted, key=idempotency_key)
        except Invalid as error:
            if error.code != "WEBHOOK_URL_ALREADY_EXISTS":
                raise
            made = self._webhook_at(url)
        # PayPal signs with a certificate of its own, for a webhook: its id is what is checked.
        return WebhookEndpoint(endpoint_id=made["id"], secret=made["id"])

    def _webhook_at(self, url: str) -> dict[str, Any]:
        known = self._api.call("GET", "v1/notifications/webhooks").get("webhooks") or []
        for webhook in known:
            if webhook.get("url") == url:
                return dict(webhook)
        raise Unknown(gettext_noop("The gateway had an internal error."))

    def complete_webhook(self, endpoint_id: str) -> bool:
        path = f"v1/notifications/webhooks/{quote(endpoint_id, safe='')}"
        rows = self._api.call("GET", path).get("event_types") or []
        known = [row["name"] for row in rows]
        missing = [name for name in messages.EVENT_TYPES if name not in known]
        if not missing or "*" in known:
            return False
        names = [{"name": name} for name in (*known, *missing)]
        change = [{"op": "replace", "path": "/event_types", "value": names}]
        self._api.call("PATCH", path, json.dumps(change).encode())
        return True

    def remove_webhook(self, endpoint_id: str) -> None:
        try:
            self._api.call("DELETE", f"v1/notifications/webhooks/{quote(endpoint_id, safe='')}")
        except Gone:
            return

    def check(self) -> None:
        self._api.call("GET", "v1/notifications/webhooks")

    def verify(self, *, body: bytes, headers: Mapping[str, Any], secrets: Sequence[str]) -> Message:
        return messages.verify_message(self._api, body=body, headers=headers, webhook_ids=secrets)

    def list_transactions(self, *, since: datetime, until: datetime) -> Iterator[Transaction]:
        return books.transactions(self._api, since=since, until=until)

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        """PayPal keeps the money until the school fetches it: such lines are in its books."""
        return iter(())


def _order(session_id: str) -> str:
    return f"v2/checkout/orders/{quote(session_id, safe='')}"


def _declined(session_id: str, error: Declined) -> FailureSnapshot:
    """The payer may choose other means on the same page, so it is told once and is not the end."""
    return FailureSnapshot(
        attempt_id=f"{session_id}:declined",
        code=error.code.lower(),
        message=error.detail,
        final=False,
        at=datetime.now(UTC),
    )
