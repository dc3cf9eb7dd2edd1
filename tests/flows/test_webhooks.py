"""The gateway's messages: forged, altered, repeated, late, or meant for somebody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.flows.browserless import Visitor, at_once
from tests.flows.families import OWED, Billed, Family, invoice_ids, story
from tests.flows.letters import Letters, text_of

pytestmark = pytest.mark.flow

ACCOUNT = """
from apps.payments.models import GatewayAccount
account = GatewayAccount.objects.get(is_default=True)
print(account.webhook_key, account.webhook_secret)
"""


@dataclass
class Gateway:
    """Somebody who knows the school's webhook address, and perhaps its secret."""

    address: str
    key: str
    secret: str

    def send(
        self, body: bytes, *, secret: str = "", at: float | None = None, to: str = "", key: str = ""
    ) -> Any:
        stamp = int(time.time() if at is None else at)
        signed = f"{stamp}.".encode() + body
        digest = hmac.new((secret or self.secret).encode(), signed, hashlib.sha256).hexdigest()
        header = {"Stripe-Signature": f"t={stamp},v1={digest}", "Content-Type": "application/json"}
        return self.post(body, header, to=to, key=key)

    def post(self, body: bytes, headers: dict[str, str], *, to: str = "", key: str = "") -> Any:
        path = f"/hooks/payments/{key or self.key}/"
        return Visitor(to or self.address).send("POST", path, data=body, headers=headers)


@pytest.fixture(scope="module")
def paid(billed: Billed, eventually: Callable[..., Any]) -> Family:
    """A family that has paid, so that the gateway knows where to write to."""
    family = billed.next_family()
    family.visitor.press(family.start_paying(), "Pay 2")
    eventually(lambda: family.owed() == 0)
    return family


@pytest.fixture(scope="module")
def gateway(billed: Billed, paid: Family) -> Gateway:
    key, secret = billed.school.running.python(ACCOUNT, school=billed.school.slug).split()
    return Gateway(billed.school.address, key, secret)


@pytest.fixture
def message(paid: Family, eventually: Callable[..., Any]) -> bytes:
    """What the gateway really sent about the payment."""
    query = (
        "SELECT body FROM payments_providerevent "
        "WHERE payment_id = %s AND event_type = 'checkout.session.completed'"
    )
    [(payment_id, *_)] = paid.payments()
    return eventually(lambda: paid.school.rows(query, payment_id))[0][0].encode()


def kept(billed: Billed) -> int:
    return int(billed.school.rows("SELECT count(*) FROM payments_providerevent")[0][0])


def renamed(message: bytes, event_id: str, **metadata: str) -> bytes:
    event = json.loads(message)
    event["id"] = event_id
    event["data"]["object"]["metadata"].update(metadata)
    if "payment_id" in metadata:
        event["data"]["object"]["client_reference_id"] = metadata["payment_id"]
    return json.dumps(event).encode()


def test_a_wrong_signature_is_refused_and_nothing_kept(
    billed: Billed, gateway: Gateway, message: bytes
) -> None:
    before = kept(billed)
    body = renamed(message, "evt_forged")
    hour = 3600
    assert gateway.send(body, secret="whsec_guess").status_code == 400
    assert gateway.send(body, at=time.time() - hour).status_code == 400
    assert gateway.send(body, at=time.time() + hour).status_code == 400
    for headers in ({}, {"Stripe-Signature": "t=1,v1="}, {"Stripe-Signature": "nonsense"}):
        assert gateway.post(body, headers).status_code == 400
    assert gateway.send(b"signed, but no JSON").status_code == 400
    assert kept(billed) == before


def test_an_altered_body_is_refused(billed: Billed, gateway: Gateway, message: bytes) -> None:
    before = kept(billed)
    stamp = int(time.time())
    digest = hmac.new(
        gateway.secret.encode(), f"{stamp}.".encode() + message, hashlib.sha256
    ).hexdigest()
    altered = message.replace(str(OWED).encode(), b"1")
    answer = gateway.post(altered, {"Stripe-Signature": f"t={stamp},v1={digest}"})
    assert answer.status_code == 400
    assert kept(billed) == before


def test_a_replayed_message_changes_nothing(
    billed: Billed, paid: Family, gateway: Gateway, message: bytes, letters: Letters
) -> None:
    [(payment_id, *_)] = paid.payments()
    before = (kept(billed), story(billed.school, payment_id))
    answers = at_once(*[lambda: gateway.send(message) for _ in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.text for answer in answers] == ["known"] * 4
    assert (kept(billed), story(billed.school, payment_id)) == before
    mails = [mail for mail in letters.to(paid.email) if "/receipts/" in text_of(mail)]
    assert len(mails) <= 1


def test_a_signed_message_is_only_a_reason_to_ask(
    billed: Billed, family: Family, gateway: Gateway, message: bytes,
    eventually: Callable[..., Any],
) -> None:  # fmt: skip
    """Even with the true secret nobody can talk a payment into being paid."""
    family.start_paying()
    [(payment_id, *_)] = family.payments()
    body = renamed(message, f"evt_lie_{payment_id}", payment_id=payment_id)
    assert gateway.send(body).status_code == 200
    query = "SELECT state FROM payments_providerevent WHERE event_id = %s"
    eventually(lambda: billed.school.rows(query, f"evt_lie_{payment_id}") == [("processed",)])
    assert family.owed() == OWED
    assert "captured" not in story(billed.school, payment_id)


def test_a_message_about_an_unknown_payment_is_kept_for_a_look(
    billed: Billed, gateway: Gateway, message: bytes, eventually: Callable[..., Any]
) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    body = renamed(message, "evt_unknown", payment_id=nobody)
    body = body.replace(b'"id": "cs_test_', b'"id": "cs_test_x')
    assert gateway.send(body).status_code == 200
    query = "SELECT state FROM payments_providerevent WHERE event_id = 'evt_unknown'"
    eventually(lambda: billed.school.rows(query) == [("unmatched",)])


def test_another_schools_message_is_refused(
    billed: Billed, gateway: Gateway, message: bytes
) -> None:
    running = billed.school.running
    lincoln = running.python(ACCOUNT, school="lincoln").split()
    # To the other school's host under our address, and under its own address with our secret.
    assert gateway.send(message, to=running.lincoln).status_code == 404
    assert gateway.send(message, to=running.lincoln, key=lincoln[0]).status_code == 400
    assert gateway.send(message, to=running.platform).status_code == 404
    assert gateway.send(message, key="no-such-key").status_code == 404
    count = "SELECT count(*) FROM payments_providerevent WHERE event_id = %s"
    assert running.rows("lincoln", count, json.loads(message)["id"]) == [(0,)]


def test_a_huge_message_is_refused(billed: Billed, gateway: Gateway) -> None:
    before = kept(billed)
    assert gateway.send(b"{" + b" " * 600_000).status_code == 400
    assert kept(billed) == before


def test_only_post_is_answered(gateway: Gateway) -> None:
    answer = Visitor(gateway.address).send("GET", f"/hooks/payments/{gateway.key}/")
    assert answer.status_code == 405


def test_the_webhook_says_nothing_about_the_school(gateway: Gateway, paid: Family) -> None:
    answer = gateway.post(b"{}", {})
    assert "Brook" not in answer.text
    assert invoice_ids(paid.school, "Fam01")[0] not in answer.text
