"""What Stripe's objects say, as snapshots: plain dictionaries in, no package and no network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.payments.providers.base import (
    CaptureSnapshot,
    DisputeSnapshot,
    FailureSnapshot,
    PaymentSnapshot,
    RefundSnapshot,
)
from apps.payments.providers.stripe_methods import kept_method

_REFUND_STATUS = {
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
# A dispute that was prevented took no money.
_DISPUTE_STATUS = {
    "needs_response": "open",
    "warning_needs_response": "open",
    "under_review": "under_review",
    "warning_under_review": "under_review",
    "won": "won",
    "warning_closed": "won",
    "prevented": "won",
    "lost": "lost",
}


def payment_snapshot(
    session: dict[str, Any],
    intent: dict[str, Any],
    refunds: tuple[RefundSnapshot, ...],
    disputes: tuple[DisputeSnapshot, ...],
) -> PaymentSnapshot:
    status = session.get("status")
    return PaymentSnapshot(
        session_id=session["id"],
        payment_id=session.get("client_reference_id") or "",
        open=status == "open",
        expired=status == "expired",
        url=session.get("url") or "",
        processing=_processing(intent),
        captures=captures(intent),
        failures=_failures(session, intent),
        refunds=refunds,
        disputes=disputes,
        method=kept_method(intent),
    )


def charge_of(intent: dict[str, Any]) -> dict[str, Any]:
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, dict) else {}


def captures(intent: dict[str, Any]) -> tuple[CaptureSnapshot, ...]:
    """`completed` does not mean paid: only a charge that succeeded is money."""
    charge = charge_of(intent)
    if charge.get("status") != "succeeded" or not charge.get("paid"):
        return ()
    details = charge.get("payment_method_details") or {}
    return (
        CaptureSnapshot(
            capture_id=charge["id"],
            amount_minor=charge.get("amount_captured", charge["amount"]),
            currency=charge["currency"].upper(),
            method=str(details.get("type") or "card")[:20],
            at=moment(charge["created"]) or datetime.now(UTC),
        ),
    )


def _processing(intent: dict[str, Any]) -> tuple[tuple[str, datetime], ...]:
    if intent.get("status") != "processing":
        return ()
    charge = charge_of(intent)
    attempt_id = charge.get("id") or intent["id"]
    created = charge.get("created") or intent.get("created")
    return ((attempt_id, moment(created) or datetime.now(UTC)),)


def _failures(session: dict[str, Any], intent: dict[str, Any]) -> tuple[FailureSnapshot, ...]:
    charge = charge_of(intent)
    over = session.get("status") == "complete" and intent.get("status") in (
        "requires_payment_method",
        "canceled",
    )
    if charge.get("status") != "failed" and not over:
        return ()
    error = intent.get("last_payment_error") or {}
    return (
        FailureSnapshot(
            attempt_id=charge.get("id") or intent["id"],
            code=str(charge.get("failure_code") or error.get("code") or "declined")[:60],
            message=str(charge.get("failure_message") or error.get("message") or "")[:300],
            final=over,
            at=moment(charge.get("created") or intent.get("created")) or datetime.now(UTC),
        ),
    )


def refund_snapshot(refund: dict[str, Any]) -> RefundSnapshot:
    return RefundSnapshot(
        provider_refund_id=refund["id"],
        our_id=(refund.get("metadata") or {}).get("refund_id", ""),
        amount_minor=refund["amount"],
        currency=refund["currency"].upper(),
        status=_REFUND_STATUS.get(refund.get("status") or "", "pending"),
        failure=str(refund.get("failure_reason") or "").replace("_", " "),
        at=moment(refund["created"]) or datetime.now(UTC),
    )


def dispute_snapshot(dispute: dict[str, Any]) -> DisputeSnapshot:
    evidence, status = dispute.get("evidence_details") or {}, dispute.get("status") or ""
    return DisputeSnapshot(
        dispute_id=dispute["id"],
        capture_id=str(dispute.get("charge") or ""),
        amount_minor=dispute["amount"],
        currency=dispute["currency"].upper(),
        status=_DISPUTE_STATUS.get(status, "open"),
        reason=str(dispute.get("reason") or ""),
        due_by=moment(evidence.get("due_by")),
        at=moment(dispute["created"]) or datetime.now(UTC),
        inquiry=status.startswith("warning_"),
    )


def moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
