"""Every provider: opening a page, what becomes of it, and taking what was approved once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from apps.payments.providers.base import Declined, Invalid, Unknown
from apps.payments.tests.providers.stands import line


def test_a_page_is_opened_and_waits(stand):
    request, session = stand.open()

    snapshot = stand.read(session)
    page = requests.get(session.url, timeout=5).text

    assert "TEST" in page
    assert "250.00 USD" in page
    assert "Ada Park: term fee" in page
    assert (snapshot.payment_id, snapshot.session_id) == (request.payment_id, session.session_id)
    assert (snapshot.open, snapshot.expired, snapshot.approved) == (True, False, False)
    assert (snapshot.captures, snapshot.failures, snapshot.processing) == ((), (), ())
    assert session.expires_at.timestamp() == request.expires_at


def test_the_same_key_finds_the_same_page(stand):
    request, session = stand.open()

    again = stand.provider.open_session(request)

    assert (again.session_id, again.url) == (session.session_id, session.url)


def test_the_same_key_with_another_body_is_refused(stand):
    request, _session = stand.open()

    with pytest.raises((Invalid, Declined)):
        stand.provider.open_session(replace(request, lines=line(1)))


def test_money_is_taken_and_told_to_the_cent(stand):
    _request, session, snapshot = stand.paid(lines=line(1999))

    [capture] = snapshot.captures
    assert (capture.amount_minor, capture.currency) == (1999, "USD")
    assert capture.method == stand.provider.method
    assert (snapshot.open, snapshot.expired, snapshot.approved) == (False, False, False)
    assert stand.provider.fetch(session.session_id).captures == snapshot.captures


def test_yen_have_no_decimals(stand):
    _request, session = stand.open(currency="JPY", lines=line(1200))

    assert "1,200 JPY" in requests.get(session.url, timeout=5).text
    stand.press(session, "pay")
    [capture] = stand.read(session).captures
    assert (capture.amount_minor, capture.currency) == (1200, "JPY")


def test_many_small_lines_add_up(stand):
    _request, _session, snapshot = stand.paid(lines=line(1) * 99 + line(1901))

    assert snapshot.captures[0].amount_minor == 2000


def test_a_currency_the_gateway_does_not_know_is_refused_before_anything(stand):
    assert stand.provider.takes("USD")
    assert stand.provider.takes("JPY")
    assert not stand.provider.takes("XXX")
    with pytest.raises((Invalid, Declined)):
        stand.open(currency="XX")


def test_taking_it_again_changes_nothing(stand):
    _request, session = stand.open()
    stand.press(session, "pay")
    approved = stand.provider.fetch(session.session_id)

    first = stand.provider.capture_if_approved(approved)
    again = stand.provider.capture_if_approved(approved)

    assert stand.provider.fetch(session.session_id).captures == first.captures
    assert again.captures == first.captures
    assert stand.taken() == 1


def test_eight_who_take_it_at_once_take_it_once(stand):
    _request, session = stand.open()
    stand.press(session, "pay")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: stand.read(session), range(8)))

    assert len({snapshot.captures for snapshot in found}) == 1
    assert stand.taken() == 1


def test_declined_and_then_paid_on_the_same_page(stand):
    _request, session = stand.open()
    stand.press(session, "decline")

    declined = stand.read(session)
    again = stand.read(session)
    stand.press(session, "pay")
    paid = stand.read(session)

    [failure] = declined.failures
    assert (failure.final, declined.open, declined.captures) == (False, True, ())
    assert [f.attempt_id for f in again.failures] == [failure.attempt_id]
    assert len(paid.captures) == 1
    assert stand.taken() == 1


def test_what_waits_for_a_bank_is_no_money_yet(stand):
    _request, session = stand.open()
    stand.press(session, "later")

    waiting = stand.read(session)
    stand.settle()
    paid = stand.read(session)

    assert (len(waiting.processing), waiting.captures, waiting.open) == (1, (), False)
    assert (len(paid.captures), paid.processing) == (1, ())
    assert paid.captures[0].amount_minor == 25000


def test_what_a_bank_refuses_late_is_the_end(stand):
    _request, session = stand.open()
    stand.press(session, "later-fails")

    waiting = stand.read(session)
    stand.settle()
    denied = stand.read(session)

    [failure] = denied.failures
    assert failure.final is True
    assert failure.attempt_id == waiting.processing[0][0]
    assert (denied.captures, denied.processing, denied.open) == ((), (), False)
    assert stand.taken() == 0


def test_a_closed_page_says_so(stand):
    _request, session = stand.open()

    closed = stand.provider.expire(session.session_id)

    assert (closed.expired, closed.open, closed.captures) == (True, False, ())
    assert stand.provider.expire(session.session_id).expired is True


def test_closing_does_not_lose_money(stand):
    _request, session, paid = stand.paid()

    closed = stand.provider.expire(session.session_id)

    assert closed.captures == paid.captures
    assert closed.expired is False


def test_closing_leaves_what_waits_for_a_bank(stand):
    _request, session = stand.open()
    stand.press(session, "later")
    stand.read(session)

    closed = stand.provider.expire(session.session_id)

    assert len(closed.processing) == 1
    assert closed.expired is False


def test_another_amount_is_told_as_it_is(stand):
    stand.sandbox.app.gateway.behaviour.capture_difference = -100

    _request, _session, snapshot = stand.paid()

    assert snapshot.captures[0].amount_minor == 24900


def test_an_answer_that_is_lost_is_unknown_and_then_found(stand):
    request, _session = stand.open()
    lost = replace(request, payment_id="p-2", idempotency_key="p-2:init:1")
    # Stripe's package asks again by itself: each of its tries is lost.
    stand.sandbox.app.faults.lose_answers[stand.pages] = 3

    with pytest.raises(Unknown):
        stand.provider.open_session(lost)
    stand.sandbox.app.faults.clear()
    found = stand.provider.open_session(lost)

    assert stand.provider.open_session(lost).session_id == found.session_id


def test_the_keys_of_another_account_find_nothing(stand):
    _request, session = stand.open()
    client_id, secret = stand.adapter.practice_keys()
    other = stand.adapter(replace(stand.credentials, client_id=client_id, secret_key=secret))

    with pytest.raises(Invalid):
        other.fetch(session.session_id)
