"""What PayPal says of a capture that its payer disputes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from apps.payments.providers.base import CaptureSnapshot, DisputeSnapshot, ProviderError
from apps.payments.providers.paypal.amounts import from_paypal
from apps.payments.providers.paypal.api import Api
from apps.payments.providers.paypal.orders import moment

logger = logging.getLogger(__name__)
_LOST = ("RESOLVED_BUYER_FAVOUR", "ACCEPTED")


def disputes_of(api: Api, captures: Sequence[CaptureSnapshot]) -> tuple[DisputeSnapshot, ...]:
    """Every dispute about these captures.

    An account may take payments without leave to read disputes: none are told then, and the
    payment itself is not held up by it.
    """
    try:
        return tuple(
            _snapshot(api.call("GET", f"v1/customer/disputes/{row['dispute_id']}"), capture)
            for capture in captures
            for row in _rows(api, capture.capture_id)
        )
    except ProviderError as error:
        logger.warning("disputes cannot be read: %s", error.code)
        return ()


def _rows(api: Api, capture_id: str) -> list[dict[str, Any]]:
    query = urlencode({"disputed_transaction_id": capture_id})
    return api.call("GET", f"v1/customer/disputes?{query}").get("items") or []


def _snapshot(dispute: dict[str, Any], capture: CaptureSnapshot) -> DisputeSnapshot:
    amount_minor, currency = from_paypal(dispute.get("dispute_amount"))
    due = dispute.get("seller_response_due_date")
    return DisputeSnapshot(
        dispute_id=dispute["dispute_id"],
        capture_id=capture.capture_id,
        amount_minor=amount_minor,
        currency=currency,
        status=_status(dispute),
        reason=str(dispute.get("reason") or "").replace("_", " ").lower(),
        due_by=moment(due) if due else None,
        at=moment(dispute.get("create_time") or dispute.get("update_time")),
    )


def _status(dispute: dict[str, Any]) -> str:
    status = dispute.get("status")
    if status == "RESOLVED":
        outcome = (dispute.get("dispute_outcome") or {}).get("outcome_code")
        return "lost" if outcome in _LOST else "won"
    return "under_review" if status == "UNDER_REVIEW" else "open"
