"""The sandbox's wire beside what the real package asks for: lists, expansion, endpoints, errors."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from apps.payments.providers import stripe as adapter
from apps.payments.tests.test_sandbox import KEY, paid_intent, session_params

stripe = adapter.stripe


@pytest.fixture
def client(sandbox):
    return stripe.StripeClient(KEY, base_addresses={"api": sandbox.url})


def test_the_account_behind_a_key(client, sandbox):
    account = client.v1.accounts.retrieve_current()
    short = "sk_sandbox_" + "c" * 20
    other = stripe.StripeClient(short, base_addresses={"api": sandbox.url})

    assert account.charges_enabled is True
    assert account.id.startswith("acct_")
    assert KEY not in str(account)
    assert other.v1.accounts.retrieve_current().id != account.id


def test_no_key_is_kept_in_the_file(client, sandbox, tmp_path):
    paid_intent(client, sandbox)

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"checkout.session" in kept
    assert KEY.encode() not in kept


def test_a_session_shows_what_it_was_made_with(client):
    asked = session_params(client_reference_id="p1", metadata={"payment_id": "p1"})
    session = client.v1.checkout.sessions.create(asked)

    assert (session.client_reference_id, session.metadata["payment_id"]) == ("p1", "p1")
    assert (session.status, session.payment_status, session.currency) == ("open", "unpaid", "usd")
    [item] = client.v1.checkout.sessions.line_items.list(session.id).data
    assert (item.description, item.quantity, item.amount_total) == ("Lunch", 2, 1000)


def test_lists_are_paged_both_ways(client):
    made = [client.v1.checkout.sessions.create(session_params()).id for _ in range(5)]
    newest_first = made[::-1]

    first = client.v1.checkout.sessions.list({"limit": 2})
    after = client.v1.checkout.sessions.list({"limit": 2, "starting_after": newest_first[1]})
    before = client.v1.checkout.sessions.list({"limit": 2, "ending_before": newest_first[4]})

    assert ([s.id for s in first.data], first.has_more) == (newest_first[:2], True)
    assert [s.id for s in after.data] == newest_first[2:4]
    assert ([s.id for s in before.data], before.has_more) == (newest_first[2:4], True)
    assert [s.id for s in first.auto_paging_iter()] == newest_first


def test_balance_transactions_between_two_moments(client, sandbox):
    paid_intent(client, sandbox)
    now = int(time.time())

    def between(start, end):
        page = client.v1.balance_transactions.list({"created": {"gte": start, "lt": end}})
        return [row.amount for row in page.data]

    assert between(now - 60, now + 60) == [1000]
    assert between(now - 60, now - 30) == []
    page = client.v1.balance_transactions.list({"expand": ["data.source"]})
    assert (page.data[0].source.object, page.data[0].source.currency) == ("charge", "usd")


def test_events_by_type(client, sandbox):
    paid_intent(client, sandbox)

    [event] = client.v1.events.list({"types": ["payment_intent.succeeded"]}).data
    assert client.v1.events.retrieve(event.id).data.object["amount_received"] == 1000


def test_a_webhook_endpoint_tells_its_secret_once(client, sandbox):
    wanted = {"url": "http://s.test/hook", "enabled_events": ["charge.refunded"]}
    endpoint = client.v1.webhook_endpoints.create(wanted)
    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    assert "secret" not in client.v1.webhook_endpoints.list().data[0].to_dict()

    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    intent = paid_intent(client, sandbox)
    client.v1.refunds.create({"payment_intent": intent, "amount": 1})
    assert sandbox.collect() == []

    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False, "url": "http://s.test/2"})
    client.v1.refunds.create({"payment_intent": intent, "amount": 2})
    assert [posted.url for posted in sandbox.collect()] == ["http://s.test/2"] * 2

    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.webhook_endpoints.retrieve(endpoint.id)


def test_a_refund_is_replayed_under_its_key(client, sandbox):
    intent = paid_intent(client, sandbox)
    asked = {"payment_intent": intent, "amount": 400, "metadata": {"refund_id": "r1"}}
    options = {"idempotency_key": "r1"}

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(client.v1.refunds.create, asked, options) for _ in range(4)]
        ids = {call.result().id for call in calls}

    assert len(ids) == 1
    assert [refund.amount for refund in client.v1.refunds.list().data] == [400]
    charge = client.v1.charges.list({"payment_intent": intent}).data[0]
    assert (charge.amount_refunded, charge.refunded) == (400, False)


def test_errors_look_like_stripes(sandbox):
    answer = requests.get(
        f"{sandbox.url}/v1/checkout/sessions/cs_none",
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=5,
    )

    assert answer.status_code == 404
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.json()["error"] == {
        "type": "invalid_request_error",
        "message": "No such checkout.session: 'cs_none'",
        "code": "resource_missing",
        "param": "id",
    }
    no_key = requests.get(f"{sandbox.url}/v1/events", timeout=5)
    assert (no_key.status_code, no_key.json()["error"]["type"]) == (401, "invalid_request_error")


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.v1.checkout.sessions.list({"limit": 101}),
        lambda client: client.v1.checkout.sessions.list({"starting_after": "cs_none"}),
        lambda client: client.v1.refunds.create({"amount": 1}),
        lambda client: client.v1.refunds.create({"payment_intent": "pi_none"}),
        lambda client: client.v1.webhook_endpoints.create(
            {"url": "ftp://s.test", "enabled_events": ["*"]}
        ),
        lambda client: client.v1.products.create({"name": "nothing"}),
        lambda client: client.v1.checkout.sessions.create(
            session_params(), {"idempotency_key": "k" * 256}
        ),
    ],
)
def test_what_cannot_be_done_is_an_invalid_request(client, call):
    with pytest.raises(stripe.InvalidRequestError):
        call(client)
