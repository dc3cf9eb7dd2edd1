"""Real commits and threads: clicks at once, refunds at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from apps.events import facade as event_store
from apps.payments import events, models
from apps.payments import facade as payments
from apps.payments.services import accounts, counter, webhooks
from apps.payments.tests import factories
from apps.payments.tests.factories import JUN, MINA, LineFactory, order
from kernel.errors import DomainError
from kernel.schools import in_school

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    return payments.create_sandbox_account()


def at_once(schema_name: str, calls: list[Any]) -> list[Any]:
    """Run all calls at the same moment, each in its own thread and connection."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            with in_school(schema_name):
                barrier.wait()
                return call()
        except DomainError as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_eight_refunds_of_600_on_1000(committed_school, account, sandbox):
    started = payments.start_payment(order(lines=[LineFactory(amount_minor=1000)]))
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)

    def refund(number):
        return lambda: (
            payments.request_refund(
                payment_id=started.payment_id,
                amount_minor=600,
                reason="r",
                actor="a",
                idempotency_key=f"refund-{number}",
            ).status
        )

    results = at_once(committed_school.schema_name, [refund(n) for n in range(8)])

    assert Counter(results) == {"succeeded": 1, "Invalid": 7}
    assert payments.get_payment(started.payment_id).refunded_minor == 600
    assert len(sandbox.app.store.all(sandbox.account(), "refund")) == 1


def test_a_double_click_on_pay_opens_one_page(committed_school, account, sandbox):
    wanted = order()
    calls = [lambda: payments.start_payment(wanted).redirect_url] * 4

    results = at_once(committed_school.schema_name, calls)

    assert len(set(results)) == 1
    assert results[0].startswith(sandbox.url)
    assert models.Payment.objects.count() == 1
    assert len(sandbox.app.store.all(sandbox.account(), "session")) == 1


def test_two_guardians_at_once_one_pays(committed_school, account, sandbox):
    lines = [LineFactory(), LineFactory()]
    calls = [
        lambda payer=payer, part=part: str(
            payments.start_payment(order(payer_id=payer, lines=part)).payment_id
        )
        for payer, part in ((MINA, lines), (JUN, lines[::-1]), (MINA, lines), (JUN, lines))
    ]

    results = at_once(committed_school.schema_name, calls)

    started = [result for result in results if result != "PaymentInProgress"]
    assert len(started) == 2
    assert len(set(started)) == 1
    assert models.Payment.objects.filter(is_open=True).count() == 1


def test_asking_at_once_captures_once(committed_school, account, sandbox):
    started = payments.start_payment(order())
    sandbox.press(started, "pay")

    results = at_once(
        committed_school.schema_name, [lambda: payments.sync(started.payment_id).status] * 6
    )

    assert set(results) == {"captured"}
    stored = [type(entry.event) for entry in event_store.load(started.payment_id)]
    assert stored.count(events.Captured) == 1


def test_a_double_click_at_the_counter_records_the_money_once(
    committed_school, account, monkeypatch
):
    wanted = factories.counter()
    together = Barrier(4)
    # All have looked for an earlier record before the first one writes.
    monkeypatch.setattr(counter, "_close_hosted_pages", lambda order: together.wait(10))

    results = at_once(
        committed_school.schema_name, [lambda: payments.record_offline_payment(**wanted)] * 4
    )

    assert len(set(results)) == 1
    assert models.Payment.objects.get().pk == results[0]


def test_a_running_transaction_may_not_wait_for_the_gateway(committed_school, account):
    from django.db import transaction

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        payments.start_payment(order())


def test_the_same_message_ten_times_at_once_is_handled_once(committed_school, account, sandbox):
    started = payments.start_payment(order())
    sandbox.press(started, "pay")
    message = sandbox.collect()[0]
    key = urlsplit(message.url).path.split("/")[-2]

    def receive():
        kept = webhooks.receive(webhook_key=key, body=message.body, headers=message.headers)
        webhooks.process(kept[0])
        return kept

    results = at_once(committed_school.schema_name, [receive] * 10)

    assert Counter(fresh for _id, fresh in results) == {True: 1, False: 9}
    assert models.ProviderEvent.objects.get().state == "processed"
    assert payments.get_payment(started.payment_id).captured_minor == 25000
    stored = [type(e.event) for e in event_store.load(started.payment_id)]
    assert stored.count(events.Captured) == 1


def test_return_page_and_webhook_take_an_approved_payment_once(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    accounts.create_sandbox_account(provider="paypal")
    started = payments.start_payment(order())
    sandbox.press(started, "pay")

    answers = at_once(
        committed_school.schema_name, [lambda: payments.sync(started.payment_id).status] * 8
    )

    assert set(answers) <= {"captured", "pending"}
    assert payments.sync(started.payment_id).status == "captured"
    rows = sandbox.app.store.rows("SELECT count(*) FROM object WHERE kind = 'paypal.capture'")
    assert rows[0][0] == 1
    told = [stored.event for stored in event_store.load(started.payment_id)]
    assert len([event for event in told if isinstance(event, events.Captured)]) == 1


def test_an_approved_payment_is_taken_or_ended_never_both(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    accounts.create_sandbox_account(provider="paypal")
    for _round in range(5):
        started = payments.start_payment(order())
        sandbox.press(started, "pay")

        at_once(
            committed_school.schema_name,
            [
                lambda key=started.payment_id: payments.sync(key),
                lambda key=started.payment_id: payments.cancel(key),
            ],
        )

        payment = models.Payment.objects.get(pk=started.payment_id)
        found = accounts.provider_of(payment).fetch(payment.session_id)
        assert payment.status in ("captured", "cancelled")
        assert bool(found.captures) == (payment.status == "captured")
