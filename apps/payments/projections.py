"""How the tables of payments follow from the stored events; `manage.py replay` goes by it.

journal.py keeps the same columns in the transaction that appends.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.events import facade as event_store
from apps.payments import events
from apps.payments.aggregate import DisputeState, PaymentState, RefundState, fold
from apps.payments.services.derived import dispute_columns, payment_columns, refund_columns

STORED = (
    events.Initiated,
    events.SessionCreated,
    events.Processing,
    events.Captured,
    events.AttemptFailed,
    events.Cancelled,
    events.Expired,
    events.OutcomeUnknown,
    events.MismatchDetected,
    events.RefundRequested,
    events.RefundPending,
    events.RefundSucceeded,
    events.RefundRejected,
    events.ExternalRefundDetected,
    events.ExternalRefundBooked,
    events.ExternalRefundIgnored,
    events.MismatchResolved,
    events.Allocated,
    events.Credited,
    events.Covered,
    events.DisputeOpened,
    events.DisputeUpdated,
    events.InquiryClosed,
    events.DisputeWon,
    events.DisputeLost,
)
PAYMENT = event_store.Derived(
    table="payments_payment",
    columns=(
        "version",
        "status",
        "is_open",
        "cover_minor",
        "captured_minor",
        "refunded_minor",
        "refundable_minor",
        "disputed_minor",
        "lost_minor",
        "captured_at",
        "capture_id",
        "attention",
    ),
)
REFUND = event_store.Derived(
    table="payments_refund",
    stream="payment_id",
    columns=("status", "failure", "provider_refund_id", "completed_at"),
)

DISPUTE = event_store.Derived(
    table="payments_dispute",
    stream="payment_id",
    columns=(
        "provider_dispute_id",
        "amount_minor",
        "currency",
        "status",
        "counts",
        "reason",
        "due_by",
        "opened_at",
        "closed_at",
    ),
)


def project(payment_id: UUID, history: event_store.History) -> dict[str, list[tuple[Any, ...]]]:
    """The payment's row and those of its refunds and disputes."""
    state = fold(history.events)
    refunds = sorted(state.refunds.values(), key=lambda refund: refund.id)
    return {
        PAYMENT.table: [(payment_id, *_payment(history.version, state))],
        REFUND.table: [(refund.id, *_refund(refund)) for refund in refunds],
        DISPUTE.table: [
            (dispute_id, *_dispute(state, state.disputes[dispute_id]))
            for dispute_id in sorted(state.disputes)
        ],
    }


def _payment(version: int, state: PaymentState) -> tuple[Any, ...]:
    values = {"version": version, **payment_columns(state)}
    return tuple(values[name] for name in PAYMENT.columns)


def _refund(refund: RefundState) -> tuple[Any, ...]:
    values = refund_columns(refund)
    return tuple(values[name] for name in REFUND.columns)


def _dispute(state: PaymentState, dispute: DisputeState) -> tuple[Any, ...]:
    values = dispute_columns(state, dispute)
    return tuple(values[name] for name in DISPUTE.columns)


event_store.add_projection(
    event_store.Projection(
        name="payments",
        version=4,
        events=frozenset(each.name for each in STORED),
        tables=(PAYMENT, REFUND, DISPUTE),
        project=project,
        ended="version",
    )
)
