"""Comparing books, without a database: healthy ones have no exception, planted faults are all found
and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.payments.services.reconcile import compare as comparing
from apps.payments.services.reconcile.compare import (
    OurPayment,
    Ours,
    Seen,
    compare,
)
from apps.payments.tests.cases import (
    NOISE,
    PLANTS,
    START,
    WINDOW,
    Case,
    add_dispute,
    add_refund,
    charge_line,
    healthy,
    plant_unknown,
    put_together,
    unpaid,
)


@given(healthy(), st.randoms())
def test_healthy_books_have_no_exceptions(found, random):
    ours, lines = put_together(found)
    lines += [NOISE, NOISE, replace(NOISE, transaction_id="f", kind="fee"), *lines[:2]]
    random.shuffle(lines)

    assert compare(ours, lines, WINDOW) == []


def test_every_class_is_planted():
    assert set(PLANTS.values()) == set(comparing.KINDS)


@settings(max_examples=300)
@given(healthy(), st.data(), st.randoms())
def test_planted_faults_are_found_and_no_others(found, data, random):
    expected = set()
    for number, case in enumerate(found):
        plant = data.draw(st.sampled_from([None, *PLANTS]), label=f"fault {number}")
        if plant is not None and case.payment.amount_minor > 20:
            expected.add((PLANTS[plant], unique(case, plant(case), number)))
    ours, lines = put_together(found)
    random.shuffle(lines)

    assert {(one.kind, one.object_id) for one in compare(ours, lines, WINDOW)} == expected


def unique(case: Case, object_id: str, number: int) -> str:
    """Two payments with a second capture must not share its id."""
    if object_id != "ch_again":
        return object_id
    own = f"ch_again_{number}"
    case.lines[-1] = replace(case.lines[-1], object_id=own, capture_id=own)
    return own


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_found_fault_names_its_payment_and_both_sums(plant):
    payment = OurPayment(
        id=UUID(int=7),
        currency="USD",
        amount_minor=5000,
        captured_minor=5000,
        capture_id="ch_0",
        captured_at=START,
    )
    case = Case(payment, lines=[charge_line(payment, START, 0)])
    object_id = plant(case)
    ours, lines = put_together([case])

    [one] = compare(ours, lines, WINDOW)

    assert (one.kind, one.object_id) == (PLANTS[plant], object_id)
    assert one.payment_id == (None if plant is plant_unknown else payment.id)
    assert one.ours or one.theirs


def single(**changes):
    payment = OurPayment(
        id=UUID(int=7),
        currency="USD",
        amount_minor=5000,
        captured_minor=5000,
        capture_id="ch_0",
        captured_at=START + timedelta(hours=5),
    )
    case = Case(payment, lines=[charge_line(payment, START + timedelta(hours=5), 0)])
    for name, value in changes.items():
        setattr(case, name, value)
    return case


def kinds(case, window=WINDOW, **more):
    ours, lines = put_together([case])
    return [one.kind for one in compare(ours, lines, window, **more)]


def test_only_the_window_is_judged():
    """The day before is listed as evidence; what is wrong there is the affair of its own run."""
    before = single(lines=[charge_line(single().payment, START - timedelta(hours=1), 9)])
    before.payment = replace(before.payment, captured_at=START - timedelta(hours=1))

    assert kinds(before) == []


def test_what_we_heard_of_days_later_is_not_missing():
    """A bank settled it, the message was lost, and the janitor found it after the weekend."""
    late = single(lines=[])
    seen = {"ch_0": Seen(at=START - timedelta(days=6))}

    assert kinds(late) == [comparing.LOCAL_PAID_MISSING_AT_GATEWAY]
    assert kinds(late, seen=seen) == []


def test_seen_within_the_listing_but_not_in_it_is_missing():
    seen = {"ch_0": Seen(at=START + timedelta(hours=5))}

    assert kinds(single(lines=[]), seen=seen) == [comparing.LOCAL_PAID_MISSING_AT_GATEWAY]


def test_books_that_are_late_are_waited_for():
    window = replace(WINDOW, late_after=START + timedelta(hours=4))

    assert kinds(single(lines=[]), window) == []


def test_money_that_came_and_went_is_nobodys_affair():
    case = single()
    unpaid(case)
    case.add(kind="refund", object_id="re_9", amount_minor=-5000)

    assert kinds(case) == []


def test_half_of_it_is_still_there():
    case = single()
    unpaid(case)
    case.add(kind="refund", object_id="re_9", amount_minor=-2500)

    assert kinds(case) == [comparing.PAID_AT_GATEWAY_NOT_LOCAL]


def test_a_dispute_that_was_won_and_lost_again_is_no_duplicate():
    case = single()
    object_id = add_dispute(case, known=True)
    at = case.charge.at
    case.add(kind="dispute_reversal", object_id=object_id, at=at + timedelta(hours=1))
    case.add(kind="dispute", object_id=object_id, at=at + timedelta(hours=2))

    assert kinds(case) == []


def test_a_refund_whose_failure_was_listed_alone():
    case = single()
    refund = add_refund(case, "succeeded", 100)
    case.lines.pop()
    case.add(kind="refund_failure", object_id=refund.provider_refund_id, amount_minor=100)

    assert kinds(case) == [comparing.STATUS_MISMATCH]


def test_a_refund_that_failed_after_the_listing():
    case = single()
    refund = add_refund(case, "succeeded", 100)
    case.refunds[0] = replace(refund, status="failed")
    seen = {refund.provider_refund_id: Seen(at=case.charge.at, failed=True)}

    assert kinds(case) == [comparing.STATUS_MISMATCH]
    assert kinds(case, seen=seen) == []


def test_no_activity_at_all():
    assert compare(Ours(), [], WINDOW) == []
