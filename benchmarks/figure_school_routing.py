"""What it costs a request to find and open its school.

Peer: django-tenants' own TenantMainMiddleware, which asks the database for the domain each time.
Both go through the same stack of one middleware and an empty view.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_tenants.middleware.main import TenantMainMiddleware

from benchmarks.harness import Result, compare, seconds
from config.gateway.schools import SchoolMiddleware

REQUESTS = 400


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def microseconds(middleware: Any) -> float:
    factory = RequestFactory(headers={"host": "lincoln.testserver"})

    def run() -> None:
        for _ in range(REQUESTS):
            connection.set_schema_to_public()
            middleware(factory.get("/"))

    return seconds(run) / REQUESTS * 1e6


def measure() -> Result:
    ours, peer = SchoolMiddleware(view), TenantMainMiddleware(view)
    return compare(
        "find and open a request's school",
        ours=lambda: microseconds(ours),
        peer=lambda: microseconds(peer),
        peer_name="django-tenants TenantMainMiddleware",
        unit="µs a request",
        goal=3,
        more_is_better=False,
    )
