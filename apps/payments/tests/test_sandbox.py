"""The sandbox on its own: keys, idempotency, pages, paging, its messages and its process."""

from __future__ import annotations

import http.server
import json
import threading
import time

import pytest
import requests
from django.core.management import CommandError, call_command

from apps.payments.providers import stripe as adapter
from apps.payments.providers.stripe_messages import verify_message
from apps.payments.sandbox import delivery
from apps.payments.sandbox.app import SandboxApp
from apps.payments.sandbox.gateway import Behaviour
from apps.payments.sandbox.wire import parse_form

stripe = adapter.stripe
KEY, OTHER_KEY = "sk_test_" + "a" * 32, "sk_test_" + "b" * 32


@pytest.fixture
def client(sandbox):
    return stripe.StripeClient(KEY, base_addresses={"api": sandbox.url})


def session_params(**changes):
    params = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 2,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 500,
                    "product_data": {"name": "Lunch"},
                },
            }
        ],
        "success_url": "http://school.test/ok",
        "cancel_url": "http://school.test/back",
    }
    return params | changes


def paid_intent(client, sandbox):
    session = client.v1.checkout.sessions.create(session_params())
    requests.post(session.url, {"action": "pay"}, allow_redirects=False, timeout=5)
    return client.v1.checkout.sessions.retrieve(session.id).payment_intent


def test_a_key_sees_only_its_own_account(client, sandbox):
    session = client.v1.checkout.sessions.create(session_params())
    other = stripe.StripeClient(OTHER_KEY, base_addresses={"api": sandbox.url})

    assert client.v1.checkout.sessions.retrieve(session.id).amount_total == 1000
    with pytest.raises(stripe.InvalidRequestError):
        other.v1.checkout.sessions.retrieve(session.id)


@pytest.mark.parametrize("key", ["sk_test_short", "sk_live_" + "a" * 32, "nonsense"])
def test_only_long_test_keys_are_let_in(sandbox, key):
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient(key, base_addresses={"api": sandbox.url}).v1.events.list()


def test_idempotency_keys(client):
    options = {"idempotency_key": "k1"}
    first = client.v1.checkout.sessions.create(session_params(), options)
    again = client.v1.checkout.sessions.create(session_params(), options)

    assert again.id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(session_params(cancel_url="http://x.test/"), options)


@pytest.mark.parametrize(
    "changes",
    [{"mode": "setup"}, {"line_items": []}, {"success_url": ""}, {"expires_at": 5}],
)
def test_bad_sessions_are_refused(client, changes):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_params(**changes))


def test_over_refunds_are_refused(client, sandbox):
    intent = paid_intent(client, sandbox)
    client.v1.refunds.create({"payment_intent": intent, "amount": 600})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": intent, "amount": 401})


def test_balance_transactions_are_paged(client, sandbox):
    intent = paid_intent(client, sandbox)
    for _n in range(5):
        client.v1.refunds.create({"payment_intent": intent, "amount": 10})

    page = client.v1.balance_transactions.list({"limit": 2, "expand": ["data.source"]})
    rows = list(page.auto_paging_iter())

    assert [row.amount for row in rows] == [-10] * 5 + [1000]
    assert rows[-1].net == 1000 - 29 - 30
    assert page.data[0].source.object == "refund"


def test_events_are_listed(client, sandbox):
    paid_intent(client, sandbox)

    types = {event.type for event in client.v1.events.list().auto_paging_iter()}

    assert types == {"checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"}


def test_the_page_has_no_key_no_card_field_and_a_strict_policy(client, sandbox):
    session = client.v1.checkout.sessions.create(session_params())
    answer = requests.get(session.url, timeout=5)

    assert KEY not in session.url + answer.text
    assert "<input" not in answer.text
    assert "<script" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert 'href="http://school.test/back"' in answer.text
    assert requests.get(f"{sandbox.url}/c/pay/unknown", timeout=5).status_code == 404
    assert requests.post(session.url, {"action": "steal"}, timeout=5).status_code == 400


def test_messages_are_repeated_and_tried_again(client, sandbox, monkeypatch):
    client.v1.webhook_endpoints.create({"url": "http://s.test/hook", "enabled_events": ["*"]})
    answers = iter([500])
    monkeypatch.setattr(sandbox.app.courier, "transport", lambda *_: next(answers, 200))
    paid_intent(client, sandbox)

    assert sandbox.app.courier.deliver_due() == 6
    [(attempt, due)] = sandbox.app.store.rows("SELECT attempt, due FROM delivery")
    assert attempt == 1
    assert 0 < due - time.time() <= 1


def test_messages_reach_a_host_under_localhost(tmp_path):
    """Real threads, a real receiver on 127.0.0.1 that only the Host header tells apart."""
    seen = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["Host"], self.headers["Stripe-Signature"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = SandboxApp(tmp_path / "s.sqlite3", behaviour=Behaviour(spread=0.05, copies=3))
    host = f"lincoln.localhost:{server.server_port}"
    with app.store.work():
        endpoint = app.gateway.create_endpoint(
            "a", {"url": f"http://{host}/hook", "enabled_events": ["*"]}
        )
        app.gateway.emit("a", "refund.created", {"id": "re_1", "metadata": {}})
    app.courier.start()
    deadline = time.monotonic() + 10
    while len(seen) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    app.close()
    server.shutdown()
    server.server_close()

    assert [entry[0] for entry in seen] == [host] * 3
    message = verify_message(body=seen[0][2], header=seen[0][1], secrets=[endpoint["secret"]])
    assert message.object_id == "re_1"


def test_state_survives_a_restart(tmp_path):
    first = SandboxApp(tmp_path / "s.sqlite3")
    first.store.put("a", "session", {"id": "cs_1"})
    first.close()

    second = SandboxApp(tmp_path / "s.sqlite3")
    assert second.store.get("a", "session", "cs_1") == {"id": "cs_1"}
    second.close()


def test_two_signatures_in_one_header_are_accepted():
    body = json.dumps({"id": "e", "type": "t", "data": {"object": {"id": "o"}}}).encode()
    good = delivery.sign("new", body, at=1000)
    header = f"t=1000,v1={'0' * 64},{good.split(',')[1]}"

    assert verify_message(body=body, header=header, secrets=["new"], now=1200).event_id == "e"


def test_nested_forms_are_read():
    assert parse_form("a[b][0][c]=1&a[b][1][c]=2&d=x") == {
        "a": {"b": [{"c": "1"}, {"c": "2"}]},
        "d": "x",
    }


def test_the_command_refuses_where_the_sandbox_is_not_allowed(settings, tmp_path):
    settings.SANDBOX_ALLOWED = False

    with pytest.raises(CommandError, match="not allowed"):
        call_command("sandbox_gateway", port=0, data=tmp_path)


def test_the_command_names_a_taken_port(settings, sandbox, tmp_path):
    port = int(sandbox.url.rsplit(":", 1)[1])

    with pytest.raises(CommandError, match=f"Port {port}"):
        call_command("sandbox_gateway", port=port, data=tmp_path / "other")
