"""What can be asked under /v1, and how lists are filtered, paged and expanded."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from apps.payments.sandbox import wire
from apps.payments.sandbox.gateway import Gateway
from apps.payments.sandbox.wire import Json, WireError

_KINDS = {
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "customers": "customer",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "events": "event",
    "webhook_endpoints": "webhook_endpoint",
    "checkout/sessions": "session",
}
# Prefixes of ids: what an id stands for can be read off it, as in "source": "re_…".
_KIND_OF_PREFIX = {
    "pi": "payment_intent",
    "pm": "payment_method",
    "cus": "customer",
    "ch": "charge",
    "re": "refund",
    "du": "dispute",
    "txn": "balance_transaction",
    "cs": "session",
    "po": "payout",
}
_FILTERS = ("customer", "payment_intent", "charge", "type", "source", "status", "payout")
_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}


class Routes:
    """One method a verb; raises WireError for what is not there."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.store = gateway.store

    def answer(self, account: str, method: str, path: str, params: Json, base: str) -> Json:
        name = path.removeprefix("/v1/").strip("/")
        found: Json | None = None
        if method == "POST":
            found = self._post(account, name, params, base)
        elif method == "GET":
            found = self._get(account, name, params)
        elif method == "DELETE" and name.startswith("webhook_endpoints/"):
            found = self.gateway.delete_endpoint(account, name.partition("/")[2])
        if found is None:
            raise WireError(404, f"Unrecognized request URL ({method}: {path}).")
        return found

    def _post(self, account: str, name: str, params: Json, base: str) -> Json | None:
        if name == "checkout/sessions":
            return self.gateway.create_session(account, params, base=base)
        if name == "refunds":
            return self._shown(account, self.gateway.create_refund(account, params), params)
        if name == "webhook_endpoints":
            return self.gateway.create_endpoint(account, params)
        if name == "customers":
            return self.gateway.create_customer(account, params)
        if name == "payment_intents":
            return self._shown(account, self.gateway.create_intent(account, params), params)
        if match := re.fullmatch(r"(payment_\w+)/(\w+)/(\w+)", name):
            return self._act(account, *match.groups())
        if match := re.fullmatch(r"checkout/sessions/(\w+)/expire", name):
            return self.gateway.expire_session(account, match.group(1))
        if match := re.fullmatch(r"webhook_endpoints/(\w+)", name):
            updated = self.gateway.update_endpoint(account, match.group(1), params)
            return self._shown(account, updated, params)
        return None

    def _act(self, account: str, collection: str, object_id: str, verb: str) -> Json | None:
        actions = {
            ("payment_intents", "confirm"): self.gateway.confirm_intent,
            ("payment_intents", "cancel"): self.gateway.cancel_intent,
            ("payment_methods", "detach"): self.gateway.detach_method,
        }
        action = actions.get((collection, verb))
        return action(account, object_id) if action else None

    def _get(self, account: str, name: str, params: Json) -> Json | None:
        if name == "account":
            return _account(account)
        if name in _KINDS:
            rows = self.store.all(account, _KINDS[name])
            return self._list(account, name, rows, params)
        if match := re.fullmatch(r"checkout/sessions/(\w+)/line_items", name):
            return wire.page(f"/v1/{name}", self.gateway.items(account, match.group(1)), params)
        collection, _, object_id = name.rpartition("/")
        if collection not in _KINDS:
            return None
        return self._shown(account, self._one(account, _KINDS[collection], object_id), params)

    def _one(self, account: str, kind: str, object_id: str) -> Json:
        if kind == "session":
            return self.gateway.session(account, object_id)
        return self.gateway.object(account, kind, object_id)

    def _list(self, account: str, name: str, rows: list[Json], params: Json) -> Json:
        page = wire.page(f"/v1/{name}", [row for row in rows if _wanted(row, params)], params)
        expand = {"expand": [path.removeprefix("data.") for path in _expansions(params)]}
        page["data"] = [self._shown(account, row, expand) for row in page["data"]]
        return page

    def _shown(self, account: str, body: Json, params: Json) -> Json:
        if body["object"] == "webhook_endpoint":
            body.pop("secret", None)  # told once, when the endpoint is made
        if body["object"] == "balance_transaction":
            body.pop("payout", None)  # to be asked for, as at Stripe, and not told
            if body["available_on"] <= wire.now():
                body["status"] = "available"
        for path in _expansions(params):
            self._expand(account, body, path.split("."))
        return body

    def _expand(self, account: str, body: Json, path: list[str]) -> None:
        value: Any = body.get(path[0])
        if path[0] not in body:
            message = f"This property cannot be expanded ({path[0]})."
            raise WireError(400, message, param="expand")
        if isinstance(value, str) and value.split("_")[0] in _KIND_OF_PREFIX:
            kind = _KIND_OF_PREFIX[value.split("_")[0]]
            value = body[path[0]] = self.gateway.object(account, kind, value)
        if len(path) > 1 and isinstance(value, dict):
            self._expand(account, value, path[1:])


def _account(account: str) -> Json:
    """The account behind the key: enough for "test the connection"."""
    return {
        "id": f"acct_{account[:16]}",
        "object": "account",
        "charges_enabled": True,
        "payouts_enabled": True,
        "details_submitted": True,
        "country": "US",
        "default_currency": "usd",
        "settings": {"dashboard": {"display_name": "Homeroom sandbox gateway"}},
    }


def _expansions(params: Json) -> list[str]:
    value = params.get("expand") or []
    return [str(path) for path in value] if isinstance(value, list) else [str(value)]


def _wanted(row: Json, params: Json) -> bool:
    if any(params.get(name) and row.get(name) != params[name] for name in _FILTERS):
        return False
    types = params.get("types")
    if types and row.get("type") not in types:
        return False
    created = params.get("created") or {}
    if not isinstance(created, dict):
        created = {"gte": created, "lte": created}
    return all(
        _BOUNDS[name](row["created"], wire.integer(created, name))
        for name in _BOUNDS
        if name in created
    )
