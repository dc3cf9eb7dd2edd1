"""Webhooks: where an account wants its messages, how they are signed, and how that is checked.

As with PayPal, the signature covers a CRC32 of the body as it was sent: bytes that were read and
written again do not verify.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
import zlib

from apps.payments.sandbox.paypal import wire
from apps.payments.sandbox.paypal.refunds import Refunds
from apps.payments.sandbox.paypal.wire import Json, PayPalError

ALGORITHM = "SHA256withRSA"


class Webhooks(Refunds):
    """Registration, signatures and their verification."""

    def create_webhook(self, account: str, body: Json) -> Json:
        url = str(body.get("url") or "")
        if not url.startswith(("http://", "https://")):
            raise PayPalError(400, "INVALID_PARAMETER_SYNTAX", "url is no address.")
        if any(known["url"] == url for known in self.store.all(account, "webhook_endpoint")):
            raise PayPalError(400, "WEBHOOK_URL_ALREADY_EXISTS")
        names = [str(row.get("name")) for row in body.get("event_types") or ()]
        if not names:
            raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", "event_types are missing.")
        webhook = {"id": wire.new_id(), "url": url, "enabled_events": names, "wire": "paypal"}
        self.store.put(account, "webhook_endpoint", webhook)
        return shown(webhook)

    def list_webhooks(self, account: str) -> Json:
        return {"webhooks": [shown(w) for w in self.store.all(account, "webhook_endpoint")]}

    def get_webhook(self, account: str, webhook_id: str) -> Json:
        webhook = self.store.get(account, "webhook_endpoint", webhook_id)
        if webhook is None:
            raise wire.not_found("webhook")
        return shown(webhook)

    def change_webhook(self, account: str, webhook_id: str, changes: list[Json]) -> Json:
        """JSON Patch, as PayPal has it: other events, or another address."""
        webhook = self.store.get(account, "webhook_endpoint", webhook_id)
        if webhook is None:
            raise wire.not_found("webhook")
        for change in changes:
            if change.get("op") != "replace" or change.get("path") not in ("/url", "/event_types"):
                raise PayPalError(400, "INVALID_PATCH_OPERATION")
            if change["path"] == "/url":
                webhook["url"] = str(change["value"])
            else:
                webhook["enabled_events"] = [str(row["name"]) for row in change["value"]]
        self.store.put(account, "webhook_endpoint", webhook)
        return shown(webhook)

    def delete_webhook(self, account: str, webhook_id: str) -> Json:
        """Messages that were still on their way are not sent any more."""
        if self.store.get(account, "webhook_endpoint", webhook_id) is None:
            raise wire.not_found("webhook")
        self.store.remove(account, webhook_id)
        self.store.rows("DELETE FROM delivery WHERE endpoint = ?", webhook_id)
        return {}

    def signed_headers(self, webhook_id: str, body: bytes, *, at: str = "") -> dict[str, str]:
        """The headers of one message. `at`: when it is said to be sent; now when empty."""
        transmission, at = str(uuid.uuid4()), at or wire.now()
        return {
            "PayPal-Transmission-Id": transmission,
            "PayPal-Transmission-Time": at,
            "PayPal-Transmission-Sig": self._signature(transmission, at, webhook_id, body),
            "PayPal-Cert-Url": "https://sandbox.invalid/certs/test",
            "PayPal-Auth-Algo": ALGORITHM,
        }

    def verify(self, account: str, text: str) -> Json:
        """Whether a message was sent by us to this account's webhook, byte by byte."""
        asked, body = _taken_apart(text)
        webhook_id = str(asked.get("webhook_id"))
        own = self.store.get(account, "webhook_endpoint", webhook_id)
        right = self._signature(
            str(asked.get("transmission_id")),
            str(asked.get("transmission_time")),
            webhook_id,
            body.encode(),
        )
        given = str(asked.get("transmission_sig")).encode()
        genuine = own is not None and hmac.compare_digest(given, right.encode())
        return {"verification_status": "SUCCESS" if genuine else "FAILURE"}

    def _signature(self, transmission: str, at: str, webhook_id: str, body: bytes) -> str:
        signed = f"{transmission}|{at}|{webhook_id}|{zlib.crc32(body)}".encode()
        key = self.store.secret("paypal-signature").encode()
        return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def shown(webhook: Json) -> Json:
    names = [{"name": name} for name in webhook["enabled_events"]]
    return {"id": webhook["id"], "url": webhook["url"], "event_types": names}


def _taken_apart(text: str) -> tuple[Json, str]:
    """The question, and the message in it as it was written."""
    try:
        asked = json.loads(text)
        begins = text.index('"webhook_event"') + len('"webhook_event"')
        begins = text.index(":", begins) + 1
        while text[begins].isspace():
            begins += 1
        _event, ends = json.JSONDecoder().raw_decode(text, begins)
    except (ValueError, IndexError):
        raise PayPalError(400, "VALIDATION_ERROR", "webhook_event cannot be read.") from None
    return asked, text[begins:ends]
