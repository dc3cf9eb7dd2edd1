"""Which columns follow from a payment's events, and how: one place for writing and for replays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apps.payments import contracts
from apps.payments.aggregate import DisputeState, PaymentState, RefundState
from apps.payments.choices import DISPUTE, EXTERNAL_REFUND, INQUIRY, MISMATCH, REFUND_FAILED


def payment_columns(state: PaymentState) -> dict[str, Any]:
    """Columns of the payment's row."""
    arrived: Iterable[Any] = (state.captures or state.mismatches).values()
    first = min(arrived, key=lambda c: (c.at, c.capture_id), default=None)
    return {
        "status": state.status,
        "is_open": state.is_open,
        "cover_minor": state.started.cover_minor if state.started else 0,
        "captured_minor": state.captured_minor,
        "refunded_minor": state.refunded_minor,
        "refundable_minor": state.refundable_minor,
        "disputed_minor": state.disputed_minor,
        "lost_minor": state.lost_minor,
        "captured_at": state.captured_at,
        "capture_id": first.capture_id if first else "",
        "attention": attention(state),
    }


def refund_columns(refund: RefundState) -> dict[str, Any]:
    """Columns of a refund's row."""
    return {
        "status": refund.status,
        "failure": refund.failure[:300],
        "provider_refund_id": refund.provider_refund_id,
        "completed_at": refund.rejected_at or refund.succeeded_at,
    }


def dispute_columns(state: PaymentState, dispute: DisputeState) -> dict[str, Any]:
    """Columns of a dispute's row."""
    opened = dispute.opened
    return {
        "provider_dispute_id": opened.provider_dispute_id,
        "amount_minor": opened.amount_minor,
        "currency": opened.currency,
        "status": dispute.status,
        "counts": state.counts(dispute),
        "reason": opened.reason[:100],
        "due_by": dispute.due_by,
        "opened_at": opened.at,
        "closed_at": dispute.closed_at,
    }


def attention(state: PaymentState) -> str:
    """Why a person should look at the payment; empty when nobody needs to."""
    if state.unresolved():
        return MISMATCH
    refunds = state.refunds.values()
    # Of money that was never booked nothing can be booked back.
    if state.captures and any(r.external and r.status == contracts.REFUND_PENDING for r in refunds):
        return EXTERNAL_REFUND
    disputes = {dispute.status for dispute in state.disputes.values()}
    if contracts.OPEN in disputes:
        return DISPUTE
    if contracts.INQUIRY in disputes:
        return INQUIRY
    return REFUND_FAILED if any(r.succeeded_at and r.rejected_at for r in refunds) else ""
