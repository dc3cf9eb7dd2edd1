"""Stripe's wire: nested form parameters in, JSON objects and errors out."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]
API_VERSION = "homeroom-sandbox-1"
DAY = 24 * 3600  # seconds


class WireError(Exception):
    """An error in Stripe's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        body = {"type": kind, "message": message, "code": code, "param": param}
        self.body: Json = {"error": {key: value for key, value in body.items() if value}}


def missing(param: str) -> WireError:
    return WireError(
        400, f"Missing required param: {param}.", code="parameter_missing", param=param
    )


def not_found(what: str, object_id: str) -> WireError:
    return WireError(404, f"No such {what}: '{object_id}'", code="resource_missing", param="id")


def parse_form(text: str) -> Json:
    """`a[b][0][c]=1` as {"a": {"b": [{"c": "1"}]}}; a list is a mapping with number keys."""
    tree: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        keys = [part for part in re.split(r"\[|\]", name) if part]
        node = tree
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise WireError(400, f"Invalid parameter: {name}", param=name)
        if keys:
            node[keys[-1]] = value
    return {key: _with_lists(value) for key, value in tree.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(item) for key, item in value.items()}


def integer(params: Json, name: str, *, minimum: int = 0) -> int:
    """A whole number, or the error Stripe gives for anything else."""
    raw = params.get(name)
    if raw in (None, ""):
        raise missing(name)
    if not re.fullmatch(r"-?\d{1,15}", str(raw)):
        raise WireError(400, f"Invalid integer: {raw}", code="parameter_invalid", param=name)
    if int(str(raw)) < minimum:
        raise WireError(
            400, f"{name} must be at least {minimum}", code="parameter_invalid", param=name
        )
    return int(str(raw))


def mapping(params: Json, name: str) -> Json:
    value = params.get(name) or {}
    if not isinstance(value, dict):
        raise WireError(400, f"Invalid object: {name}", param=name)
    return value


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def now() -> int:
    return int(time.time())


def page(url: str, rows: list[Json], params: Json) -> Json:
    """A list as Stripe pages it: newest first, `starting_after` or `ending_before` an object,
    `limit` up to 100."""
    limit = integer(params, "limit", minimum=1) if "limit" in params else 10
    if limit > 100:
        raise WireError(400, "This value must be less than or equal to 100.", param="limit")
    if params.get("ending_before"):
        before = rows[: _place(rows, str(params["ending_before"]))]
        shown, has_more = before[-limit:], len(before) > limit
    else:
        after = params.get("starting_after")
        rest = rows[_place(rows, str(after)) + 1 :] if after else rows
        shown, has_more = rest[:limit], len(rest) > limit
    return {"object": "list", "url": url, "has_more": has_more, "data": shown}


def _place(rows: list[Json], object_id: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == object_id:
            return index
    raise not_found("object", object_id)
