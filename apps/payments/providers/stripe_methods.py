"""What is sent to Stripe, and saved cards: pure, between its API and the types of base.py."""

from __future__ import annotations

from typing import Any

from apps.payments.providers.base import (
    ChargeRequest,
    HostedSession,
    MethodSnapshot,
    SessionLine,
    SessionRequest,
)

Json = dict[str, Any]
OFF_SESSION = "off_session"
CLOCKS_MAY_DIFFER_SECONDS = 300


def is_charge(session_id: str) -> bool:
    """A charge without a page goes by its intent's id."""
    return session_id.startswith("pi_")


def _saving_params(request: SessionRequest) -> Json:
    """What a hosted page needs besides when the card is to be kept."""
    if not request.save_method:
        return {}
    known = {"customer": request.customer_id} if request.customer_id else {}
    return known or {"customer_creation": "always"}


def session_params(request: SessionRequest) -> Json:
    """A hosted page, and a card that is kept when the payer agreed."""
    params: Json = {
        "mode": "payment",
        "client_reference_id": request.payment_id,
        "metadata": {"payment_id": request.payment_id},
        "payment_intent_data": {
            "description": request.description,
            "metadata": {"payment_id": request.payment_id},
        },
        "line_items": [_item(line, request.currency) for line in request.lines],
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": request.expires_at,
    }
    if request.save_method:
        params["payment_intent_data"]["setup_future_usage"] = OFF_SESSION
    if request.payer_email and not request.customer_id:
        params["customer_email"] = request.payer_email
    return params | _saving_params(request)


def _item(line: SessionLine, currency: str) -> Json:
    return {
        "quantity": 1,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": line.amount_minor,
            "product_data": {"name": line.description},
        },
    }


def charge_params(request: ChargeRequest) -> Json:
    return {
        "amount": request.amount_minor,
        "currency": request.currency.lower(),
        "customer": request.customer_id,
        "payment_method": request.method_id,
        "off_session": True,
        "confirm": True,
        "description": request.description,
        "metadata": {"payment_id": request.payment_id},
    }


def search_params(request: ChargeRequest) -> Json:
    """Every intent of the payer since the charge was sent: a list is never behind, a search is."""
    since = request.started_at - CLOCKS_MAY_DIFFER_SECONDS
    return {"customer": request.customer_id, "created": {"gte": since}, "limit": 100}


def is_answer_to(request: ChargeRequest, intent: Json) -> bool:
    return bool((intent.get("metadata") or {}).get("payment_id") == request.payment_id)


def as_session(intent: Json) -> Json:
    """An intent without a page, in the words of a page: nobody tries again on it."""
    return {
        "id": intent["id"],
        "client_reference_id": (intent.get("metadata") or {}).get("payment_id"),
        "status": "expired" if intent.get("status") == "canceled" else "complete",
    }


def charged(intent_id: str) -> HostedSession:
    return HostedSession(session_id=intent_id, url="", expires_at=None)


def refused_intent(body: object) -> str:
    """The intent that a refused charge left behind, out of the error's body."""
    error = body.get("error") if isinstance(body, dict) else None
    intent = error.get("payment_intent") if isinstance(error, dict) else None
    return str(intent["id"]) if isinstance(intent, dict) and intent.get("id") else ""


def kept_method(intent: Json) -> MethodSnapshot | None:
    """The card that was kept with this payment, if one was."""
    charge = intent.get("latest_charge")
    if intent.get("setup_future_usage") != OFF_SESSION or not isinstance(charge, dict):
        return None
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    customer, method = intent.get("customer"), intent.get("payment_method")
    if not (charge.get("paid") and customer and method and card.get("last4")):
        return None
    return MethodSnapshot(
        customer_id=str(customer),
        method_id=str(method),
        brand=str(card.get("brand") or "card")[:20],
        last4=str(card["last4"])[-4:],
        exp_month=int(card.get("exp_month") or 0),
        exp_year=int(card.get("exp_year") or 0),
    )
