"""Every provider: its own books, each line once, to the cent, nothing before or after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.payments.providers.base import ProviderError


def window():
    now = datetime.now(UTC)
    return {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}


def test_a_charge_and_a_refund(stand):
    request, _session, paid = stand.paid()
    refund = stand.refund(request, paid, 600)

    lines = {line.kind: line for line in stand.provider.list_transactions(**window())}

    charge, back = lines["charge"], lines["refund"]
    capture_id = paid.captures[0].capture_id
    assert (charge.object_id, charge.capture_id) == (capture_id, capture_id)
    assert (charge.amount_minor, charge.currency) == (25000, "USD")
    assert charge.fee_minor > 0
    assert charge.net_minor == charge.amount_minor - charge.fee_minor
    assert charge.payment_id == request.payment_id
    assert (back.object_id, back.amount_minor) == (refund.provider_refund_id, -600)
    assert back.capture_id == capture_id


def test_each_line_is_told_once(stand):
    for _n in range(3):
        stand.paid()

    lines = list(stand.provider.list_transactions(**window()))

    assert len({line.transaction_id for line in lines}) == len(lines) == 3


def test_nothing_outside_of_the_window(stand):
    stand.paid()
    now = datetime.now(UTC)
    span = timedelta(days=100)

    before = stand.provider.list_transactions(since=now - span, until=now - timedelta(hours=1))
    around = stand.provider.list_transactions(since=now - span, until=now + timedelta(hours=1))

    assert list(before) == []
    assert len(list(around)) == 1


def test_a_page_that_cannot_be_had_is_an_error_not_an_empty_book(stand):
    stand.paid()
    stand.sandbox.app.faults.fail["transactions"] = [500] * 3

    with pytest.raises(ProviderError):
        list(stand.provider.list_transactions(**window()))


def test_the_books_of_another_account_are_its_own(stand):
    stand.paid()
    other = type(stand)(stand.sandbox)

    assert list(other.provider.list_transactions(**window())) == []
