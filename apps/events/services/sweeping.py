"""The guarantee: work that no wake-up announced is found in the database.

The sweep reads one small table for all schools. The stranded check reads every school once a
day; it must find nothing, and is an alarm if it does.
"""

from collections.abc import Callable

import structlog
from django.db import connection

from apps.events.selectors.schemas import (
    PUBLIC,
    opened,
    schema_name_of,
    tenant_id_of,
)
from apps.events.services import announcements
from apps.events.services.options import options
from apps.events.services.wakeup import wake

log = structlog.get_logger(__name__)
_resting: Callable[[], set[int]] = set

_STRANDED_EVENTS = """
SELECT e.lane, min(e.id), max(e.id), count(*) FROM outbox_event e
 WHERE e.available_at < statement_timestamp() - make_interval(secs => %s)
   AND NOT EXISTS (SELECT FROM public.outbox_ready r
        WHERE r.tenant_id = %s AND r.lane = e.lane AND r.first_id <= e.id)
 GROUP BY e.lane
"""
_STRANDED_CALLS = """
SELECT d.id FROM external_delivery d
 WHERE d.available_at < statement_timestamp() - make_interval(secs => %s)
   AND NOT EXISTS (SELECT FROM public.outbox_ready r
        WHERE r.tenant_id = %s AND r.lane = %s AND r.first_id = d.id)
"""


def sweep() -> int:
    """Wake a worker for every lane with due work; returns how many wake-ups were sent."""
    return sum(wake(schema_name_of(tenant_id), lane) for tenant_id, lane in lanes_to_drain())


def lanes_to_drain() -> list[tuple[int, int]]:
    """(tenant, lane) of all due work, but of schools whose events rest. What a school that is gone
    left behind is forgotten."""
    with opened(PUBLIC):
        due = announcements.due_lanes()
        for tenant_id in {tenant_id for tenant_id, _lane, exists in due if not exists}:
            log.warning("outbox.school_gone", tenant_id=tenant_id)
            announcements.forget_school(tenant_id)
        resting = _resting() if due else set()
    return [(tenant, lane) for tenant, lane, exists in due if exists and tenant not in resting]


def rest_with(resting: Callable[[], set[int]]) -> None:
    """Say which schools' events wait for now, by their numbers. The app that knows does so at
    start; their announcements stay as they are."""
    global _resting
    _resting = resting


def rescue(schema_name: str) -> int:
    """Events and calls of one schema that wait without an announcement: there must be none.

    Those found are announced again, so that they are late rather than lost.
    """
    with opened(schema_name):
        count = _rescue(tenant_id_of(schema_name))
    if count:
        log.error("outbox.stranded", schema=schema_name, count=count)
    return count


def _rescue(tenant_id: int) -> int:
    count = 0
    after = options().stranded_after
    with connection.cursor() as cursor:
        cursor.execute(_STRANDED_EVENTS, [after, tenant_id])
        for lane, first_id, last_id, events in cursor.fetchall():
            announcements.announce(tenant_id, lane, first_id, last_id)
            count += events
        lane = announcements.DELIVERIES_LANE
        cursor.execute(_STRANDED_CALLS, [after, tenant_id, lane])
        for (delivery_id,) in cursor.fetchall():
            announcements.announce(tenant_id, lane, delivery_id, delivery_id)
            count += 1
    return count
