"""The REST interface: whose token it is, a request that is repeated, and what can be asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from apps.payments.sandbox.paypal.gateway import PayPal
from apps.payments.sandbox.paypal.wire import Json, PayPalError
from apps.payments.sandbox.replies import Reply, Request, json_reply

TOKEN_SECONDS = 9 * 3600
# For so long the same PayPal-Request-Id brings the same answer.
KEY_SECONDS = {"orders": 6 * 3600, "captures": 45 * 24 * 3600}
_CLIENT = re.compile(r"sandbox_[A-Za-z0-9_-]{20,200}")
_WEBHOOKS = "/v1/notifications/webhooks/"


class PayPalApi:
    """Answers requests under /paypal/v1 and /paypal/v2; what one changes is one transaction."""

    def __init__(self, paypal: PayPal) -> None:
        self.paypal = paypal
        self.store = paypal.store

    def answer(self, request: Request, path: str, base: str) -> Reply:
        """`path` without /paypal; `base`: the address of /paypal here."""
        try:
            with self.store.work():
                if path == "/v1/oauth2/token":
                    return json_reply(200, self._token(request))
                account = self._account(request.header("Authorization"))
                text = request.text()
                if path == "/v1/notifications/verify-webhook-signature":
                    return json_reply(200, self.paypal.verify(account, text))
                if request.method == "PATCH" and path.startswith(_WEBHOOKS):
                    changes = _changes(text)
                    webhook_id = path.removeprefix(_WEBHOOKS)
                    return json_reply(200, self.paypal.change_webhook(account, webhook_id, changes))
                return self._routed(account, request, path, _body(text), base)
        except PayPalError as error:
            return json_reply(error.status, error.body)

    def _routed(self, account: str, request: Request, path: str, body: Json, base: str) -> Reply:
        if request.method == "DELETE" and path.startswith(_WEBHOOKS):
            self.paypal.delete_webhook(account, path.rpartition("/")[2])
            return 204, [], b""
        if request.method == "GET":
            return json_reply(200, self._get(account, path, parse_qs(request.query)))
        key = request.header("PayPal-Request-Id")
        if request.method == "POST" and key and "/capture" not in path.rpartition("/")[2]:
            return json_reply(*self._once(account, key, path, body, base))
        if request.method == "POST":
            return json_reply(201, self._post(account, path, body, base))
        raise PayPalError(404, "INVALID_RESOURCE_ID")

    def _post(self, account: str, path: str, body: Json, base: str) -> Json:
        if path == "/v2/checkout/orders":
            return self.paypal.create_order(account, body, base=base)
        if match := re.fullmatch(r"/v2/checkout/orders/(\w+)/capture", path):
            return self.paypal.capture_order(account, match.group(1))
        if match := re.fullmatch(r"/v2/payments/captures/(\w+)/refund", path):
            return self.paypal.refund_capture(account, match.group(1), body)
        if path == "/v1/notifications/webhooks":
            return self.paypal.create_webhook(account, body)
        raise PayPalError(404, "INVALID_RESOURCE_ID")

    def _get(self, account: str, path: str, query: dict[str, list[str]]) -> Json:
        if path == "/v1/notifications/webhooks":
            return self.paypal.list_webhooks(account)
        if path.startswith(_WEBHOOKS):
            return self.paypal.get_webhook(account, path.removeprefix(_WEBHOOKS))
        if path == "/v1/reporting/transactions":
            return self._report(account, query)
        if path == "/v1/customer/disputes":
            return self._disputes(account, query)
        kind, object_id = _named(path)
        if kind == "order":
            return self.paypal.order(account, object_id)
        return self.paypal.one(account, kind, object_id)

    def _disputes(self, account: str, query: dict[str, list[str]]) -> Json:
        wanted = query.get("disputed_transaction_id", [""])[0]
        rows = self.paypal.all_of(account, "dispute")
        found = [
            row
            for row in rows
            if wanted in ("", row["disputed_transactions"][0]["seller_transaction_id"])
        ]
        return {"items": found}

    def _report(self, account: str, query: dict[str, list[str]]) -> Json:
        """Lines between two times. As at PayPal a line may be told more than once."""
        begins, ends = (_time(query, name) for name in ("start_date", "end_date"))
        if (ends - begins).days > 31:
            raise PayPalError(400, "INVALID_REQUEST", "At most 31 days at a time.")
        lines = [row["line"] for row in reversed(self.paypal.all_of(account, "report"))]
        inside = [
            {"transaction_info": line}
            for line in lines
            if begins <= datetime.fromisoformat(line["transaction_initiation_date"]) <= ends
            for _copy in range(self.paypal.behaviour.copies)
        ]
        size, page = (int(query.get(name, ["1"])[0]) for name in ("page_size", "page"))
        return {
            "transaction_details": inside[(page - 1) * size : page * size],
            "page": page,
            "total_items": len(inside),
            "total_pages": -(-len(inside) // size),
        }

    def _once(self, account: str, key: str, path: str, body: Json, base: str) -> tuple[int, Json]:
        """The same key with the same body brings the same thing, as it is by now."""
        life = next((KEY_SECONDS[name] for name in KEY_SECONDS if name in path), 6 * 3600)
        asked = json.dumps([path, body], sort_keys=True)
        known = self.store.rows(
            "SELECT request, body FROM replay WHERE account = ? AND key = ?", account, key
        )
        kept: Json = json.loads(known[0][1]) if known else {}
        if kept and time.time() - kept["at"] < life:
            if known[0][0] != asked:
                raise PayPalError(422, "DUPLICATE_REQUEST_ID", "Used for another request before.")
            return 200, self._by_now(account, kept)
        answer = self._post(account, path, body, base)
        kind = "order" if "orders" in path else "refund" if "refund" in path else ""
        remembered = {"at": time.time(), "kind": kind, "id": answer["id"], "answer": answer}
        self.store.rows(
            "INSERT OR REPLACE INTO replay VALUES (?, ?, ?, ?, ?)",
            *(account, key, asked, 201, json.dumps(remembered)),
        )
        return 201, answer

    def _by_now(self, account: str, kept: Json) -> Json:
        return (
            self.paypal.one(account, kept["kind"], kept["id"]) if kept["kind"] else kept["answer"]
        )

    def _token(self, request: Request) -> Json:
        client_id, secret = _basic(request.header("Authorization"))
        if not _CLIENT.fullmatch(client_id) or len(secret) < 20:
            raise PayPalError(401, "invalid_client", "Client Authentication failed")
        account = hashlib.sha256(f"paypal:{client_id}".encode()).hexdigest()[:32]
        # The first secret a client comes with is its secret from then on.
        digest = hashlib.sha256(f"{account}:{secret}".encode()).hexdigest()
        self.store.rows("INSERT OR IGNORE INTO secret VALUES (?, ?)", account, digest)
        known = self.store.rows("SELECT value FROM secret WHERE name = ?", account)[0][0]
        if not hmac.compare_digest(known, digest):
            raise PayPalError(401, "invalid_client", "Client Authentication failed")
        stamp = f"{account}.{int(time.time()) + TOKEN_SECONDS}"
        return {
            "access_token": f"{stamp}.{self._proof(stamp)}",
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }

    def _account(self, authorization: str) -> str:
        stamp, _, proof = authorization.removeprefix("Bearer ").rpartition(".")
        account, _, ends = stamp.partition(".")
        genuine = hmac.compare_digest(proof.encode(), self._proof(stamp).encode())
        if not genuine or not ends.isdigit() or int(ends) < time.time():
            raise PayPalError(401, "invalid_token", "Token signature verification failed")
        return account

    def _proof(self, stamp: str) -> str:
        key = self.store.secret("paypal-token").encode()
        return hmac.new(key, stamp.encode(), hashlib.sha256).hexdigest()


def _basic(authorization: str) -> tuple[str, str]:
    try:
        pair = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except ValueError:
        return "", ""
    client_id, _, secret = pair.partition(":")
    return client_id, secret


def _body(text: str) -> Json:
    try:
        body: Any = json.loads(text or "{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        # The package sends `null` with a GET: PayPal would refuse it, so the twin does.
        raise PayPalError(400, "MALFORMED_REQUEST_JSON")
    return body


def _changes(text: str) -> list[Json]:
    try:
        changes = json.loads(text)
    except ValueError:
        changes = None
    if not isinstance(changes, list) or not all(isinstance(each, dict) for each in changes):
        raise PayPalError(400, "MALFORMED_REQUEST_JSON")
    return changes


def _named(path: str) -> tuple[str, str]:
    kinds = {
        "/v2/checkout/orders": "order",
        "/v2/payments/captures": "capture",
        "/v2/payments/refunds": "refund",
        "/v1/customer/disputes": "dispute",
    }
    collection, _, object_id = path.rpartition("/")
    if collection not in kinds:
        raise PayPalError(404, "INVALID_RESOURCE_ID")
    return kinds[collection], object_id


def _time(query: dict[str, list[str]], name: str) -> datetime:
    try:
        return datetime.fromisoformat(query[name][0]).astimezone(UTC)
    except (KeyError, ValueError):
        raise PayPalError(400, "INVALID_REQUEST", f"{name} is no time.") from None
