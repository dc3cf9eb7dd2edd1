"""The gateway's own books through the real adapter: amounts as paid, fees apart, pages, payouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from apps.payments import facade as payments
from apps.payments.providers import stripe_books
from apps.payments.providers.base import ProviderError
from apps.payments.services import accounts
from apps.payments.tests.factories import LineFactory, start


@pytest.fixture
def books(account):
    return accounts.provider_for(account)


def window(hours=1):
    now = datetime.now(UTC)
    return {"since": now - timedelta(hours=hours), "until": now + timedelta(seconds=2)}


def paid(sandbox, **changes):
    started = start(**changes)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def only(sandbox, kind):
    [body] = sandbox.app.store.all(sandbox.account(), kind)
    return body


def test_a_charge_with_its_fee_apart(books, sandbox):
    payment_id = paid(sandbox)

    [line] = books.list_transactions(**window())

    charge = only(sandbox, "charge")
    assert (line.kind, line.amount_minor, line.currency) == ("charge", 25000, "USD")
    assert (line.fee_minor, line.net_minor, line.settlement_currency) == (755, 24245, "USD")
    assert (line.object_id, line.capture_id) == (charge["id"], charge["id"])
    assert (line.payment_id, line.payout_id, line.settled) == (str(payment_id), "", False)


def test_what_was_paid_counts_whatever_the_account_is_kept_in(books, sandbox):
    sandbox.app.gateway.behaviour.settlement = ("eur", 0.9)
    payment_id = paid(sandbox)
    refund(payment_id, 10000)

    given_back, taken = books.list_transactions(**window())

    assert (taken.amount_minor, taken.currency) == (25000, "USD")
    assert (taken.net_minor, taken.settlement_currency) == (22500 - 682, "EUR")
    assert (given_back.amount_minor, given_back.currency) == (-10000, "USD")
    assert (given_back.net_minor, given_back.settlement_currency) == (-9000, "EUR")


def refund(payment_id, amount_minor):
    return payments.request_refund(
        payment_id=payment_id,
        amount_minor=amount_minor,
        reason="Trip",
        actor="bursar",
        idempotency_key=f"{payment_id}:{amount_minor}",
    )


def test_a_refund_and_its_failure(books, sandbox):
    payment_id = paid(sandbox)
    refund(payment_id, 700)
    body = only(sandbox, "refund")
    sandbox.app.gateway.finish_refund(sandbox.account(), body["id"], "failed")

    failure, given_back, _charge = books.list_transactions(**window())

    assert [(row.kind, row.amount_minor) for row in (given_back, failure)] == [
        ("refund", -700),
        ("refund_failure", 700),
    ]
    for row in (given_back, failure):
        assert (row.object_id, row.capture_id) == (body["id"], body["charge"])
        assert row.payment_id == str(payment_id)


def test_more_than_a_page(books, sandbox):
    paid(sandbox)
    charge = only(sandbox, "charge")
    for _more in range(204):
        sandbox.app.gateway.move(sandbox.account(), charge, 100, kind="charge")

    lines = list(books.list_transactions(**window()))

    assert len(lines) == 205
    assert len({line.transaction_id for line in lines}) == 205


def test_the_window_leaves_out_its_end(books, sandbox):
    paid(sandbox)
    created = only(sandbox, "balance_transaction")["created"]
    at, second = datetime.fromtimestamp(created, UTC), timedelta(seconds=1)

    assert len(list(books.list_transactions(since=at, until=at + second))) == 1
    assert list(books.list_transactions(since=at - second, until=at)) == []
    assert list(books.list_transactions(since=at + second, until=at + 2 * second)) == []


def test_a_page_that_cannot_be_had_is_an_error_and_not_the_end(books, sandbox):
    paid(sandbox)
    charge = only(sandbox, "charge")
    for _more in range(100):
        sandbox.app.gateway.move(sandbox.account(), charge, 100, kind="charge")
    lines = books.list_transactions(**window())
    next(lines)
    sandbox.app.faults.fail["balance_transactions"] = [500] * 3

    with pytest.raises(ProviderError):
        list(lines)


def test_a_payout_and_what_it_is_made_of(books, sandbox):
    payment_id = paid(sandbox)
    paid(sandbox, lines=[LineFactory(amount_minor=1000)])
    refund(payment_id, 5000)
    account = sandbox.account()
    [body] = sandbox.app.gateway.pay_out(account)
    sandbox.app.gateway.move(account, only_charge(sandbox, payment_id), 300, kind="charge")

    [payout] = books.list_payouts(**window())

    assert (payout.payout_id, payout.status, payout.descriptor) == (
        body["id"],
        "paid",
        "HOMEROOM SANDBOX",
    )
    assert (payout.amount_minor, payout.currency) == (24245 + 941 - 5000, "USD")
    assert sorted(row.kind for row in payout.transactions) == ["charge", "charge", "refund"]
    assert sum(row.net_minor for row in payout.transactions) == payout.amount_minor
    assert {row.payout_id for row in payout.transactions} == {payout.payout_id}
    own = [row for row in books.list_transactions(**window()) if row.kind == "payout"]
    assert [(row.object_id, row.amount_minor) for row in own] == [(body["id"], -20186)]


def only_charge(sandbox, payment_id):
    charges = sandbox.app.store.all(sandbox.account(), "charge")
    return next(c for c in charges if c["metadata"]["payment_id"] == str(payment_id))


def test_the_balance_is_paid_out_by_itself_when_it_is_available(sandbox, account):
    paid(sandbox)
    gateway, key = sandbox.app.gateway, sandbox.account()
    gateway.run_timers()
    assert sandbox.app.store.all(key, "payout") == []

    row = only(sandbox, "balance_transaction")
    sandbox.app.store.put(key, "balance_transaction", row | {"available_on": row["created"] - 1})
    sandbox.app.store.rows("UPDATE timer SET due = 0 WHERE outcome = 'payout'")
    gateway.run_timers()

    assert only(sandbox, "payout")["amount"] == 24245
    assert gateway.pay_out(key) == []


def test_what_is_not_available_waits_for_the_next_payout(sandbox, account):
    paid(sandbox)
    sandbox.app.store.rows("UPDATE timer SET due = 0 WHERE outcome = 'payout'")

    sandbox.app.gateway.run_timers()

    assert sandbox.app.store.all(sandbox.account(), "payout") == []
    planned = sandbox.app.store.rows("SELECT due FROM timer WHERE outcome = 'payout'")
    assert planned == [(only(sandbox, "balance_transaction")["available_on"],)]


def test_a_payout_that_the_bank_sends_back(books, sandbox):
    paid(sandbox)
    url, charge = f"{sandbox.url}/_control", only(sandbox, "charge")["id"]
    made = requests.post(f"{url}/payout", json={"charge": charge}, timeout=5).json()["payouts"]
    failed = requests.post(f"{url}/fail_payout", json={"payout": made[0]["id"]}, timeout=5)
    again = requests.post(f"{url}/fail_payout", json={"payout": made[0]["id"]}, timeout=5)

    assert (failed.json()["status"], again.status_code) == ("failed", 400)
    [payout] = books.list_payouts(**window())
    assert payout.status == "failed"
    amounts = [row.amount_minor for row in books.list_transactions(**window())]
    assert amounts == [24245, -24245, 25000]


@pytest.mark.parametrize(
    ("kind", "settled", "amount"), [("dispute", -900, -1000), ("dispute_reversal", 900, 1000)]
)
def test_a_dispute_names_its_charge(kind, settled, amount):
    source = {"id": "dp_1", "object": "dispute", "amount": 1000, "currency": "usd", "charge": "c"}
    line = stripe_books.transaction(row(source=source, reporting_category=kind, amount=settled))

    assert (line.kind, line.amount_minor, line.currency) == (kind, amount, "USD")
    assert (line.object_id, line.capture_id, line.fee_minor) == ("dp_1", "c", 1500)


@pytest.mark.parametrize("source", [None, "unknown_1"])
def test_a_line_without_a_source_is_kept_as_it_is(source):
    line = stripe_books.transaction(row(source=source, reporting_category="fee"))

    assert (line.kind, line.amount_minor, line.currency) == ("fee", -900, "EUR")
    assert line.object_id == (source or "txn_1")


def test_what_is_not_known_is_other():
    assert (
        stripe_books.transaction(row(reporting_category="climate_order_purchase")).kind == "other"
    )


def row(**changes):
    values = {
        "id": "txn_1",
        "amount": -900,
        "currency": "eur",
        "fee": 1500,
        "net": -2400,
        "created": 1_800_000_000,
        "source": None,
        "status": "available",
    }
    return values | changes
