"""No key, token or signing secret in a log at DEBUG, on a page, in an address or in the clear in
the database: the whole life of a payment is lived while everything is listened to."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from django.urls import reverse

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.providers.base import Credentials, WebhookEndpoint
from apps.payments.services import accounts, fraud, webhooks
from apps.payments.tests.conftest import Sandbox, deliver, sandbox  # noqa: F401
from apps.payments.tests.factories import LineFactory, start
from config import embedded, logs
from config.logs import loggable
from kernel.errors import DomainError
from tests.secrecy.ears import Ear, as_written, everything_stored, holding, listening

FIRST_KEY = "sk_test_" + "Aq7" * 12
SECOND_KEY = "sk_test_" + "Zw5" * 12
REFUSED_KEY = "sk_test_" + "!Kk" * 12
TYPED_SECRET = "whsec_" + "Tt9" * 12
CLIENT_ID = "sandbox_" + "AXb" * 20
PAYPAL_SECRET = "ELq8" * 16
NEW_PAYPAL_SECRET = "EMr9" * 16


@dataclass
class Life:
    """What was heard, seen and left behind."""

    ear: Ear
    secrets: set[str]
    stored: dict[str, str] = field(default_factory=dict)
    webhook_keys: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    def see(self, client: Any, url: str, **sent: Any) -> Any:
        answer = client.post(url, sent["post"]) if "post" in sent else client.get(url)
        body = b"".join(answer) if answer.streaming else answer.content
        name = f"{'POST' if 'post' in sent else 'GET'} {url} {len(self.pages)}"
        self.pages[name] = f"{body.decode(errors='replace')}\n{dict(answer.headers)}"
        self.addresses += [url, answer.headers.get("Location", "")]
        return answer


@pytest.fixture
def life(school: Any, sandbox: Sandbox, settings: Any, client_for: Any, anonymous: Any) -> Any:  # noqa: F811
    settings.STRIPE_API_BASE = sandbox.url
    settings.PAYPAL_API_BASE = f"{sandbox.url}{accounts.ADAPTERS['paypal'].sandbox_path}"
    models.GatewayAccount.objects.all().delete()
    with listening() as ear:
        keys = {FIRST_KEY, SECOND_KEY, REFUSED_KEY, TYPED_SECRET}
        lived = Life(ear, {*keys, PAYPAL_SECRET, NEW_PAYPAL_SECRET})
        _live(lived, client_for("admin"), anonymous(), sandbox, settings)
        yield lived


LIVED: list[Life] = []


@pytest.fixture
def lived(request: pytest.FixtureRequest) -> Life:
    """The same, over: lived once for all tests that only read what is left of it."""
    if not LIVED:
        life = request.getfixturevalue("life")
        life.stored = everything_stored()
        life.webhook_keys = [*models.GatewayAccount.objects.values_list("webhook_key", flat=True)]
        LIVED.append(life)
    return LIVED[0]


def _live(life: Life, admin: Any, visitor: Any, sandbox: Sandbox, settings: Any) -> None:  # noqa: F811
    account = _connect(life, admin)
    _pay(life, admin, visitor, account, sandbox)
    _fail(life, admin, account, settings)
    _look_around(life, admin, account)
    _pay_by_paypal(life, admin, visitor, sandbox)


def _connect(life: Life, admin: Any) -> models.GatewayAccount:
    form = {"provider": "stripe", "label": "Stripe", "mode": "test", "secret_key": FIRST_KEY}
    life.see(admin, reverse("payments:account_add"), post=form | {"mode": "live"})
    life.see(admin, reverse("payments:account_add"), post=form)
    account = models.GatewayAccount.objects.get()
    address = [account.pk]
    life.see(admin, reverse("payments:account_check", args=address), post={})
    life.see(admin, reverse("payments:account_default", args=address), post={})
    life.see(admin, reverse("payments:account_key", args=address), post={"secret_key": REFUSED_KEY})
    life.see(admin, reverse("payments:account_key", args=address), post={"secret_key": SECOND_KEY})
    life.see(admin, reverse("payments:account_secret", args=address), post={"secret": "whsec_x"})
    life.see(admin, reverse("payments:account_secret", args=address), post={"secret": TYPED_SECRET})
    life.see(admin, reverse("payments:account_rotate", args=address), post={})
    account.refresh_from_db()
    life.secrets |= {account.webhook_secret, account.previous_webhook_secret}
    assert account.secret_key == SECOND_KEY
    assert account.previous_webhook_secret == TYPED_SECRET
    return account


def _pay(
    life: Life,
    admin: Any,
    visitor: Any,
    account: models.GatewayAccount,
    sandbox: Sandbox,  # noqa: F811
) -> None:
    started = start()
    life.addresses.append(started.redirect_url)
    sandbox.press(started, "pay")
    for message in sandbox.collect():
        life.addresses.append(message.url)
        deliver(visitor, message, signature="t=1,v1=00")
        deliver(visitor, message)
    for event in models.ProviderEvent.objects.all():
        webhooks.process(event.pk)
    assert payments.get_payment(started.payment_id).status == "captured"
    url = reverse("payments:refund", args=[started.payment_id])
    life.see(admin, url, post={"amount": "1.00", "reason": "r", "key": str(uuid4())})
    for name in ("detail", "ask_again"):
        page = reverse(f"payments:{name}", args=[started.payment_id])
        life.see(admin, page, **({"post": {}} if name == "ask_again" else {}))


def _pay_by_paypal(life: Life, admin: Any, visitor: Any, sandbox: Sandbox) -> None:  # noqa: F811
    form = {"provider": "paypal", "label": "PayPal", "mode": "test", "client_id": CLIENT_ID}
    form["secret_key"] = PAYPAL_SECRET
    life.see(admin, reverse("payments:account_add"), post=form | {"secret_key": "short"})
    life.see(admin, reverse("payments:account_add"), post=form)
    account = models.GatewayAccount.objects.get(provider="paypal")
    address = [account.pk]
    for name, sent in (
        ("check", {}),
        ("key", {"secret_key": NEW_PAYPAL_SECRET}),
        ("key", {"secret_key": PAYPAL_SECRET}),
        ("rotate", {}),
        ("offer", {"on": "1"}),
        ("default", {}),
    ):
        life.see(admin, reverse(f"payments:account_{name}", args=address), post=sent)
    life.see(admin, reverse("payments:account", args=address))
    account.refresh_from_db()
    started = start(lines=[LineFactory()])
    life.addresses.append(started.redirect_url)
    sandbox.press(started, "pay")
    for message in sandbox.collect():
        headers = {k: v for k, v in message.headers.items() if k != "Content-Type"}
        path = urlsplit(message.url).path
        visitor.post(path, message.body, content_type="application/json", headers=headers)
    assert payments.sync(started.payment_id).status == "captured"
    url = reverse("payments:refund", args=[started.payment_id])
    life.see(admin, url, post={"amount": "1.00", "reason": "r", "key": str(uuid4())})
    token = accounts.provider_for(account)._api.token_hash  # type: ignore[attr-defined]
    life.secrets.add(token["access_token"])


def _fail(life: Life, admin: Any, account: models.GatewayAccount, settings: Any) -> None:
    """A gateway that is away, and a key that it refuses: the errors are where secrets slip out."""
    up = settings.STRIPE_API_BASE
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"
    with pytest.raises(DomainError):
        start(lines=[LineFactory()])
    life.see(admin, reverse("payments:account_check", args=[account.pk]), post={})
    settings.STRIPE_API_BASE = up
    models.GatewayAccount.objects.filter(pk=account.pk).update(secret_key=REFUSED_KEY)
    life.see(admin, reverse("payments:account_check", args=[account.pk]), post={})
    models.GatewayAccount.objects.filter(pk=account.pk).update(secret_key=SECOND_KEY)


def _look_around(life: Life, admin: Any, account: models.GatewayAccount) -> None:
    origin = fraud.Origin(family_id=uuid4())
    fraud._place(fraud.Hit(origin.subjects[0], "velocity", {"attempts": 13, "declines": 0}))
    hold = models.FraudHold.objects.get()
    pages = ["list", "events", "accounts", "account_add", "holds"]
    for url in (
        *(reverse(f"payments:{name}") for name in pages),
        reverse("payments:account", args=[account.pk]),
        reverse("payments:hold", args=[hold.pk]),
        reverse("fees:categories"),
        "/portal/people/audit/",
        "/portal/settings/payments/",
        "/api/v1/payments/",
        "/family/",
    ):
        life.see(admin, url)


def test_everything_was_listened_to(lived: Life) -> None:
    assert {"urllib3.connectionpool", "django.db.backends"} <= lived.ear.loggers()
    assert "/v1/checkout/sessions" in "".join(lived.ear.texts)
    assert "/v2/checkout/orders" in "".join(lived.ear.texts)
    # Three keys, a typed and a made signing secret; two of PayPal's, and its token.
    assert len(lived.secrets) == 3 + 2 + 2 + 1
    assert all(len(secret) > 20 for secret in lived.secrets)


def test_no_secret_in_a_log_at_debug(lived: Life) -> None:
    for secret in lived.secrets:
        told = [text[:200] for text in lived.ear.texts if secret in text]
        assert told == []


def test_no_webhook_address_in_our_own_lines(lived: Life) -> None:
    lines = as_written(lived.ear)

    assert "hooks/payments/[token]" in lines
    assert len(lived.webhook_keys) == 2
    assert [key for key in lived.webhook_keys if key in lines] == []


def test_no_secret_on_a_page_or_in_its_headers(lived: Life) -> None:
    assert len(lived.pages) > 25
    for secret in lived.secrets:
        assert holding(lived.pages, secret) == []


def test_no_secret_in_an_address(lived: Life) -> None:
    for address in lived.addresses:
        assert not any(secret in address for secret in lived.secrets)
        assert "whsec_" not in address
        assert "sk_test" not in address


def test_no_secret_in_the_clear_in_the_database(lived: Life) -> None:
    assert "payments_gatewayaccount" in lived.stored
    assert "Stripe" in lived.stored["payments_gatewayaccount"]
    for secret in lived.secrets:
        assert holding(lived.stored, secret) == []


def test_what_is_printed_of_an_object_holds_no_secret(life: Life) -> None:
    account = models.GatewayAccount.objects.get(provider="stripe")
    paypal = accounts.provider_for(models.GatewayAccount.objects.get(provider="paypal"))
    credentials = Credentials(secret_key=FIRST_KEY, connected_account="acct_1NQxYzAbCdEf")
    endpoint = WebhookEndpoint(endpoint_id="we_1", secret=TYPED_SECRET)
    provider = accounts.provider_for(account)
    for thing in (
        account,
        accounts.check_account(account_id=account.pk),
        payments.list_accounts(),
        credentials,
        endpoint,
        provider,
        vars(provider),
        paypal,
        vars(paypal),
    ):
        for written in (repr(thing), str(thing)):
            assert not any(secret in written for secret in life.secrets)


def test_the_search_finds_what_leaks(life: Life) -> None:
    """The proof's own proof: each way of looking sees a secret that is put there."""
    logging.getLogger("anybody").debug("connecting with %s", FIRST_KEY)
    assert any(FIRST_KEY in text for text in life.ear.texts)
    models.GatewayAccount.objects.update(problem=f"refused: {FIRST_KEY}")
    assert holding(everything_stored(), FIRST_KEY) == ["payments_gatewayaccount"]


@pytest.mark.parametrize(
    "text",
    [
        f"key {FIRST_KEY} refused",
        f"secret={TYPED_SECRET}",
        "rk_live_" + "b2" * 12,
        "Authorization: Bearer A21AAFeRx-" + "c3" * 20,
        "'Authorization': 'Basic QVhBLWJ" + "d4" * 12 + "=='",
        '{"access_token": "A21AAFeRx-' + "e5" * 20 + '"}',
    ],
)
def test_our_lines_leave_out_what_looks_like_a_secret(text: str) -> None:
    assert "[secret]" in loggable(text)
    assert not any(piece * 8 in loggable(text) for piece in ("Aq7", "Tt9", "b2", "c3", "d4", "e5"))


def test_plain_words_stay_as_they_are() -> None:
    for text in ("GET /portal/payments/ 200", "key sk_test_ is too short", "a bearer of news"):
        assert loggable(text) == text


def test_the_package_prints_nothing_when_told_to_by_its_own_variable() -> None:
    program = (
        "import apps.payments.providers.stripe, stripe._util as u; print(u._console_log_level())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=embedded.ROOT,
        env={**os.environ, "STRIPE_LOG": "debug"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "None"


def test_a_traceback_on_a_developers_screen_shows_no_variables() -> None:
    renderer = logs._renderer(False)[0]
    try:
        secret_key = FIRST_KEY
        requests.get(f"bad://{len(secret_key)}", timeout=1)
    except requests.RequestException:
        event = {"event": "failed", "exc_info": sys.exc_info()}
    assert FIRST_KEY not in renderer(None, "error", event)
