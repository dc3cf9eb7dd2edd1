"""The fold: the same events in any order, any number of times, are one payment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.payments import events
from apps.payments.aggregate import fold

START = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
REFUND = UUID("0199f0c2-8a00-7000-8000-000000000009")
OTHER = UUID("0199f0c2-8a00-7000-8000-00000000000a")
DISPUTE = UUID("0199f0c2-8a00-7000-8000-00000000000b")
LOST = UUID("0199f0c2-8a00-7000-8000-00000000000c")


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


def disputed(dispute_id: UUID, amount_minor: int, minutes: int) -> events.DisputeOpened:
    return events.DisputeOpened(
        dispute_id=dispute_id,
        payment_id=REFUND,
        provider_dispute_id=f"du_{minutes}",
        capture_id="ch_1",
        amount_minor=amount_minor,
        currency="USD",
        reason="fraudulent",
        due_by=at(100),
        at=at(minutes),
    )


def decided(cls, dispute_id: UUID, amount_minor: int, minutes: int):
    return cls(
        dispute_id=dispute_id,
        payment_id=REFUND,
        amount_minor=amount_minor,
        currency="USD",
        at=at(minutes),
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
BANK = [
    disputed(DISPUTE, 250, 11),
    events.DisputeUpdated(dispute_id=DISPUTE, answered=False, due_by=at(120), at=at(12)),
    events.DisputeUpdated(dispute_id=DISPUTE, answered=True, due_by=None, at=at(13)),
    decided(events.DisputeLost, DISPUTE, 250, 14),
    decided(events.DisputeWon, DISPUTE, 250, 15),
    disputed(LOST, 100, 16),
    decided(events.DisputeLost, LOST, 100, 17),
]
WHOLE = [*STORY, *BANK]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.permutations(WHOLE), st.lists(st.sampled_from(WHOLE), max_size=10))
def test_order_and_repetition_do_not_matter(shuffled, repeated):
    assert fold([*shuffled, *repeated]) == fold(WHOLE)


@given(st.lists(st.sampled_from(WHOLE), max_size=30))
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


def test_what_a_bank_disputes_cannot_be_refunded():
    state = fold([*STORY, *BANK[:1]])

    assert (state.status, state.disputed_minor, state.refundable_minor) == ("disputed", 250, 450)
    assert state.disputes[DISPUTE].due_by == at(100)
    assert fold([*STORY, *BANK[:2]]).disputes[DISPUTE].due_by == at(120)
    assert fold([*STORY, *BANK[:3]]).disputes[DISPUTE].status == "under_review"


def test_a_lost_dispute_takes_its_money_and_one_that_was_won_gives_it_back():
    lost, won = fold([*STORY, *BANK[:4]]), fold([*STORY, *BANK[:5]])

    assert (lost.status, lost.lost_minor, lost.kept_minor) == ("dispute_lost", 250, 450)
    assert (won.status, won.lost_minor, won.kept_minor) == ("partially_refunded", 0, 700)
    assert lost.refundable_minor == 450
    assert won.disputes[DISPUTE].status == "won"


def test_a_dispute_of_money_that_was_never_booked_takes_nothing():
    state = fold([INITIATED, *BANK])

    assert (state.captured_minor, state.lost_minor, state.kept_minor) == (0, 0, 0)
