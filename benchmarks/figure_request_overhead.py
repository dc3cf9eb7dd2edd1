"""What schools cost a request: opened with path and role, then one query, beside plain Django.

Each request goes to the other school than the one before, so none finds its own still open. The
same view and query run on three backends in turn: Django's own on one schema, stock
django-tenants with its middleware, and ours with a role for each school, parameters bound by the
server and statements checked. The goal is set against plain Django: at most 1.45 times.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import cycle
from typing import Any

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PlainBackend
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_tenants.middleware.main import TenantMainMiddleware
from django_tenants.postgresql_backend.base import DatabaseWrapper as StockBackend

from apps.students.models import Student
from benchmarks.backends import as_default, owners
from benchmarks.harness import Result, seconds
from config.gateway.schools import SchoolMiddleware
from kernel.ids import uuid7

REQUESTS, ROUNDS = 200, 15
HOSTS = ("lincoln.testserver", "sanmartin.testserver")
AT_MOST = 1.45
STOCK_WAS = 2.7
_NOBODY = uuid7()


def view(request: HttpRequest) -> HttpResponse:
    Student.objects.using("default").filter(pk=_NOBODY).first()
    return HttpResponse("ok")


def measure() -> Result:
    plain = _times(owners(PlainBackend, path="t_000001"), lambda: view)
    stock = _times(owners(StockBackend), lambda: TenantMainMiddleware(view))
    ours = _times(connections["default"], lambda: SchoolMiddleware(view))
    rounds = [(ours(), stock(), plain()) for _ in range(ROUNDS + 1)][1:]
    our_cost = statistics.median(mine / bare for mine, _, bare in rounds)
    stock_cost = statistics.median(theirs / bare for _, theirs, bare in rounds)
    return Result(
        figure="request with school, role and one query",
        ours=round(our_cost, 2),
        peer=round(stock_cost, 2),
        peer_name="stock django-tenants",
        unit="x plain Django",
        ratio=round(stock_cost / our_cost, 2),
        goal=round(STOCK_WAS / AT_MOST, 2),
        met=our_cost <= AT_MOST,
        rounds=ROUNDS,
    )


def _times(backend: Any, make: Callable[[], Callable[[HttpRequest], Any]]) -> Callable[[], float]:
    """Microseconds a request, on this backend in the place of Django's default connection."""
    hosts = cycle(RequestFactory(headers={"host": host}) for host in HOSTS)

    def measure_one_round() -> float:
        with as_default(backend):
            handle = make()
            return seconds(lambda: [handle(next(hosts).get("/")) for _ in range(REQUESTS)])

    return lambda: measure_one_round() / REQUESTS * 1e6
