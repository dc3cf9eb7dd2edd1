"""Stripe, by its own package: hosted Checkout with a full redirect, so no card is ever seen here.

Time budget of one call inside a web request: connect 2 s, read 5 s, two retries, so at most about
23 s. 500, 409 and timeouts are retried by the package under the same idempotency key.
"""

from __future__ import annotations

import logging
import re
import secrets as random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import requests
import stripe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from stripe import _util

from apps.payments.providers import stripe_books as books
from apps.payments.providers import stripe_methods as methods
from apps.payments.providers import stripe_snapshots as snapshots
from apps.payments.providers.base import (
    ChargeRequest,
    Credentials,
    Declined,
    DisputeSnapshot,
    Gone,
    HostedSession,
    Invalid,
    Message,
    PaymentSnapshot,
    PayoutSnapshot,
    RefundRequest,
    RefundSnapshot,
    Retryable,
    SessionRequest,
    Transaction,
    Unknown,
    WebhookEndpoint,
)
from apps.payments.providers.stripe_messages import verify_message
from kernel import errors
from kernel.money import CURRENCIES

# Below WARNING the package logs whole answers, the signing secret of a new endpoint among them;
# on the word of a variable of the environment it prints them as well.
logging.getLogger("stripe").addFilter(lambda record: record.levelno >= logging.WARNING)
_util.STRIPE_LOG = None

TIMEOUT_SECONDS = (2, 5)
NETWORK_RETRIES = 2
EVENT_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
KEY_PREFIXES = {
    "test": ("sk_test_", "rk_test_"),
    "live": ("sk_live_", "rk_live_"),
}
_CONNECTED = re.compile(r"acct_[A-Za-z0-9]{6,50}")
# Stripe's answers to closing a page that is closed or paid already.
_NOT_OPEN = "only open sessions|not in an expireable|status of"


@lru_cache(maxsize=256)
def _client(credentials: Credentials) -> stripe.StripeClient:
    session = requests.Session()
    session.trust_env = not credentials.loopback
    session.max_redirects = 0  # an answer from elsewhere is none, and a key is not sent there
    return stripe.StripeClient(
        credentials.secret_key,
        stripe_account=credentials.connected_account or None,
        base_addresses={"api": credentials.api_base} if credentials.api_base else {},
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS, session=session),
    )


class StripeProvider:
    """One school's account at Stripe (or at the sandbox, which speaks the same wire)."""

    method = "card"
    key_lifetime = timedelta(hours=23)  # kept for at least a day
    sandbox_path = ""

    @staticmethod
    def check_form(keys: Credentials) -> None:
        """Refuse keys that cannot be right. Raises kernel.errors.Invalid."""
        mode = "live" if keys.live else "test"
        prefixes = KEY_PREFIXES[mode]
        if not keys.secret_key.startswith(prefixes) or not 20 <= len(keys.secret_key) <= 255:
            message = _("This is not a %(mode)s key: it should start with “%(prefix)s”.")
            told = message % {"mode": mode, "prefix": prefixes[0]}
            raise errors.Invalid(told, field="secret_key")
        if keys.connected_account and not _CONNECTED.fullmatch(keys.connected_account):
            message = _("The number of a connected account starts with “acct_”.")
            raise errors.Invalid(message, field="connected_account")

    @staticmethod
    def practice_keys() -> tuple[str, str]:
        """Client id and secret of a new account at the sandbox, where any random key is one."""
        return "", f"sk_test_{random.token_hex(24)}"

    def __init__(self, credentials: Credentials) -> None:
        self._client = _client(credentials)

    def takes(self, currency: str) -> bool:
        return currency in CURRENCIES

    def open_session(self, request: SessionRequest) -> HostedSession:
        with _translated_errors():
            session = self._client.v1.checkout.sessions.create(
                methods.session_params(request),  # type: ignore[arg-type]
                {"idempotency_key": request.idempotency_key},
            ).to_dict()
        return HostedSession(
            session_id=session["id"],
            url=session.get("url") or "",
            expires_at=snapshots.moment(session.get("expires_at")),
        )

    def fetch(self, session_id: str) -> PaymentSnapshot:
        with _translated_errors():
            session, intent = self._read(session_id)
            refunds = self._refunds(intent["id"]) if snapshots.captures(intent) else ()
            # The charge itself says whether there are any: no call for those without.
            is_disputed = snapshots.charge_of(intent).get("disputed")
            disputes = self._disputes(intent["id"]) if is_disputed else ()
        return snapshots.payment_snapshot(session, intent, refunds, disputes)

    def capture_if_approved(self, snapshot: PaymentSnapshot) -> PaymentSnapshot:
        return snapshot  # Checkout takes the money itself

    def _read(self, session_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The hosted page and its intent; of a charge without a page the intent as both."""
        if methods.is_charge(session_id):
            found = self._client.v1.payment_intents.retrieve(
                session_id, {"expand": ["latest_charge"]}
            )
            intent = found.to_dict()
            return methods.as_session(intent), intent
        session = self._client.v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent.latest_charge"]}
        ).to_dict()
        return session, session.get("payment_intent") or {}

    def expire(self, session_id: str) -> PaymentSnapshot:
        try:
            with _translated_errors():
                if methods.is_charge(session_id):
                    self._client.v1.payment_intents.cancel(session_id)
                else:
                    self._client.v1.checkout.sessions.expire(session_id)
        except Invalid as error:
            if not re.search(_NOT_OPEN, error.detail, re.IGNORECASE):
                raise
        return self.fetch(session_id)

    def refund(self, request: RefundRequest) -> RefundSnapshot:
        with _translated_errors():
            params = {
                **self._what_to_refund(request),
                "amount": request.amount_minor,
                "metadata": {"refund_id": request.refund_id, "payment_id": request.payment_id},
            }
            refund = self._client.v1.refunds.create(
                params,  # type: ignore[arg-type]
                {"idempotency_key": request.idempotency_key},
            ).to_dict()
        return snapshots.refund_snapshot(refund)

    def _what_to_refund(self, request: RefundRequest) -> dict[str, Any]:
        if request.by_capture:
            return {"charge": request.capture_id}
        return {"payment_intent": self._intent_id(request.session_id)}

    def _intent_id(self, session_id: str) -> str:
        if methods.is_charge(session_id):
            return session_id
        found = self._client.v1.checkout.sessions.retrieve(session_id).to_dict()
        return str(found["payment_intent"])

    def charge(self, request: ChargeRequest) -> HostedSession:
        wanted: Any = methods.charge_params(request)
        options: Any = {"idempotency_key": request.idempotency_key}
        try:
            with _translated_errors():
                intent = self._client.v1.payment_intents.create(wanted, options)
        except Declined as refusal:
            refused = methods.refused_intent(getattr(refusal.__cause__, "json_body", None))
            if not refused:
                raise
            return methods.charged(refused)
        return methods.charged(intent.id)

    def find_charge(self, request: ChargeRequest) -> HostedSession | None:
        wanted: Any = methods.search_params(request)
        with _translated_errors():
            for intent in self._client.v1.payment_intents.list(wanted).auto_paging_iter():
                if methods.is_answer_to(request, intent.to_dict()):
                    return methods.charged(intent.id)
        return None

    def forget_method(self, method_id: str) -> None:
        try:
            with _translated_errors():
                self._client.v1.payment_methods.detach(method_id)
        except Invalid:
            return  # it is gone already, or belongs to a key that is no longer ours

    def register_webhook(self, *, url: str, idempotency_key: str) -> WebhookEndpoint:
        with _translated_errors():
            endpoint = self._client.v1.webhook_endpoints.create(
                {"url": url, "enabled_events": list(EVENT_TYPES)},  # type: ignore[arg-type]
                {"idempotency_key": idempotency_key},
            ).to_dict()
        return WebhookEndpoint(endpoint_id=endpoint["id"], secret=endpoint.get("secret") or "")

    def complete_webhook(self, endpoint_id: str) -> bool:
        endpoints = self._client.v1.webhook_endpoints
        try:
            with _translated_errors():
                known = endpoints.retrieve(endpoint_id).to_dict()["enabled_events"]
                missing = [] if "*" in known else sorted({*EVENT_TYPES} - {*known})
                if missing:
                    wanted: Any = {"enabled_events": [*known, *missing]}
                    endpoints.update(endpoint_id, wanted)
        except Invalid as error:
            if error.code == "resource_missing":
                raise Gone(error.detail, code=error.code) from error
            raise
        return bool(missing)

    def remove_webhook(self, endpoint_id: str) -> None:
        try:
            with _translated_errors():
                self._client.v1.webhook_endpoints.delete(endpoint_id)
        except Invalid:
            return  # it is gone already, or belongs to a key that is no longer ours

    def check(self) -> None:
        with _translated_errors():
            self._client.v1.checkout.sessions.list({"limit": 1})

    def verify(self, *, body: bytes, headers: Mapping[str, Any], secrets: Sequence[str]) -> Message:
        return verify_message(
            body=body, header=str(headers.get("Stripe-Signature", "")), secrets=secrets
        )

    def list_transactions(self, *, since: datetime, until: datetime) -> Iterator[Transaction]:
        created = books.between(since, until)
        yield from map(books.transaction, self._movements({"created": created}))

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        wanted: Any = {"created": books.between(since, until), "limit": books.PAGE}
        with _translated_errors():
            for payout in self._client.v1.payouts.list(wanted).auto_paging_iter():
                yield books.payout(payout.to_dict(), self._movements({"payout": payout.id}))

    def _movements(self, which: dict[str, Any]) -> Iterator[dict[str, Any]]:
        wanted: Any = {**which, "limit": books.PAGE, "expand": ["data.source"]}
        with _translated_errors():
            found = self._client.v1.balance_transactions.list(wanted)
            for row in found.auto_paging_iter():
                yield row.to_dict()

    def _refunds(self, intent_id: str) -> tuple[RefundSnapshot, ...]:
        page = self._client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        return tuple(
            snapshots.refund_snapshot(refund.to_dict()) for refund in page.auto_paging_iter()
        )

    def _disputes(self, intent_id: str) -> tuple[DisputeSnapshot, ...]:
        page = self._client.v1.disputes.list({"payment_intent": intent_id, "limit": 100})
        return tuple(
            snapshots.dispute_snapshot(dispute.to_dict()) for dispute in page.auto_paging_iter()
        )


@contextmanager
def _translated_errors() -> Iterator[None]:
    """The package's exceptions as ours. No message of ours ever holds a key."""
    try:
        yield
    except stripe.CardError as error:
        raise Declined(_text(error), code=error.code or "") from error
    except stripe.RateLimitError as error:
        raise Retryable(gettext_noop("The gateway is busy."), code="rate_limit") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Invalid(
            gettext_noop("The gateway refused the key."), code="authentication"
        ) from error
    except stripe.APIConnectionError as error:
        if _never_sent(error):
            raise Retryable(
                gettext_noop("The gateway cannot be reached."), code="unreachable"
            ) from error
        raise Unknown(
            gettext_noop("The gateway did not answer in time."), code="timeout"
        ) from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        raise Invalid(_text(error), code=error.code or "") from error
    except stripe.StripeError as error:
        raise Unknown(
            gettext_noop("The gateway had an internal error."), code="gateway_error"
        ) from error


def _text(error: stripe.StripeError) -> str:
    return str(error.user_message or type(error).__name__)[:300]


def _never_sent(error: BaseException) -> bool:
    """True when the connection itself failed, so that the gateway cannot have acted."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    return isinstance(cause, requests.exceptions.ConnectionError) and bool(
        re.search("NewConnectionError|NameResolutionError|refused", str(cause))
    )
