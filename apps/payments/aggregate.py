"""A payment's state as a fold of its stored events, with no framework in it.

The fold does not depend on the order of events and counts none twice: gateways deliver late,
twice and in any order, and a status column written last-writer-wins would follow them. Three rules
decide: money that arrived always counts, whatever was said before; a refund that failed has
failed, even when it had been reported as done; and a dispute that was won is won, even when it had
been reported as lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from uuid import UUID

from apps.payments import contracts, events

HOLDING = (contracts.REFUND_REQUESTED, contracts.REFUND_PENDING, contracts.REFUND_SUCCEEDED)


@dataclass(slots=True)
class RefundState:
    """One refund. `external` ones were made at the gateway and count once they are booked."""

    id: UUID
    amount_minor: int
    requested_at: datetime
    reason: str = ""
    capture_id: str = ""
    provider_refund_id: str = ""
    external: bool = False
    pending_at: datetime | None = None
    succeeded_at: datetime | None = None
    rejected_at: datetime | None = None
    ignored_at: datetime | None = None
    failure: str = ""

    @property
    def status(self) -> str:
        if self.rejected_at:
            return contracts.REFUND_FAILED
        if self.succeeded_at:
            return contracts.REFUND_SUCCEEDED
        if self.ignored_at:
            return contracts.REFUND_IGNORED
        return contracts.REFUND_PENDING if self.pending_at else contracts.REFUND_REQUESTED


@dataclass(slots=True)
class DisputeState:
    """One dispute. A bank that comes back to one that was won begins another (interpret.py)."""

    opened: events.DisputeOpened
    updated: events.DisputeUpdated | None = None
    won: events.DisputeWon | None = None
    lost: events.DisputeLost | None = None
    closed: events.InquiryClosed | None = None

    @property
    def status(self) -> str:
        if self.closed:
            return contracts.INQUIRY_CLOSED
        if self.won:
            return contracts.WON
        if self.lost:
            return contracts.LOST
        if self.opened.inquiry:
            return contracts.INQUIRY_ANSWERED if self.answered else contracts.INQUIRY
        return contracts.UNDER_REVIEW if self.answered else contracts.OPEN

    @property
    def answered(self) -> bool:
        return self.updated is not None and self.updated.answered

    @property
    def due_by(self) -> datetime | None:
        return self.updated.due_by if self.updated else self.opened.due_by

    @property
    def closed_at(self) -> datetime | None:
        decided = self.won or self.lost or self.closed
        return decided.at if decided else None


@dataclass(slots=True)
class PaymentState:
    """Everything that is known about one payment."""

    started: events.Initiated | None = None
    session: events.SessionCreated | None = None
    captures: dict[str, events.Captured] = field(default_factory=dict)
    processing: dict[str, datetime] = field(default_factory=dict)
    failures: dict[str, events.AttemptFailed] = field(default_factory=dict)
    mismatches: dict[str, events.MismatchDetected] = field(default_factory=dict)
    resolved: dict[str, events.MismatchResolved] = field(default_factory=dict)
    allocated: events.Allocated | None = None
    credited: events.Credited | None = None
    covered: events.Covered | None = None
    refunds: dict[UUID, RefundState] = field(default_factory=dict)
    disputes: dict[UUID, DisputeState] = field(default_factory=dict)
    cancelled_at: datetime | None = None
    expired_at: datetime | None = None
    unknown_operations: set[str] = field(default_factory=set)

    def must_start(self) -> events.Initiated:
        """How the payment began. Raises LookupError for a stream without a beginning."""
        if self.started is None:
            raise LookupError("the payment has no first event")
        return self.started

    @property
    def captured_minor(self) -> int:
        return sum(capture.amount_minor for capture in self.captures.values())

    @property
    def captured_at(self) -> datetime | None:
        return min((capture.at for capture in self.captures.values()), default=None)

    @property
    def refunded_minor(self) -> int:
        return self._refunds(contracts.REFUND_SUCCEEDED)

    def _refunds(self, *statuses: str) -> int:
        """Of money that is booked: what was not goes back as it came and counts nowhere."""
        if not self.refunds:
            return 0
        return sum(
            refund.amount_minor
            for refund in self.refunds.values()
            if refund.status in statuses and not refund.capture_id
        )

    def unresolved(self) -> list[events.MismatchDetected]:
        """Money that did not match and about which nobody has decided, oldest first."""
        if not self.mismatches:
            return []
        closed_at = self.cancelled_at
        waiting = [
            seen
            for seen in self.mismatches.values()
            if seen.capture_id not in self.resolved
            # Before decisions had events of their own, a person closed the payment as a whole.
            and not (closed_at and closed_at > seen.at)
        ]
        return sorted(waiting, key=lambda seen: (seen.at, seen.capture_id))

    @property
    def refundable_minor(self) -> int:
        """What may still be given back: a refund on its way holds its amount, and so does the
        payer's bank."""
        held = self._refunds(*HOLDING)
        return max(self.captured_minor - held - self.disputed_minor - self.lost_minor, 0)

    def counts(self, dispute: DisputeState) -> bool:
        """Of money that was never booked a bank can take nothing from the books."""
        opened = dispute.opened
        if self.started is None or opened.currency != self.started.currency:
            return False
        return opened.capture_id in self.captures

    def _disputed(self, *statuses: str) -> int:
        if not self.disputes:
            return 0
        return sum(
            dispute.opened.amount_minor
            for dispute in self.disputes.values()
            if dispute.status in statuses and self.counts(dispute)
        )

    @property
    def disputed_minor(self) -> int:
        """What the payer's bank wants back and has not decided about."""
        return self._disputed(*contracts.UNDECIDED)

    @property
    def lost_minor(self) -> int:
        """What the payer's bank has taken back for good. With what was refunded it may come to
        more than was captured: the payer then got some of it twice."""
        return self._disputed(contracts.LOST)

    @property
    def kept_minor(self) -> int:
        """What the school has of it; the books of other apps come to the same."""
        return self.captured_minor - self.refunded_minor - self.lost_minor

    @property
    def allocated_minor(self) -> int:
        """What it pays for by the books of whoever uses it, as far as they have told."""
        return self.allocated.amount_minor if self.allocated else 0

    @property
    def credited_minor(self) -> int:
        return self.credited.amount_minor if self.credited else 0

    @property
    def covered_minor(self) -> int:
        """What of it covers the cost of processing by the books."""
        return self.covered.amount_minor if self.covered else 0

    @property
    def is_square(self) -> bool:
        """Whether the books come to what is kept: always, as soon as all news has been booked."""
        return self.allocated_minor + self.credited_minor + self.covered_minor == self.kept_minor

    @property
    def open_attempts(self) -> set[str]:
        return set(self.processing) - set(self.failures)

    @property
    def is_open(self) -> bool:
        """True while money for the same thing may still arrive: nobody else should pay it."""
        if self.started is None or self.captures:
            return False
        if self.cancelled_at or self.expired_at:
            return False
        if self.mismatches:
            return bool(self.unresolved())
        return not any(f.final for f in self.failures.values())

    @property
    def status(self) -> str:
        if self.captures:
            return self._paid_status()
        if self.mismatches:
            return contracts.UNKNOWN if self.unresolved() else contracts.CANCELLED
        if self.open_attempts:
            return contracts.PROCESSING
        return self._unpaid_status()

    def _paid_status(self) -> str:
        if self.disputed_minor:
            return contracts.DISPUTED
        if self.lost_minor:
            return contracts.DISPUTE_LOST
        if not (refunded := self.refunded_minor):
            return contracts.CAPTURED
        if refunded >= self.captured_minor:
            return contracts.REFUNDED
        return contracts.PARTIALLY_REFUNDED

    def _unpaid_status(self) -> str:
        if self.cancelled_at:
            return contracts.CANCELLED
        if any(f.final for f in self.failures.values()):
            return contracts.DECLINED
        if self.expired_at:
            return contracts.EXPIRED
        if self.failures:
            return contracts.DECLINED
        if self.session is None and self.unknown_operations:
            return contracts.UNKNOWN
        return contracts.PENDING if self.session else contracts.INITIATED


def fold(stored: Iterable[object]) -> PaymentState:
    """The state after these events; order and repetition do not matter."""
    state = PaymentState()
    # Facts about a refund or dispute may stand before its beginning: beginnings are read first.
    later = [
        event
        for event in _in_reading_order(stored)
        if not _apply_payment_event(state, event) and not _apply_start(state, event)
    ]
    for event in later:
        _apply_refund_outcome(state, event)
        _apply_dispute_outcome(state, event)
    _book_what_was_decided(state)
    return state


def _book_what_was_decided(state: PaymentState) -> None:
    """Money that did not match counts once a person has said so, if it is of the one currency."""
    for capture_id, decided in state.resolved.items():
        seen, started = state.mismatches.get(capture_id), state.started
        if seen is None or started is None or decided.decision != contracts.BOOK:
            continue
        if seen.actual_currency == started.currency:
            booked = events.Captured(
                capture_id=capture_id,
                amount_minor=seen.actual_minor,
                currency=seen.actual_currency,
                method=started.method,
                at=seen.at,
            )
            state.captures.setdefault(capture_id, booked)


def _in_reading_order(stored: Iterable[object]) -> list[object]:
    """By time; those of one moment by what they say, which is dearer to work out than all else."""
    ordered = sorted(stored, key=attrgetter("at"))
    if any(one.at == other.at for one, other in pairwise(ordered)):  # type: ignore[attr-defined]
        ordered.sort(key=lambda event: (event.at, repr(event)))  # type: ignore[attr-defined]
    return ordered


def _apply_payment_event(state: PaymentState, event: object) -> bool:
    match event:
        case events.Initiated():
            state.started = state.started or event
        case events.SessionCreated():
            if state.session is None or event.session_id < state.session.session_id:
                state.session = event
        case events.Captured():
            state.captures.setdefault(event.capture_id, event)
        case events.Processing():
            seen = state.processing.get(event.attempt_id, event.at)
            state.processing[event.attempt_id] = min(seen, event.at)
        case events.AttemptFailed():
            known = state.failures.get(event.attempt_id)
            if known is None or (event.final and not known.final):
                state.failures[event.attempt_id] = event
        case events.MismatchDetected():
            state.mismatches.setdefault(event.capture_id, event)
        case events.MismatchResolved():
            state.resolved.setdefault(event.capture_id, event)
        case events.Allocated():
            state.allocated = event  # they are read by time: the latest stands
        case events.Credited():
            state.credited = event
        case events.Covered():
            state.covered = event
        case events.Cancelled():
            state.cancelled_at = _earliest(state.cancelled_at, event.at)
        case events.Expired():
            state.expired_at = _earliest(state.expired_at, event.at)
        case events.OutcomeUnknown():
            state.unknown_operations.add(event.operation)
        case _:
            return False
    return True


def _apply_start(state: PaymentState, event: object) -> bool:
    match event:
        case events.DisputeOpened():
            state.disputes.setdefault(event.dispute_id, DisputeState(opened=event))
            return True
        case events.RefundRequested():
            refund = RefundState(
                id=event.refund_id,
                amount_minor=event.amount_minor,
                requested_at=event.at,
                reason=event.reason,
                capture_id=event.capture_id,
            )
        case events.ExternalRefundDetected():
            refund = RefundState(
                id=event.refund_id,
                amount_minor=event.amount_minor,
                requested_at=event.at,
                provider_refund_id=event.provider_refund_id,
                external=True,
                pending_at=event.at,
            )
        case _:
            return False
    state.refunds.setdefault(refund.id, refund)
    return True


def _apply_refund_outcome(state: PaymentState, event: object) -> None:
    refund = state.refunds.get(getattr(event, "refund_id", None))  # type: ignore[arg-type]
    if refund is None:
        return
    match event:
        case events.RefundPending():
            refund.pending_at = _earliest(refund.pending_at, event.at)
            refund.provider_refund_id = event.provider_refund_id or refund.provider_refund_id
        case events.RefundSucceeded():
            refund.succeeded_at = _earliest(refund.succeeded_at, event.at)
            refund.provider_refund_id = event.provider_refund_id or refund.provider_refund_id
        case events.RefundRejected():
            refund.rejected_at = _earliest(refund.rejected_at, event.at)
            refund.failure = refund.failure or event.reason
        case events.ExternalRefundBooked():
            refund.succeeded_at = _earliest(refund.succeeded_at, event.at)
        case events.ExternalRefundIgnored():
            refund.ignored_at = _earliest(refund.ignored_at, event.at)


def _apply_dispute_outcome(state: PaymentState, event: object) -> None:
    dispute = state.disputes.get(getattr(event, "dispute_id", None))  # type: ignore[arg-type]
    if dispute is None:
        return
    match event:
        case events.DisputeUpdated():
            dispute.updated = event  # they are read by time: the latest stands
        case events.DisputeWon():
            dispute.won = dispute.won or event
        case events.DisputeLost():
            dispute.lost = dispute.lost or event
        case events.InquiryClosed():
            dispute.closed = dispute.closed or event


def _earliest(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
