"""Money that arrived and is not what was asked for: booked, refunded or closed by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from apps.payments import events, models, restoring
from apps.payments import facade as payments
from apps.payments.services import booking, journal, mismatches, refunds
from apps.payments.tests.factories import start
from apps.payments.tests.test_approvals import ANNA, BEN, set_limit
from kernel.errors import Conflict, Invalid, NotFound


@pytest.fixture
def off(account, sandbox):
    """Asked for 250.00, and 250.05 came."""
    sandbox.app.gateway.behaviour.capture_difference = 5
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


@pytest.fixture
def twice(account, sandbox):
    """Paid, and taken a second time."""
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    session = models.Payment.objects.get().session_id
    made = requests.post(
        f"{sandbox.url}/_control/capture_again", json={"session": session}, timeout=5
    ).json()
    payments.sync(started.payment_id)
    return started.payment_id, made["id"]


def resolve(payment_id, decision, capture_id="", actor=ANNA):
    capture_id = capture_id or models.Payment.objects.get(pk=payment_id).capture_id
    return mismatches.resolve(
        payment_id=payment_id, capture_id=capture_id, decision=decision, why="Looked", actor=actor
    )


def test_what_is_booked_counts_as_it_came(off, heard):
    [waiting] = mismatches.waiting(models.Payment.objects.get())
    assert (waiting.amount_minor, waiting.is_second, waiting.may_book) == (25005, False, True)

    resolve(off, "book")

    info = payments.get_payment(off)
    assert (info.status, info.captured_minor, info.attention) == ("captured", 25005, "")
    [told] = heard("payments.payment_captured")
    assert (told["amount_minor"], told["lines"][0]["amount_minor"]) == (25005, 25000)
    assert models.OpenClaim.objects.count() == 0
    for decision in ("book", "close", "refund"):
        with pytest.raises(Conflict):
            resolve(off, decision)
    with pytest.raises(Invalid):
        mismatches.resolve(payment_id=off, capture_id="x", decision="book", why=" ", actor=ANNA)


def test_what_is_refunded_goes_back_as_it_came_and_is_in_no_sum(off, sandbox, heard):
    done = resolve(off, "refund")

    assert (done.status, done.amount_minor) == ("succeeded", 25005)
    [made] = sandbox.app.store.all(sandbox.account(), "refund")
    assert made["amount"] == 25005
    info = payments.sync(off)
    assert (info.status, info.captured_minor, info.refunded_minor) == ("cancelled", 0, 0)
    assert heard("payments.refund_completed") == heard("payments.payment_captured") == []
    assert payments.kept_minor() == 0
    assert restoring.add_up().problems == ()
    assert payments.refunds_under_way([off]) == []
    with pytest.raises(Conflict):
        resolve(off, "book")


def test_above_the_limit_a_second_person_releases_it(off, sandbox):
    set_limit(10000)

    asked = resolve(off, "refund")

    assert asked.status == "waiting_approval"
    assert sandbox.app.store.all(sandbox.account(), "refund") == []
    assert refunds.approve(approval_id=asked.id, actor=BEN).status == "succeeded"
    assert payments.get_payment(off).attention == ""


def test_a_lost_answer_is_asked_for_again(off, sandbox):
    sandbox.app.faults.lose_answers["refunds"] = 3
    assert resolve(off, "refund").status == "requested"

    for refund_id in refunds.unsent(off):
        refunds.send(refund_id)

    assert payments.sync(off).refunds[0].status == "succeeded"
    assert len(sandbox.app.store.all(sandbox.account(), "refund")) == 1


def test_a_second_capture_waits_and_becomes_credit(twice, heard):
    payment_id, second = twice
    before = payments.get_payment(payment_id)
    assert (before.captured_minor, before.attention) == (25000, "mismatch")
    [waiting] = mismatches.waiting(models.Payment.objects.get())
    assert (waiting.capture_id, waiting.is_second) == (second, True)

    resolve(payment_id, "book", second)

    info = payments.get_payment(payment_id)
    assert (info.captured_minor, info.refundable_minor, info.attention) == (50000, 50000, "")
    [told] = heard("payments.extra_captured")
    assert (told["capture_id"], told["amount_minor"]) == (second, 25000)
    assert len(heard("payments.payment_captured")) == 1


def test_a_second_capture_is_refunded_by_its_own_number(twice, sandbox):
    payment_id, second = twice

    resolve(payment_id, "refund", second)

    [made] = sandbox.app.store.all(sandbox.account(), "refund")
    assert (made["charge"], made["amount"]) == (second, 25000)
    info = payments.sync(payment_id)
    assert (info.status, info.refundable_minor, info.attention) == ("captured", 25000, "")


def test_money_that_comes_after_the_page_was_closed_and_does_not_match_is_seen(account, sandbox):
    started = start()
    sandbox.app.gateway.behaviour.capture_difference = 5
    sandbox.app.gateway.behaviour.settle_after = 3600
    sandbox.press(started, "later")
    payments.sync(started.payment_id)
    journal.record(started.payment_id, [events.Cancelled(at=timezone.now())])
    session = models.Payment.objects.get().session_id
    sandbox.app.gateway.settle(sandbox.account(), session, "succeeded")
    payments.sync(started.payment_id)

    info = payments.get_payment(started.payment_id)
    assert (info.status, info.attention, info.is_open) == ("unknown", "mismatch", False)


def test_another_currency_can_only_be_closed(account, sandbox):
    started = start(currency="USD")
    seen = events.MismatchDetected(
        capture_id="ch_eur",
        expected_minor=25000,
        expected_currency="USD",
        actual_minor=25000,
        actual_currency="EUR",
        at=timezone.now(),
    )
    journal.record(started.payment_id, [seen])
    for decision in ("book", "refund"):
        with pytest.raises(Invalid):
            resolve(started.payment_id, decision, "ch_eur")
    resolve(started.payment_id, "close", "ch_eur")
    assert payments.get_payment(started.payment_id).attention == ""
    with pytest.raises(NotFound):
        resolve(started.payment_id, "refund", "ch_nobody")


def test_what_the_books_say_is_kept_in_the_story_once(twice):
    payment_id, _second = twice
    now = timezone.now()
    told = {"payment_id": payment_id, "allocated_minor": 20000, "credited_minor": 5000}

    assert booking.note_books(**told, at=now)
    assert not booking.note_books(**told, at=now)
    assert not booking.note_books(**told, at=now + timedelta(seconds=1))
    late = told | {"allocated_minor": 1}
    assert not booking.note_books(**late, at=now - timedelta(seconds=1))
    state = booking.in_the_books(models.Payment.objects.get())
    assert (state.allocated_minor, state.credited_minor, state.is_square) == (20000, 5000, True)
