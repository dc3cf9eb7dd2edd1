"""The /v1 interface: whose key it is, and a request that is repeated is carried out once."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from apps.payments.sandbox import wire
from apps.payments.sandbox.gateway import Gateway
from apps.payments.sandbox.routes import Routes
from apps.payments.sandbox.wire import Json, WireError

# Any key that nobody can guess is an account of its own; a live key is never accepted here.
_KEY = re.compile(r"sk_(?:test|sandbox)_[A-Za-z0-9_-]{20,200}")
MAX_IDEMPOTENCY_KEY = 255


def account_of(authorization: str, connected: str = "") -> str:
    """The account of a key, or one connected to it: a digest, so that no key is ever stored or
    written to a log."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        value = _user_name(value)
    if not authorization:
        raise WireError(401, "You did not provide an API key.")
    if not _KEY.fullmatch(value.strip()):
        raise WireError(401, "Invalid API Key provided.", code="api_key_invalid")
    whose = f"{value.strip()}/{connected}" if connected else value.strip()
    return hashlib.sha256(whose.encode()).hexdigest()[:32]


def _user_name(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode().split(":")[0]
    except ValueError:
        return ""


class Api:
    """Answers one request; everything it changes is one transaction of the store."""

    def __init__(self, gateway: Gateway) -> None:
        self.store = gateway.store
        self.routes = Routes(gateway)

    def answer(
        self, method: str, path: str, text: str, headers: dict[str, str], base: str
    ) -> tuple[int, Json, bool]:
        """Status, body, and whether it is the replay of an earlier answer."""
        try:
            account = account_of(
                headers.get("authorization", ""), headers.get("stripe-account", "")
            )
            params = wire.parse_form(text)
            with self.store.work():
                key = headers.get("idempotency-key", "") if method == "POST" else ""
                if key:
                    return self._once(account, key, method, path, params, base)
                return 200, self.routes.answer(account, method, path, params, base), False
        except WireError as error:
            return error.status, error.body, False

    def _once(
        self, account: str, key: str, method: str, path: str, params: Json, base: str
    ) -> tuple[int, Json, bool]:
        if len(key) > MAX_IDEMPOTENCY_KEY:
            raise WireError(400, f"Idempotency keys have at most {MAX_IDEMPOTENCY_KEY} characters.")
        request = json.dumps([method, path, params], sort_keys=True)
        known = self.store.rows(
            "SELECT request, status, body FROM replay WHERE account = ? AND key = ?", account, key
        )
        if known:
            if known[0][0] != request:
                raise _other_parameters(key)
            return known[0][1], json.loads(known[0][2]), True
        try:
            status, body = 200, self.routes.answer(account, method, path, params, base)
        except WireError as error:
            status, body = error.status, error.body
        self._remember(account, key, request, status, body)
        return status, body, False

    def _remember(self, account: str, key: str, request: str, status: int, body: Json) -> None:
        self.store.rows(
            "INSERT INTO replay VALUES (?, ?, ?, ?, ?)",
            account,
            key,
            request,
            status,
            json.dumps(body),
        )


def _other_parameters(key: str) -> WireError:
    message = (
        "Keys for idempotent requests can only be used with the same parameters "
        f"they were first used with. Try using a key other than '{key}'."
    )
    return WireError(400, message, kind="idempotency_error")
