"""/livez and /readyz: before the school is looked up, so they answer on any host."""

import concurrent.futures
from collections.abc import Callable

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from apps.tenants import facade as tenants
from kernel.schools import connection

BUDGET_SECONDS = 1.0
REDIS_SECONDS = 0.2
_pool = concurrent.futures.ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz")


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/livez":
            return HttpResponse("ok", content_type="text/plain")
        if request.path == "/readyz":
            return _readiness()
        return self.get_response(request)


def _readiness() -> JsonResponse:
    checks = {"database": _database, "migrations": _migrated, "redis": _redis}
    results = {name: _within_budget(check) for name, check in checks.items()}
    ready = all(result == "ok" for result in results.values())
    return JsonResponse({"ready": ready, "checks": results}, status=200 if ready else 503)


def _within_budget(check: Callable[[], str]) -> str:
    """Run apart from the request, so that a hung server costs the budget and no more."""
    answer = _pool.submit(_run, check)
    try:
        return answer.result(timeout=BUDGET_SECONDS)
    except concurrent.futures.TimeoutError:
        answer.cancel()  # one that has not begun: or they would pile up behind a hung server
        return "timeout"
    except Exception as error:  # whatever is wrong, the answer is "not ready", not a 500
        return type(error).__name__


def _run(check: Callable[[], str]) -> str:
    # Django looks after connections when a request begins and ends; none does in these threads,
    # and a connection that a restart of PostgreSQL broke would stay broken.
    close_old_connections()
    return check()


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


_seen_migrated = False


def _migrated() -> str:
    """Whether platform and schools have every migration of this release; remembered once true.

    Three short queries, whatever the number of schools.
    """
    global _seen_migrated
    if not _seen_migrated:
        missing = tenants.what_this_code_waits_for()
        if missing:
            return missing
        _seen_migrated = True
    return "ok"


def _redis() -> str:
    import redis

    redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    ).ping()
    return "ok"
