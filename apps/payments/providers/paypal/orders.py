"""PayPal's orders as the types of base.py, and our requests as its orders: pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.payments.providers.base import (
    CaptureSnapshot,
    FailureSnapshot,
    PaymentSnapshot,
    RefundRequest,
    RefundSnapshot,
    SessionRequest,
)
from apps.payments.providers.paypal.amounts import from_paypal, to_paypal

Json = dict[str, Any]
MAX_TEXT = 127
_OPEN = ("CREATED", "SAVED", "PAYER_ACTION_REQUIRED", "APPROVED")
_TAKEN = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
_REFUSED = ("DECLINED", "FAILED")
_REFUND_STATUS = {"COMPLETED": "succeeded", "FAILED": "failed", "CANCELLED": "failed"}


def order_body(request: SessionRequest) -> Json:
    """What opens an order whose money our server takes once the payer has approved it."""
    paypal: Json = {
        "experience_context": {
            "return_url": request.success_url,
            "cancel_url": request.cancel_url,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
        }
    }
    if request.payer_email:
        paypal["email_address"] = request.payer_email
    return {
        "intent": "CAPTURE",
        "purchase_units": [_purchase(request)],
        "payment_source": {"paypal": paypal},
    }


def _purchase(request: SessionRequest) -> Json:
    """What is paid for; PayPal refuses an order whose items do not make the total."""
    total = sum(line.amount_minor for line in request.lines)
    amount = to_paypal(total, request.currency)
    return {
        "custom_id": request.payment_id,
        "invoice_id": request.payment_id,
        "description": request.description[:MAX_TEXT],
        "amount": {**amount, "breakdown": {"item_total": amount}},
        "items": [
            {
                "name": line.description[:MAX_TEXT],
                "quantity": "1",
                "unit_amount": to_paypal(line.amount_minor, request.currency),
            }
            for line in request.lines
        ],
    }


def page_of(order: Json) -> str:
    """Where the payer approves the order."""
    links = {link.get("rel"): link.get("href") for link in order.get("links") or ()}
    return str(links.get("payer-action") or links.get("approve") or "")


def snapshot(order: Json) -> PaymentSnapshot:
    """What the order says. Only a capture that is complete is money."""
    unit = (order.get("purchase_units") or [{}])[0]
    parts = unit.get("payments") or {}
    captures, status = parts.get("captures") or [], order.get("status")
    return PaymentSnapshot(
        session_id=order["id"],
        payment_id=unit.get("custom_id") or "",
        open=status in _OPEN,
        expired=status == "VOIDED",
        url=page_of(order),
        approved=status == "APPROVED",
        processing=tuple(
            (capture["id"], moment(capture.get("create_time")))
            for capture in captures
            if capture.get("status") == "PENDING"
        ),
        captures=tuple(_capture(c) for c in captures if c.get("status") in _TAKEN),
        failures=tuple(_failure(c) for c in captures if c.get("status") in _REFUSED),
        refunds=tuple(refund_snapshot(refund) for refund in parts.get("refunds") or ()),
    )


def _capture(capture: Json) -> CaptureSnapshot:
    amount_minor, currency = from_paypal(capture.get("amount"))
    return CaptureSnapshot(
        capture_id=capture["id"],
        amount_minor=amount_minor,
        currency=currency,
        method="paypal",
        at=moment(capture.get("create_time")),
    )


def _failure(capture: Json) -> FailureSnapshot:
    """A capture is only made of an approved order, and only once: when it fails, all is over."""
    reason = (capture.get("status_details") or {}).get("reason") or capture["status"]
    return FailureSnapshot(
        attempt_id=capture["id"],
        code=str(reason).lower()[:60],
        message="",
        final=True,
        at=moment(capture.get("update_time") or capture.get("create_time")),
    )


def refund_body(request: RefundRequest) -> Json:
    return {
        "amount": to_paypal(request.amount_minor, request.currency),
        "custom_id": request.refund_id,
        "invoice_id": request.refund_id,
    }


def refund_snapshot(refund: Json) -> RefundSnapshot:
    amount_minor, currency = from_paypal(refund.get("amount"))
    reason = (refund.get("status_details") or {}).get("reason") or ""
    return RefundSnapshot(
        provider_refund_id=refund["id"],
        our_id=str(refund.get("custom_id") or refund.get("invoice_id") or ""),
        amount_minor=amount_minor,
        currency=currency,
        status=_REFUND_STATUS.get(refund.get("status") or "", "pending"),
        failure=str(reason).replace("_", " ").lower(),
        at=moment(refund.get("create_time")),
    )


def moment(text: str | None) -> datetime:
    """A time of PayPal's, as UTC."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else datetime.now(UTC)
