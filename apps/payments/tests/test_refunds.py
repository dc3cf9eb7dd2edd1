"""Refunds: never more than was captured, never twice, and no outcome lost."""

from __future__ import annotations

import pytest

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import janitor, mismatches, refunds, webhooks
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import counter, start
from kernel.errors import Conflict, Invalid


@pytest.fixture
def paid(account, sandbox):
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def ask(payment_id, amount_minor=10000, key="refund-key-1", reason="Trip cancelled"):
    return payments.request_refund(
        payment_id=payment_id,
        amount_minor=amount_minor,
        reason=reason,
        actor="bursar@example.org",
        idempotency_key=key,
    )


def test_part_and_then_the_rest(paid, sandbox, heard):
    first = ask(paid, 10000)
    part = payments.get_payment(paid)
    second = ask(paid, 15000, key="refund-key-2")
    whole = payments.get_payment(paid)

    assert (first.status, second.status) == ("succeeded", "succeeded")
    assert (part.status, part.refunded_minor, part.refundable_minor) == (
        "partially_refunded",
        10000,
        15000,
    )
    assert (whole.status, whole.refunded_minor, whole.refundable_minor) == ("refunded", 25000, 0)
    events = heard("payments.refund_completed")
    assert [event["amount_minor"] for event in events] == [10000, 15000]
    assert events[0]["reason"] == "Trip cancelled"
    assert len(sandbox.app.store.all(sandbox.account(), "refund")) == 2


def test_the_same_key_gives_back_once(paid, sandbox):
    first, again = ask(paid), ask(paid)

    assert again.id == first.id
    assert payments.get_payment(paid).refunded_minor == 10000
    assert len(sandbox.app.store.all(sandbox.account(), "refund")) == 1
    with pytest.raises(payments.KeyReused):
        ask(paid, 9999)


@pytest.mark.parametrize("amount_minor", [0, -1, 25001])
def test_an_impossible_amount_is_refused_and_changes_nothing(paid, sandbox, amount_minor):
    with pytest.raises(Invalid):
        ask(paid, amount_minor)

    assert models.Refund.objects.count() == 0
    assert payments.get_payment(paid).refundable_minor == 25000


def test_an_unpaid_payment_cannot_be_refunded(account):
    with pytest.raises(Invalid, match="has not been paid"):
        ask(start().payment_id)


def test_an_answer_that_was_lost_is_asked_for_again(paid, sandbox, heard):
    sandbox.app.faults.lose_answers["refunds"] = 3

    lost = ask(paid)

    assert (lost.status, heard("payments.refund_completed")) == ("requested", [])
    assert payments.get_payment(paid).refundable_minor == 15000
    janitor.tidy_payment(paid)
    assert payments.get_payment(paid).refunds[0].status == "succeeded"
    assert len(heard("payments.refund_completed")) == 1
    assert len(sandbox.app.store.all(sandbox.account(), "refund")) == 1


def test_a_refund_that_never_arrived_is_sent_by_the_janitor(paid, sandbox, settings):
    url, settings.SANDBOX_URL = settings.SANDBOX_URL, "http://127.0.0.1:1"
    assert ask(paid).status == "requested"
    assert models.Payment.objects.get().next_check_at is not None
    settings.SANDBOX_URL = url

    janitor.tidy_payment(paid)

    assert payments.get_payment(paid).refunds[0].status == "succeeded"


def test_a_pending_refund_ends_later(paid, sandbox, heard):
    sandbox.app.gateway.behaviour.refund_status = "pending"
    assert ask(paid).status == "pending"
    refund = sandbox.app.store.all(sandbox.account(), "refund")[0]

    sandbox.app.gateway.finish_refund(sandbox.account(), refund["id"], "succeeded")
    payments.sync(paid)

    assert payments.get_payment(paid).refunded_minor == 10000
    assert len(heard("payments.refund_completed")) == 1


def test_a_refund_that_comes_back_is_told(paid, sandbox, heard):
    ask(paid)
    refund = sandbox.app.store.all(sandbox.account(), "refund")[0]
    sandbox.app.gateway.finish_refund(
        sandbox.account(), refund["id"], "failed", "lost_or_stolen_card"
    )

    info = payments.sync(paid)

    assert (info.refunded_minor, info.refundable_minor) == (0, 25000)
    assert (info.refunds[0].status, info.attention) == ("failed", "refund_failed")
    assert heard("payments.refund_failed")[0]["reason"] == "lost or stolen card"


def test_a_refund_in_the_gateways_dashboard_waits_for_a_person(paid, sandbox, anonymous, heard):
    charge = sandbox.app.store.all(sandbox.account(), "charge")[0]
    sandbox.app.gateway.create_refund(sandbox.account(), {"charge": charge["id"], "amount": "700"})
    for message in sandbox.collect():
        deliver(anonymous(), message)
    states = {webhooks.process(e.pk) for e in models.ProviderEvent.objects.all()}

    info = payments.get_payment(paid)
    assert states == {"processed"}
    assert (info.refunded_minor, info.refundable_minor) == (0, 24300)
    assert info.attention == "external_refund"
    assert heard("payments.refund_completed") == []

    payments.book_external_refund(refund_id=info.refunds[0].id, actor="bursar")
    assert payments.get_payment(paid).refunded_minor == 700
    assert heard("payments.refund_completed")[0]["amount_minor"] == 700
    with pytest.raises(Conflict):
        payments.book_external_refund(refund_id=info.refunds[0].id, actor="bursar")


def test_a_mismatch_given_back_in_the_dashboard_has_nothing_to_book(account, sandbox, heard):
    """What the page advises for another amount than was asked for."""
    started = start()
    sandbox.app.gateway.behaviour.capture_difference = 5
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    charge = sandbox.app.store.all(sandbox.account(), "charge")[0]
    sandbox.app.gateway.create_refund(sandbox.account(), {"charge": charge["id"]})
    payments.sync(started.payment_id)
    mismatches.resolve(
        payment_id=started.payment_id,
        capture_id=charge["id"],
        decision="close",
        why="A test of the till",
        actor="bursar",
    )

    info = payments.get_payment(started.payment_id)
    assert (info.attention, len(info.refunds)) == ("", 1)
    with pytest.raises(Conflict):
        payments.book_external_refund(refund_id=info.refunds[0].id, actor="bursar")
    assert heard("payments.refund_completed") == []


def test_the_gateway_refuses_what_we_let_pass(paid, sandbox, heard):
    """Everything was refunded in the dashboard and we have not heard of it yet."""
    charge = sandbox.app.store.all(sandbox.account(), "charge")[0]
    sandbox.app.gateway.create_refund(sandbox.account(), {"charge": charge["id"]})

    info = ask(paid)

    assert (info.status, "already been refunded" in info.failure) == ("failed", True)
    assert len(heard("payments.refund_failed")) == 1


def test_cash_is_handed_back_at_once(school):
    payment_id = payments.record_offline_payment(**counter())

    assert ask(payment_id, 25000).status == "succeeded"
    assert payments.get_payment(payment_id).status == "refunded"


def test_a_webhook_that_is_quicker_than_the_answer(paid, sandbox, heard, monkeypatch):
    send = refunds.accounts.provider_for

    def slow(account):
        provider = send(account)
        original = provider.refund

        def refund_then_hear(request):
            answer = original(request)
            payments.sync(paid)  # the webhook's worker, before our own commit
            return answer

        provider.refund = refund_then_hear
        return provider

    monkeypatch.setattr(refunds.accounts, "provider_for", slow)

    assert ask(paid).status == "succeeded"
    assert len(heard("payments.refund_completed")) == 1


def test_a_refund_of_the_dashboard_that_is_none_of_ours(paid, sandbox, heard):
    charge = sandbox.app.store.all(sandbox.account(), "charge")[0]
    sandbox.app.gateway.create_refund(sandbox.account(), {"charge": charge["id"], "amount": "700"})
    [refund] = payments.sync(paid).refunds
    with pytest.raises(Invalid):
        payments.ignore_external_refund(refund_id=refund.id, reason=" ", actor="bursar")

    payments.ignore_external_refund(refund_id=refund.id, reason="Paid twice", actor="bursar")

    info = payments.sync(paid)
    assert (info.refunds[0].status, info.attention) == ("ignored", "")
    assert (info.refunded_minor, info.refundable_minor) == (0, 25000)
    assert heard("payments.refund_completed") == []
    with pytest.raises(Conflict):
        payments.book_external_refund(refund_id=refund.id, actor="bursar")
