"""The fold: the same events in any order, any number of times, are one payment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from apps.payments import events
from apps.payments.aggregate import fold

START = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
REFUND = UUID("0199f0c2-8a00-7000-8000-000000000009")
OTHER = UUID("0199f0c2-8a00-7000-8000-00000000000a")


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


INITIATED = events.Initiated(
    payer_id=REFUND,
    lines=(events.Part(reference="i", amount_minor=1000),),
    amount_minor=1000,
    currency="USD",
    provider="stripe",
    mode="sandbox",
    method="card",
    at=at(0),
)
STORY = [
    INITIATED,
    events.SessionCreated(session_id="cs", expires_at=None, at=at(1)),
    events.AttemptFailed(attempt_id="ch_0", code="c", message="m", final=False, at=at(2)),
    events.Processing(attempt_id="ch_1", at=at(3)),
    events.OutcomeUnknown(operation="x", detail="y", at=at(3)),
    events.Cancelled(at=at(4)),
    events.Expired(at=at(4)),
    events.Captured(capture_id="ch_1", amount_minor=1000, currency="USD", method="card", at=at(5)),
    events.RefundRequested(refund_id=REFUND, amount_minor=300, reason="r", at=at(6)),
    events.RefundPending(refund_id=REFUND, provider_refund_id="re", at=at(7)),
    events.RefundSucceeded(refund_id=REFUND, provider_refund_id="re", at=at(8)),
    events.RefundRequested(refund_id=OTHER, amount_minor=200, reason="r", at=at(9)),
    events.RefundSucceeded(refund_id=OTHER, provider_refund_id="re2", at=at(9)),
    events.RefundRejected(refund_id=OTHER, reason="bank", at=at(10)),
]


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=10))
def test_order_and_repetition_do_not_matter(shuffled, repeated):
    assert fold([*shuffled, *repeated]) == fold(STORY)


@given(st.lists(st.sampled_from(STORY), max_size=20))
def test_any_part_of_the_story_keeps_the_sums_right(part):
    state = fold(part)

    assert 0 <= state.refundable_minor <= state.captured_minor
    assert state.captured_minor in (0, 1000)
    assert not (state.is_open and state.captured_minor)


def test_money_counts_after_a_cancel():
    state = fold(STORY)

    assert (state.status, state.captured_minor, state.refunded_minor) == (
        "partially_refunded",
        1000,
        300,
    )
    assert state.refundable_minor == 700


def test_a_refund_on_its_way_holds_its_amount():
    state = fold(STORY[:9])

    assert (state.status, state.refunded_minor, state.refundable_minor) == ("captured", 0, 700)


def test_declined_is_not_the_end_but_a_final_refusal_is():
    tried = fold(STORY[:3])
    final = fold(
        [
            *STORY[:2],
            events.Processing(attempt_id="ch", at=at(2)),
            events.AttemptFailed(attempt_id="ch", code="c", message="", final=True, at=at(3)),
        ]
    )

    assert (tried.status, tried.is_open) == ("declined", True)
    assert (final.status, final.is_open) == ("declined", False)


def test_an_empty_story_is_no_open_payment():
    assert fold([]).is_open is False
