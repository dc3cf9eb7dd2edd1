"""Trouble on purpose, and what the outside world may do, by /_control."""

from __future__ import annotations

import re
import threading
import time

import pytest
import requests

from apps.payments.providers import stripe as adapter
from apps.payments.sandbox.app import SandboxApp
from apps.payments.sandbox.gateway import Behaviour
from apps.payments.tests.test_sandbox import KEY, paid_intent, session_params

stripe = adapter.stripe


@pytest.fixture
def client(sandbox):
    http_client = stripe.RequestsClient(timeout=(1, 1))
    return stripe.StripeClient(
        KEY, base_addresses={"api": sandbox.url}, http_client=http_client, max_network_retries=0
    )


def control(sandbox, name, **wanted):
    return requests.post(f"{sandbox.url}/_control/{name}", json=wanted, timeout=5)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", stripe.APIError), ("503", stripe.APIError), ("429", stripe.RateLimitError)],
)
def test_the_next_calls_fail_and_do_nothing(client, sandbox, kind, error):
    assert control(sandbox, "faults", api=kind, times=2).status_code == 200

    for _try in range(2):
        with pytest.raises(error):
            client.v1.checkout.sessions.create(session_params())
    assert client.v1.checkout.sessions.list().data == []


def test_a_call_that_hangs_does_nothing_and_lets_go(client, sandbox):
    control(sandbox, "faults", api="timeout", path="checkout/sessions")

    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(session_params())

    control(sandbox, "faults", api="off")
    assert client.v1.checkout.sessions.list().data == []


def test_a_slow_call_is_done_after_a_while(client, sandbox):
    control(sandbox, "faults", api="slow", seconds=0.3)
    began = time.monotonic()

    client.v1.checkout.sessions.create(session_params())

    assert time.monotonic() - began >= 0.3


def test_an_answer_that_is_lost_was_done_all_the_same(client, sandbox):
    control(sandbox, "faults", api="lost")
    options = {"idempotency_key": "once"}

    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(session_params(), options)

    found = client.v1.checkout.sessions.create(session_params(), options)
    assert [s.id for s in client.v1.checkout.sessions.list().data] == [found.id]


def test_messages_can_be_held_back(client, sandbox):
    client.v1.webhook_endpoints.create({"url": "http://s.test/hook", "enabled_events": ["*"]})
    assert control(sandbox, "faults", webhooks="off").json()["webhooks"] == "off"
    paid_intent(client, sandbox)

    assert sandbox.collect() == []
    state = requests.get(f"{sandbox.url}/_control/state", timeout=5).json()
    assert state == {"webhooks": "off", "messages_waiting": 6, "payments_waiting": 0}

    control(sandbox, "faults", webhooks="on")
    assert len(sandbox.collect()) == 6


def test_a_refund_from_the_dashboard_names_none_of_ours(client, sandbox):
    intent = paid_intent(client, sandbox)

    made = control(sandbox, "dashboard_refund", payment_intent=intent, amount=300)

    [refund] = client.v1.refunds.list({"payment_intent": intent}).data
    assert (refund.id, refund.amount, refund.metadata.to_dict()) == (made.json()["id"], 300, {})
    too_much = control(sandbox, "dashboard_refund", payment_intent=intent, amount=701)
    assert too_much.status_code == 400
    assert "greater than unrefunded" in too_much.json()["error"]["message"]


def test_a_refund_that_fails_later_gives_the_money_back(client, sandbox):
    intent = paid_intent(client, sandbox)
    session_id = client.v1.checkout.sessions.list().data[0].id
    refund = control(sandbox, "dashboard_refund", session=session_id, status="pending").json()
    assert client.v1.charges.retrieve(refund["charge"]).refunded is True

    control(sandbox, "finish_refund", refund=refund["id"], status="failed", reason="expired_card")

    found = client.v1.refunds.retrieve(refund["id"])
    assert (found.status, found.failure_reason) == ("failed", "expired_card")
    charge = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    assert charge.latest_charge.amount_refunded == 0
    rows = client.v1.balance_transactions.list().data
    assert [row.amount for row in rows] == [1000, -1000, 1000]
    assert client.v1.events.list({"type": "refund.failed"}).data[0].data.object["id"] == found.id


def test_the_bank_can_be_asked_to_answer_now(client, sandbox):
    session = client.v1.checkout.sessions.create(session_params())
    requests.post(session.url, {"action": "later"}, allow_redirects=False, timeout=5)

    assert control(sandbox, "settle", session=session.id).json()["payment_status"] == "paid"

    sandbox.app.gateway.run_timers()
    assert len(client.v1.events.list({"type": "payment_intent.succeeded"}).data) == 1


def test_a_page_can_be_closed_before_its_time(client, sandbox):
    session = client.v1.checkout.sessions.create(session_params())

    assert control(sandbox, "expire", session=session.id).json()["status"] == "expired"
    assert control(sandbox, "expire", session=session.id).status_code == 400


@pytest.mark.parametrize(
    ("name", "wanted", "status"),
    [
        ("faults", {"api": "earthquake"}, 400),
        ("faults", {"webhooks": "perhaps"}, 400),
        ("faults", {"api": "500", "times": "many"}, 400),
        ("settle", {}, 400),
        ("settle", {"session": "cs_none"}, 404),
        ("unknown", {}, 404),
    ],
)
def test_a_wrong_wish_is_named(sandbox, name, wanted, status):
    answer = control(sandbox, name, **wanted)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_no_web_page_and_no_other_machine_may_control(sandbox):
    url = f"{sandbox.url}/_control/faults"

    assert requests.post(url, data='{"api": "500"}', timeout=5).status_code == 415
    elsewhere = requests.post(url, json={}, headers={"Host": "evil.test"}, timeout=5)
    assert elsewhere.status_code == 403
    assert sandbox.app.faults.fail == {}


def test_a_message_that_was_being_sent_survives_a_stop(tmp_path):
    """A message leaves the store only when it has arrived, or was tried to the end."""
    behaviour = Behaviour(spread=0, copies=1)
    sending = threading.Event()

    def crash(*_args):
        sending.set()
        raise KeyboardInterrupt

    first = SandboxApp(tmp_path / "s.sqlite3", behaviour=behaviour, transport=crash)
    with first.store.work():
        first.gateway.create_endpoint("a", {"url": "http://s.test/", "enabled_events": ["*"]})
        first.gateway.emit("a", "refund.created", {"id": "re_1"})
    with pytest.raises(KeyboardInterrupt):
        first.courier.deliver_due()
    first.close()

    second = SandboxApp(tmp_path / "s.sqlite3", behaviour=behaviour, transport=lambda *_: 200)
    assert sending.is_set()
    assert second.store.rows("SELECT attempt FROM delivery") == [(0,)]
    second.store.rows("UPDATE delivery SET due = 0")
    assert second.courier.deliver_due() == 1
    assert second.store.rows("SELECT * FROM delivery") == []
    second.close()


def test_a_dispute_moves_money_and_a_won_one_moves_it_back(client, sandbox):
    intent = paid_intent(client, sandbox)
    made = control(sandbox, "dispute", payment_intent=intent, amount=100).json()
    assert client.v1.charges.retrieve(made["charge"]).disputed
    assert control(sandbox, "answer_dispute", dispute=made["id"]).json()["status"] == "under_review"
    assert control(sandbox, "answer_dispute", dispute=made["id"]).status_code == 400
    control(sandbox, "close_dispute", dispute=made["id"], status="won")
    control(sandbox, "close_dispute", dispute=made["id"], status="won")

    [listed] = client.v1.disputes.list({"payment_intent": intent}).data
    moved = client.v1.balance_transactions.list({"source": made["id"]}).data
    assert (listed.status, listed.amount) == ("won", 100)
    assert [(row.amount, row.fee, row.reporting_category) for row in moved] == [
        (100, 0, "dispute_reversal"),
        (-100, 1500, "dispute"),
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("dispute", {"charge": "ch_unknown"}),
        ("dispute", {}),
        ("answer_dispute", {"dispute": "du_unknown"}),
        ("close_dispute", {}),
    ],
)
def test_a_dispute_of_nothing_is_refused(sandbox, name, wanted):
    assert control(sandbox, name, **wanted).status_code in (400, 404)


def test_nobody_disputes_more_than_was_paid(client, sandbox):
    intent = paid_intent(client, sandbox)

    answer = control(sandbox, "dispute", payment_intent=intent, amount=10**9)

    assert answer.status_code == 400
    assert client.v1.disputes.list({"payment_intent": intent}).data == []


def press(sandbox, page, text):
    """Press the button of the page that reads so."""
    pattern = r'name="token" value="(\w+)"><button name="action" value="([^"]+)">' + text
    token, action = re.search(pattern, page.text).groups()
    return requests.post(f"{sandbox.url}/_control/", {"token": token, "action": action}, timeout=5)


def test_the_page_of_controls_disputes_and_decides(client, sandbox):
    assert "Nobody has paid yet" in requests.get(f"{sandbox.url}/_control/", timeout=5).text
    intent = paid_intent(client, sandbox)
    page = requests.get(f"{sandbox.url}/_control/", timeout=5)

    page = press(sandbox, page, "The payer’s bank disputes it")
    page = press(sandbox, page, "The school sends evidence")
    page = press(sandbox, page, "The bank decides for the payer")
    press(sandbox, page, "Refund it in the dashboard")

    [listed] = client.v1.disputes.list({"payment_intent": intent}).data
    assert listed.status == "lost"
    assert len(client.v1.refunds.list({"payment_intent": intent}).data) == 1


def test_the_page_of_controls_believes_its_own_forms_only(client, sandbox):
    intent = paid_intent(client, sandbox)
    charge = client.v1.payment_intents.retrieve(intent).latest_charge
    sent = {"action": f"dispute {charge}", "token": "guessed"}

    assert requests.post(f"{sandbox.url}/_control/", sent, timeout=5).status_code == 403
    assert client.v1.disputes.list({"payment_intent": intent}).data == []
