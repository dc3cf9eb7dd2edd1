"""Every provider: money that goes back, never more than came and never twice."""

from __future__ import annotations

import pytest

from apps.payments.providers.base import Declined, Invalid, Unknown
from kernel.ids import uuid7


def test_all_of_it(stand):
    request, session, paid = stand.paid()

    refund = stand.refund(request, paid, 25000)
    snapshot = stand.read(session)

    assert (refund.amount_minor, refund.currency, refund.status) == (25000, "USD", "succeeded")
    assert snapshot.refunds == (refund,)
    # Money that came counts, whatever became of it later.
    assert snapshot.captures == paid.captures


def test_several_parts_and_no_more_than_came(stand):
    request, session, paid = stand.paid()

    parts = [stand.refund(request, paid, amount) for amount in (10000, 1, 14998)]
    with pytest.raises((Declined, Invalid)):
        stand.refund(request, paid, 2)
    parts.append(stand.refund(request, paid, 1))
    with pytest.raises((Declined, Invalid)):
        stand.refund(request, paid, 1)

    found = stand.read(session).refunds
    assert {refund.provider_refund_id for refund in found} == {
        refund.provider_refund_id for refund in parts
    }
    assert sum(refund.amount_minor for refund in found) == 25000


def test_the_same_key_gives_back_once(stand):
    request, session, paid = stand.paid()
    key = str(uuid7())

    first = stand.refund(request, paid, 600, key)
    again = stand.refund(request, paid, 600, key)

    assert first.provider_refund_id == again.provider_refund_id
    assert first.our_id == key
    assert len(stand.read(session).refunds) == 1


def test_the_same_key_with_another_amount_gives_nothing_back(stand):
    request, session, paid = stand.paid()
    key = str(uuid7())
    stand.refund(request, paid, 600, key)

    with pytest.raises((Invalid, Declined)):
        stand.refund(request, paid, 601, key)

    assert [refund.amount_minor for refund in stand.read(session).refunds] == [600]


def test_an_answer_that_is_lost_is_unknown_and_then_found(stand):
    request, session, paid = stand.paid()
    key = str(uuid7())
    stand.sandbox.app.faults.lose_answers[stand.refunds] = 3

    with pytest.raises(Unknown):
        stand.refund(request, paid, 600, key)
    stand.sandbox.app.faults.clear()

    [seen] = stand.read(session).refunds
    assert (seen.our_id, seen.amount_minor) == (key, 600)
    assert stand.refund(request, paid, 600, key).provider_refund_id == seen.provider_refund_id


def test_a_refund_may_be_on_its_way(stand):
    request, session, paid = stand.paid()
    stand.sandbox.app.gateway.behaviour.refund_status = "pending"

    assert stand.refund(request, paid, 600).status == "pending"
    assert [refund.status for refund in stand.read(session).refunds] == ["pending"]


def test_a_refund_of_the_dashboard_is_none_of_ours(stand):
    _request, session, paid = stand.paid()

    stand.refund_in_dashboard(paid, 700)

    [refund] = stand.read(session).refunds
    assert (refund.amount_minor, refund.our_id) == (700, "")


def test_what_was_not_paid_cannot_go_back(stand):
    from dataclasses import replace

    request, session = stand.open()
    unpaid = stand.provider.fetch(session.session_id)
    _request, _session, paid = stand.paid()
    pretended = replace(unpaid, captures=(replace(paid.captures[0], capture_id=""),))

    with pytest.raises((Invalid, Declined)):
        stand.refund(request, pretended, 100)


def test_a_dispute_is_told(stand):
    _request, session, paid = stand.paid()

    dispute_id = stand.dispute(paid)

    [dispute] = stand.read(session).disputes
    assert dispute.dispute_id == dispute_id
    assert (dispute.capture_id, dispute.amount_minor, dispute.currency, dispute.status) == (
        paid.captures[0].capture_id,
        25000,
        "USD",
        "open",
    )
    assert dispute.due_by > dispute.at
