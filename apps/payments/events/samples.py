"""One sample of every version ever stored or published, and how old versions become new ones."""

from __future__ import annotations

from typing import Any

_PAYMENT = "0199f0c2-8a00-7000-8000-000000000001"
_PAYER = "0199f0c2-8a00-7000-8000-000000000002"
_REFUND = "0199f0c2-8a00-7000-8000-000000000003"
_DISPUTE = "0199f0c2-8a00-7000-8000-000000000004"
_AT = "2026-01-15T14:30:00+00:00"
_SUM = {"amount_minor": 25000, "currency": "USD"}
_HOW = {"provider": "stripe", "mode": "sandbox", "method": "card", "at": _AT}
_LINE = {"reference": "INV-1", "description": "Ada Park: term fee", "amount_minor": 25000}

SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("payments.payment_captured", 1): {
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "payer_name": "Mina Park",
        "payer_email": "mina@example.org",
        **_SUM,
        "method": "card",
        "lines": [_LINE],
        "captured_at": _AT,
    },
    ("payments.extra_captured", 1): {
        "payment_id": _PAYMENT,
        "capture_id": "ch_2",
        **_SUM,
        "captured_at": _AT,
    },
    ("payments.payment_failed", 1): {
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "reason": "declined",
    },
    ("payments.refund_completed", 1): {
        "refund_id": _REFUND,
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "payer_name": "Mina Park",
        "payer_email": "mina@example.org",
        "amount_minor": 5000,
        "currency": "USD",
        "reason": "Trip was cancelled",
        "completed_at": _AT,
    },
    ("payments.refund_failed", 1): {
        "refund_id": _REFUND,
        "payment_id": _PAYMENT,
        "payer_id": _PAYER,
        "amount_minor": 5000,
        "currency": "USD",
        "reason": "The card was closed",
    },
    ("payments.initiated", 1): {
        "payer_id": _PAYER,
        "payer_name": "Mina Park",
        "lines": [_LINE],
        **_SUM,
        **_HOW,
    },
    ("payments.initiated", 2): {
        "payer_id": _PAYER,
        "lines": [{"reference": "INV-1", "amount_minor": 25000}],
        **_SUM,
        **_HOW,
    },
    ("payments.session_created", 1): {
        "session_id": "cs_test_1",
        "expires_at": "2026-01-15T15:30:00+00:00",
        "at": _AT,
    },
    ("payments.processing", 1): {"attempt_id": "pi_1", "at": _AT},
    ("payments.captured", 1): {
        "capture_id": "ch_1",
        **_SUM,
        "method": "card",
        "at": _AT,
    },
    ("payments.attempt_failed", 1): {
        "attempt_id": "ch_0",
        "code": "card_declined",
        "message": "Your card was declined.",
        "final": False,
        "at": _AT,
    },
    ("payments.cancelled", 1): {"at": _AT},
    ("payments.expired", 1): {"at": _AT},
    ("payments.outcome_unknown", 1): {
        "operation": "open the payment page",
        "detail": "Read timed out",
        "at": _AT,
    },
    ("payments.mismatch_detected", 1): {
        "capture_id": "ch_1",
        "expected_minor": 25000,
        "expected_currency": "USD",
        "actual_minor": 2500,
        "actual_currency": "USD",
        "at": _AT,
    },
    ("payments.refund_requested", 1): {
        "refund_id": _REFUND,
        "amount_minor": 5000,
        "reason": "Trip was cancelled",
        "at": _AT,
    },
    ("payments.refund_requested", 2): {
        "refund_id": _REFUND,
        "amount_minor": 2500,
        "reason": "Taken twice",
        "at": _AT,
        "capture_id": "ch_2",
    },
    ("payments.mismatch_resolved", 1): {"capture_id": "ch_1", "decision": "book", "at": _AT},
    ("payments.allocated", 1): {"amount_minor": 20000, "at": _AT},
    ("payments.credited", 1): {"amount_minor": 5000, "at": _AT},
    ("payments.covered", 1): {"amount_minor": 320, "at": _AT},
    ("payments.refund_pending", 1): {"refund_id": _REFUND, "provider_refund_id": "re_1", "at": _AT},
    ("payments.refund_succeeded", 1): {
        "refund_id": _REFUND,
        "provider_refund_id": "re_1",
        "at": _AT,
    },
    ("payments.refund_rejected", 1): {
        "refund_id": _REFUND,
        "reason": "The card was closed",
        "at": _AT,
    },
    ("payments.external_refund_detected", 1): {
        "refund_id": _REFUND,
        "provider_refund_id": "re_2",
        "amount_minor": 5000,
        "at": _AT,
    },
    ("payments.external_refund_booked", 1): {"refund_id": _REFUND, "at": _AT},
    ("payments.external_refund_ignored", 1): {
        "refund_id": _REFUND,
        "reason": "Given back in cash as well",
        "at": _AT,
    },
    ("payments.dispute_opened", 1): {
        "dispute_id": _DISPUTE,
        "payment_id": _PAYMENT,
        "provider_dispute_id": "du_1",
        "capture_id": "ch_1",
        **_SUM,
        "reason": "fraudulent",
        "due_by": "2026-01-25T23:59:59+00:00",
        "at": _AT,
    },
    ("payments.dispute_updated", 1): {
        "dispute_id": _DISPUTE,
        "answered": True,
        "due_by": None,
        "at": _AT,
    },
    ("payments.inquiry_closed", 1): {"dispute_id": _DISPUTE, "disputed": True, "at": _AT},
    ("payments.dispute_won", 1): {
        "dispute_id": _DISPUTE,
        "payment_id": _PAYMENT,
        **_SUM,
        "at": _AT,
    },
    ("payments.dispute_lost", 1): {
        "dispute_id": _DISPUTE,
        "payment_id": _PAYMENT,
        **_SUM,
        "at": _AT,
    },
}


def _without_names(payload: dict[str, Any]) -> dict[str, Any]:
    """payments.initiated v1 -> v2."""
    lines = [
        {"reference": x["reference"], "amount_minor": x["amount_minor"]} for x in payload["lines"]
    ]
    kept = {key: value for key, value in payload.items() if key != "payer_name"}
    return {**kept, "lines": lines}


def _of_the_payment(payload: dict[str, Any]) -> dict[str, Any]:
    """payments.refund_requested v1 -> v2."""
    return {**payload, "capture_id": ""}


UPCASTERS = {
    ("payments.initiated", 1): _without_names,
    ("payments.refund_requested", 1): _of_the_payment,
}
