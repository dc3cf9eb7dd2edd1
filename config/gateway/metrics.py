"""/metrics on the platform's host, for Prometheus: the requests of all processes of this server,
and the state of the installation at the moment of asking.

Labels are few and known beforehand: routes, methods, statuses. Never a school or a person: that
would be a series for each of thousands.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apps.events import facade as events
from apps.tenants import facade as tenants
from kernel import replica
from kernel.access import PUBLIC, access

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
LOOPBACK = {"127.0.0.1", "::1"}
# A proxy of ours on this machine speaks to us from loopback too; it says for whom.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

REQUESTS = Counter(
    "homeroom_requests", "Requests by route, method and status.", ["route", "method", "status"]
)
SECONDS = Histogram(
    "homeroom_request_seconds", "How long requests took.", ["route", "method"], buckets=BUCKETS
)


class MetricsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        route, method = _route(request), request.method or ""
        method = method if method in METHODS else "other"
        _counter(route, method, response.status_code).inc()
        _histogram(route, method).observe(time.perf_counter() - started)
        return response


def _route(request: HttpRequest) -> str:
    """The pattern, not the address: "school:portal/students/<uuid:student_id>/"."""
    match = request.resolver_match
    if match is None:
        return "none"
    host = "school" if getattr(request, "school", None) else "platform"
    return f"{host}:/{match.route}"


# Finding the child of a label set is most of the price of counting.
@lru_cache(maxsize=8192)
def _counter(route: str, method: str, status: int) -> Counter:
    return REQUESTS.labels(route, method, str(status))


@lru_cache(maxsize=4096)
def _histogram(route: str, method: str) -> Histogram:
    return SECONDS.labels(route, method)


@access(PUBLIC)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """For whoever has METRICS_TOKEN, or asks from this machine."""
    if not _may_ask(request):
        answer = HttpResponse("Not signed in\n", status=401, content_type="text/plain")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return answer
    answer = HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _may_ask(request: HttpRequest) -> bool:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    direct = not any(request.META.get(name) for name in _FORWARDED)
    return direct and request.META.get("REMOTE_ADDR") in LOOPBACK


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StateOfThings())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_OwnProcess())
    return registry


class _OwnProcess(Collector):
    """Without gunicorn: one process, whose figures are in its memory."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


class StateOfThings(Collector):
    """Asked of the database when Prometheus asks us."""

    def collect(self) -> Iterator[Metric]:
        yield from _replica()
        yield from _schools()
        waiting, oldest = events.backlog()
        yield _gauge("outbox_pending", "Announcements of events that are due.", waiting)
        yield _gauge("outbox_oldest_seconds", "For how long the oldest has been due.", oldest)
        text = "1: a worker answers the bell; 0: events wait for beat's look."
        yield _gauge("outbox_attended", text, events.is_attended())
        letters, parked = tenants.stuck_events()
        yield _gauge("outbox_dead_letters", "Events that wait for a person's decision.", letters)
        yield _gauge("outbox_parked", "Events that wait for paused consumers.", parked)
        for name, (text, total) in tenants.figures_of_schools().items():
            yield _gauge(name, text, total)


def _replica() -> Iterator[Metric]:
    if not replica.is_configured():
        return
    standby = replica.known()
    fit = standby.is_fit()
    yield _gauge("replica_in_use", "1: reports read from the replica; 0: from the primary.", fit)
    if standby.lag is not None:
        text = "How far the replica is behind, at the most."
        yield _gauge("replication_lag_seconds", text, standby.lag)


def _schools() -> Iterator[Metric]:
    figures = tenants.platform_figures()
    by_status = GaugeMetricFamily("homeroom_schools", "Schools by status.", labels=["status"])
    for status, count in figures.schools.items():
        by_status.add_metric([status], count)
    yield by_status
    yield _gauge("spare_schools", "Schools that are ready to be claimed.", figures.spares)
    text = "Age of the newest backup, at the active school where it is oldest."
    yield _gauge("backup_age_seconds", text, figures.oldest_backup_seconds)
    text = "Active schools without a backup."
    yield _gauge("schools_without_backup", text, figures.schools_without_backup)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"homeroom_{name}", text, value=float(value))
