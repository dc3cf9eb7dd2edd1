"""One HTTP request as the sandbox sees it, and the kinds of answers it gives."""

from __future__ import annotations

import json
from typing import Any

from apps.payments.sandbox import pages
from apps.payments.sandbox.wire import Json, WireError, new_id

MAX_BODY_BYTES = 1_000_000
Reply = tuple[int, list[tuple[str, str]], bytes]


class Request:
    """What is read of a WSGI environment."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "/")
        self.query: str = environ.get("QUERY_STRING", "")
        self.host: str = environ.get("HTTP_HOST", "127.0.0.1")
        self.remote: str = environ.get("REMOTE_ADDR", "")
        self.languages = self.header("Accept-Language")
        self.content_type: str = environ.get("CONTENT_TYPE", "")

    def header(self, name: str) -> str:
        return str(self._environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))

    def text(self) -> str:
        """The body. Raises WireError for one that is too large or no UTF-8."""
        length = self._environ.get("CONTENT_LENGTH") or "0"
        if not length.isdigit():
            raise WireError(400, "Invalid Content-Length.")
        if int(length) > MAX_BODY_BYTES:
            raise WireError(413, "The request is too large.")
        raw: bytes = self._environ["wsgi.input"].read(int(length)) if int(length) else b""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise WireError(400, "The request is not UTF-8.") from None


def json_reply(status: int, body: Json) -> Reply:
    headers = [("Content-Type", "application/json"), ("Request-Id", new_id("req"))]
    return status, headers, json.dumps(body).encode()


def broken(status: int) -> Reply:
    """A failure of the gateway itself, in Stripe's words."""
    kind = "rate_limit_error" if status == 429 else "api_error"
    return json_reply(status, {"error": {"type": kind, "message": "Trouble on purpose."}})


def html(status: int, text: str) -> Reply:
    return status, [*pages.HEADERS, ("Vary", "Accept-Language")], text.encode()


def redirect(target: str, text: str = "") -> Reply:
    """`text`: the page for a client that does not follow."""
    status, headers, body = html(303, text)
    return status, [*headers, ("Location", target)], body
