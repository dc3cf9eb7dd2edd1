"""PayPal's webhook messages: who sent them, and what they say they are about.

PayPal is asked whether it signed a message (`verify-webhook-signature`), rather than checking the
certificate here: it is one call that works for every stand-in, needs no address from the message
to be fetched (a certificate's address is the sender's word), and follows PayPal when it changes
keys. The message's own bytes are spliced into the question, since its checksum is of those.

That signature covers a checksum that can be met by another body, so a message is only ever a hint
(ADR 16). That is why its age is bounded widely: PayPal sends a message again for three days, and
an old one that is kept twice does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.payments.providers.base import BadSignature, Invalid, Message
from apps.payments.providers.paypal.api import Api

OLDEST, NEWEST = timedelta(days=4), timedelta(minutes=5)
EVENT_TYPES = (
    "CHECKOUT.ORDER.APPROVED",
    "CHECKOUT.ORDER.COMPLETED",
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.DENIED",
    "PAYMENT.CAPTURE.DECLINED",
    "PAYMENT.CAPTURE.PENDING",
    "PAYMENT.CAPTURE.REFUNDED",
    "PAYMENT.CAPTURE.REVERSED",
    "PAYMENT.REFUND.PENDING",
    "PAYMENT.REFUND.FAILED",
    "CUSTOMER.DISPUTE.CREATED",
    "CUSTOMER.DISPUTE.UPDATED",
    "CUSTOMER.DISPUTE.RESOLVED",
)
_SIGNED = {
    "transmission_id": "PayPal-Transmission-Id",
    "transmission_time": "PayPal-Transmission-Time",
    "transmission_sig": "PayPal-Transmission-Sig",
    "cert_url": "PayPal-Cert-Url",
    "auth_algo": "PayPal-Auth-Algo",
}


def verify_message(
    api: Api, *, body: bytes, headers: Mapping[str, Any], webhook_ids: Sequence[str]
) -> Message:
    """Ask PayPal whether the message is its own, sent to one of these webhooks.

    Raises BadSignature; Retryable or Unknown when PayPal cannot be asked.
    """
    signed = {name: str(headers.get(header) or "")[:500] for name, header in _SIGNED.items()}
    if not all(signed.values()):
        raise BadSignature("The message is not signed.")
    _check_time(signed["transmission_time"])
    message = _message(body)
    if not any(_is_genuine(api, body, signed, webhook_id) for webhook_id in webhook_ids):
        raise BadSignature("The signature does not match.")
    return message


def _check_time(text: str) -> None:
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(text)
    except (ValueError, TypeError, OverflowError):
        raise BadSignature("The message has no readable time.") from None
    if not -NEWEST <= age <= OLDEST:
        raise BadSignature("The message is too old or from the future.")


def _is_genuine(api: Api, body: bytes, signed: dict[str, str], webhook_id: str) -> bool:
    question = json.dumps({**signed, "webhook_id": webhook_id}).encode()
    spliced = question[:-1] + b', "webhook_event": ' + body + b"}"
    try:
        answer = api.call("POST", "v1/notifications/verify-webhook-signature", spliced)
    except Invalid as error:
        if error.code == "authentication":
            raise
        return False  # PayPal cannot read it, so it did not write it
    return answer.get("verification_status") == "SUCCESS"


def _message(body: bytes) -> Message:
    try:
        event = json.loads(body.decode())
        subject = event["resource"]
        return Message(
            event_id=str(event["id"])[:255],
            event_type=str(event["event_type"])[:100],
            object_id=str(subject.get("id") or subject.get("dispute_id") or "")[:255],
            payment_hint=_payment(subject)[:255],
            capture_hint=_capture(subject)[:255],
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BadSignature("The message cannot be read.") from error


def _payment(subject: dict[str, Any]) -> str:
    units = subject.get("purchase_units") or [{}]
    disputed = subject.get("disputed_transactions") or [{}]
    found = subject.get("custom_id") or units[0].get("custom_id") or disputed[0].get("custom")
    return str(found or "")


def _capture(subject: dict[str, Any]) -> str:
    """The capture itself, the one a refund goes back to, or the one that is disputed."""
    for link in subject.get("links") or ():
        if link.get("rel") == "up" and "/captures/" in str(link.get("href")):
            return str(link["href"]).rpartition("/")[2]
    disputed = subject.get("disputed_transactions") or [{}]
    return str(disputed[0].get("seller_transaction_id") or subject.get("id") or "")
