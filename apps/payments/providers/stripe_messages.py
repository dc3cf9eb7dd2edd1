"""Stripe's signed messages: who sent them, and what they say they are about."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import Any

import stripe

from apps.payments.providers.base import BadSignature, Message

SIGNATURE_TOLERANCE_SECONDS = 300


def verify_message(
    *, body: bytes, header: str, secrets: Sequence[str], now: float | None = None
) -> Message:
    """Check a signed message. The package accepts any time in the future: both bounds are ours."""
    if not any(secret and _signed_with(body, header, secret) for secret in secrets):
        raise BadSignature("The signature does not match.")
    stamp = re.search(r"(?:^|,)t=(\d{1,12})(?:,|$)", header)
    age = abs((time.time() if now is None else now) - int(stamp.group(1))) if stamp else None
    if age is None or age > SIGNATURE_TOLERANCE_SECONDS:
        raise BadSignature("The message is too old or from the future.")
    return _message(body)


def _signed_with(body: bytes, header: str, secret: str) -> bool:
    try:
        # The time is checked by the caller: the package's own check has no upper bound.
        stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance=None)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


def _message(body: bytes) -> Message:
    try:
        event = json.loads(body)
        subject = event["data"]["object"]
        metadata = subject.get("metadata") or {}
        reference = metadata.get("payment_id") or subject.get("client_reference_id") or ""
        return Message(
            event_id=str(event["id"])[:255],
            event_type=str(event["type"])[:100],
            object_id=str(subject.get("id") or "")[:255],
            payment_hint=str(reference)[:255],
            capture_hint=str(subject.get("charge") or subject.get("id") or "")[:255],
            livemode=_livemode(event),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadSignature("The message cannot be read.") from error


def _livemode(event: dict[str, Any]) -> bool | None:
    value = event.get("livemode")
    return value if isinstance(value, bool) else None
