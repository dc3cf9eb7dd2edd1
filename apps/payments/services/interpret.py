"""What a gateway's answer adds to what we know: pure, so every combination can be tested."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from apps.payments import contracts, events
from apps.payments.aggregate import DisputeState, PaymentState, RefundState
from apps.payments.providers.base import (
    CaptureSnapshot,
    DisputeSnapshot,
    PaymentSnapshot,
    RefundSnapshot,
)


def news(
    state: PaymentState,
    snapshot: PaymentSnapshot,
    *,
    payment_id: UUID,
    asked_at: datetime,
    now: datetime,
) -> list[object]:
    """The events that are not stored yet, in the order in which a reader would expect them.
    `asked_at`: when the gateway was asked, which others may have done since."""
    if snapshot.payment_id != str(payment_id):
        return []  # an answer about something else is never believed
    found: list[object] = [
        events.Processing(attempt_id=attempt_id, at=at)
        for attempt_id, at in snapshot.processing
        if attempt_id not in state.processing
    ]
    found += _failures(state, snapshot)
    found += [
        event for capture in snapshot.captures if (event := _capture(state, capture, now=now))
    ]
    found += [event for refund in snapshot.refunds for event in _refund(state, refund, payment_id)]
    for dispute in snapshot.disputes:
        found += _dispute(state, dispute, payment_id=payment_id, asked_at=asked_at)
    if snapshot.expired and state.is_open and state.expired_at is None:
        found.append(events.Expired(at=now))
    return found


def _failures(state: PaymentState, snapshot: PaymentSnapshot) -> list[object]:
    found: list[object] = []
    for failure in snapshot.failures:
        known = state.failures.get(failure.attempt_id)
        if known is None or (failure.final and not known.final):
            found.append(
                events.AttemptFailed(
                    attempt_id=failure.attempt_id,
                    code=failure.code,
                    message=failure.message,
                    final=failure.final,
                    at=failure.at,
                )
            )
    return found


def _capture(state: PaymentState, capture: CaptureSnapshot, *, now: datetime) -> object | None:
    """Money counts when it is what was asked for; anything else waits for a person."""
    if capture.capture_id in state.captures or capture.capture_id in state.mismatches:
        return None
    asked = (state.must_start().amount_minor, state.must_start().currency)
    if (capture.amount_minor, capture.currency) == asked and not state.captures:
        return events.Captured(
            capture_id=capture.capture_id,
            amount_minor=capture.amount_minor,
            currency=capture.currency,
            method=capture.method,
            # A late payment carries the time of its attempt; the money came when it was settled.
            at=now if capture.capture_id in state.processing else capture.at,
        )
    return events.MismatchDetected(
        capture_id=capture.capture_id,
        expected_minor=asked[0],
        expected_currency=asked[1],
        actual_minor=capture.amount_minor,
        actual_currency=capture.currency,
        at=now,
    )


def _refund(state: PaymentState, seen: RefundSnapshot, payment_id: UUID) -> list[object]:
    known = _known_refund(state, seen)
    if known is None:
        return _external(seen, payment_id)
    if seen.status == "failed" and known.rejected_at is None:
        return [events.RefundRejected(refund_id=known.id, reason=seen.failure[:300], at=seen.at)]
    if seen.status == "succeeded" and known.succeeded_at is None and not known.external:
        return [
            events.RefundSucceeded(
                refund_id=known.id, provider_refund_id=seen.provider_refund_id, at=seen.at
            )
        ]
    if seen.status == "pending" and known.pending_at is None:
        return [
            events.RefundPending(
                refund_id=known.id, provider_refund_id=seen.provider_refund_id, at=seen.at
            )
        ]
    return []


def _known_refund(state: PaymentState, seen: RefundSnapshot) -> RefundState | None:
    for refund in state.refunds.values():
        if seen.provider_refund_id == refund.provider_refund_id or seen.our_id == str(refund.id):
            return refund
    return None


def _external(seen: RefundSnapshot, payment_id: UUID) -> list[object]:
    """Made at the gateway itself. Its id here follows from the gateway's, so that two who see it
    at once write the same."""
    if seen.status == "failed":
        return []
    return [
        events.ExternalRefundDetected(
            refund_id=uuid5(payment_id, seen.provider_refund_id),
            provider_refund_id=seen.provider_refund_id,
            amount_minor=seen.amount_minor,
            at=seen.at,
        )
    ]


def _dispute(
    state: PaymentState, seen: DisputeSnapshot, *, payment_id: UUID, asked_at: datetime
) -> list[object]:
    known = _rounds(state, seen)
    if _is_stale(known, asked_at):
        return []
    last = known[-1] if known else None
    if last is not None and not _begins_anew(last, seen):
        return _dispute_progress(last, seen, asked_at=asked_at)
    opened = events.DisputeOpened(
        # Its id follows from the gateway's, so that two who see it at once write the same.
        dispute_id=uuid5(payment_id, f"{seen.dispute_id}#{len(known)}"),
        payment_id=payment_id,
        provider_dispute_id=seen.dispute_id,
        capture_id=seen.capture_id,
        amount_minor=seen.amount_minor,
        currency=seen.currency,
        reason=seen.reason[:100],
        due_by=seen.due_by,
        at=asked_at if known else seen.at,
        inquiry=seen.inquiry,
    )
    asking = last is not None and last.status in (contracts.INQUIRY, contracts.INQUIRY_ANSWERED)
    over = [_closed(last, disputed=True, at=asked_at)] if last and asking else []
    rest = _dispute_progress(DisputeState(opened=opened), seen, asked_at=asked_at)
    return [*over, opened, *rest]


def _begins_anew(last: DisputeState, seen: DisputeSnapshot) -> bool:
    """Won is won: a bank that comes back to it begins another round, and so does one that makes a
    dispute of what it only asked about."""
    if last.opened.inquiry and not seen.inquiry:
        return True
    return bool(last.won or last.closed) and seen.status != contracts.WON


def _closed(asked: DisputeState, *, disputed: bool, at: datetime) -> events.InquiryClosed:
    return events.InquiryClosed(dispute_id=asked.opened.dispute_id, disputed=disputed, at=at)


def _is_stale(known: list[DisputeState], asked_at: datetime) -> bool:
    """What the gateway said earlier than what is known: an answer that was overtaken would open a
    dispute again that is decided, or decide one that was opened again."""
    if not known:
        return False
    last = known[-1]
    began = [last.opened] if len(known) > 1 else []  # the first by the gateway's own clock
    facts = [*began, last.updated, last.won, last.lost, last.closed]
    return any(fact is not None and fact.at > asked_at for fact in facts)


def _rounds(state: PaymentState, seen: DisputeSnapshot) -> list[DisputeState]:
    """What is known of this dispute, the oldest round first."""
    found = [d for d in state.disputes.values() if d.opened.provider_dispute_id == seen.dispute_id]
    return sorted(found, key=lambda dispute: dispute.opened.at)


def _dispute_progress(
    known: DisputeState, seen: DisputeSnapshot, *, asked_at: datetime
) -> list[object]:
    """Dated by when the gateway was asked, so that an older answer is known for one."""
    opened = known.opened
    if seen.status in contracts.UNDECIDED:
        answered = seen.status == contracts.UNDER_REVIEW
        if (answered, seen.due_by) == (known.answered, known.due_by) or known.closed_at:
            return []
        return [
            events.DisputeUpdated(
                dispute_id=opened.dispute_id, answered=answered, due_by=seen.due_by, at=asked_at
            )
        ]
    if opened.inquiry:
        return [] if known.closed else [_closed(known, disputed=False, at=asked_at)]
    decided = events.DisputeWon if seen.status == contracts.WON else events.DisputeLost
    if known.won or (known.lost and decided is events.DisputeLost):
        return []
    return [
        decided(
            dispute_id=opened.dispute_id,
            payment_id=opened.payment_id,
            amount_minor=opened.amount_minor,
            currency=opened.currency,
            at=asked_at,
        )
    ]
