"""The trace id of a request and its one log line.

The W3C trace id is the correlation id: taken from `traceparent` when the caller sent a valid one,
made here otherwise, answered in `X-Request-ID`, carried by every log line, task and event.
"""

import os
import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponseBase

TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")

log = structlog.get_logger("homeroom.request")


def trace_id_of(traceparent: str) -> str:
    match = TRACEPARENT.match(traceparent)
    return match.group(1) if match else os.urandom(16).hex()


@request_finished.connect
def _forget(**_: Any) -> None:
    """Not before: Django tells of a refused request after the last middleware, and that line needs
    its trace and school too."""
    structlog.contextvars.clear_contextvars()


class CorrelationMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        trace_id = trace_id_of(request.headers.get("traceparent", ""))
        request.trace_id = trace_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response.headers["X-Request-ID"] = trace_id
        self._log(request, response.status_code, started)
        return response

    def _log(self, request: HttpRequest, status: int, started: float) -> None:
        match = request.resolver_match
        log.info(
            "request",
            method=request.method,
            path=request.path,
            route=match.route if match else "",
            status=status,
            ms=round((time.perf_counter() - started) * 1000, 1),
        )
