"""Calls to the outside: owed in the transaction of the event, made with no transaction open.

The drain only notes that a call is owed. A worker then claims it for a limited time (the lease),
makes the call and strikes it off. A worker that dies leaves its lease to run out; the call is
then made again, with the same event id as idempotency key. Calls of one consumer for one stream
are made in order; a failing one holds back the later ones of its stream only.

Each row has one announcement in lane -1 that moves with it: due now, at the end of the lease, or
at the next try.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from apps.events.models import ExternalDelivery, OutboxEvent
from apps.events.services.announcements import DELIVERIES_LANE, announce, announce_each
from apps.events.services.errors import UnknownEvent
from apps.events.services.letters import dead_letter
from apps.events.services.options import backoff, options
from apps.events.services.registry import registry
from apps.events.services.runner import describe, run
from kernel.ids import uuid7

log = structlog.get_logger(__name__)

_CLAIM = """
UPDATE external_delivery SET attempts = attempts + 1, lease = %s,
       available_at = statement_timestamp() + make_interval(secs => %s)
 WHERE id = (
    SELECT d.id FROM external_delivery d
     WHERE d.available_at <= statement_timestamp()
       AND NOT EXISTS (SELECT FROM paused_consumer p WHERE p.consumer = d.consumer)
       AND NOT EXISTS (
            SELECT FROM external_delivery earlier
             WHERE earlier.stream_id = d.stream_id AND earlier.consumer = d.consumer
               AND earlier.id < d.id)
     ORDER BY d.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""

# A delivery that waits for an earlier one of its stream is not worth a look before that one is.
_WAIT_FOR_EARLIER = """
UPDATE public.outbox_ready ready SET due_at = head.available_at
  FROM external_delivery d
  JOIN LATERAL (
    SELECT earlier.available_at FROM external_delivery earlier
     WHERE earlier.stream_id = d.stream_id AND earlier.consumer = d.consumer
       AND earlier.id < d.id
     ORDER BY earlier.id LIMIT 1) head ON head.available_at > statement_timestamp()
 WHERE ready.tenant_id = %s AND ready.lane = %s AND ready.first_id = d.id
   AND ready.due_at <= statement_timestamp()
"""

# Nor is one whose consumer is paused; resuming it announces the call again.
_WAIT_FOR_RESUMING = """
UPDATE public.outbox_ready ready SET due_at = statement_timestamp() + interval '1 minute'
  FROM external_delivery d JOIN paused_consumer p ON p.consumer = d.consumer
 WHERE ready.tenant_id = %s AND ready.lane = %s AND ready.first_id = d.id
   AND ready.due_at <= statement_timestamp()
"""

_GO_ON = """
UPDATE public.outbox_ready ready SET due_at = greatest(d.available_at, statement_timestamp())
  FROM external_delivery d
 WHERE ready.tenant_id = %s AND ready.lane = %s AND ready.first_id = d.id AND d.consumer = %s
"""

_FORGET_STALE = """
DELETE FROM public.outbox_ready ready
 WHERE ready.tenant_id = %s AND ready.lane = %s AND ready.due_at <= statement_timestamp()
   AND NOT EXISTS (SELECT FROM external_delivery d WHERE d.id = ready.first_id)
"""


def owe(tenant_id: int, calls: Sequence[tuple[str, OutboxEvent]]) -> None:
    """Note, in the transaction that is open, that these consumers must be called, in this order.
    Two statements, however many calls: thousands of letters go out at once."""
    rows = ExternalDelivery.objects.bulk_create(
        ExternalDelivery(**event.carried(), consumer=consumer) for consumer, event in calls
    )
    announce_each(tenant_id, DELIVERIES_LANE, [row.id for row in rows])


def make_due_calls(tenant_id: int, deadline: float | None = None) -> int:
    """Make the calls that are due, one after the other; returns how many succeeded.

    No new call begins after `deadline` (by time.monotonic()).
    """
    made = 0
    while deadline is None or time.monotonic() < deadline:
        row = _claim(tenant_id)
        if row is None:
            break
        made += _call(tenant_id, row)
    _tidy(tenant_id)
    return made


def go_on(tenant_id: int, consumer: str) -> None:
    """The consumer is paused no more: its calls are due, each at its own time."""
    with connection.cursor() as cursor:
        cursor.execute(_GO_ON, [tenant_id, DELIVERIES_LANE, consumer])


@transaction.atomic
def _claim(tenant_id: int) -> ExternalDelivery | None:
    lease = options().lease
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [uuid7(), lease])
        claimed = cursor.fetchone()
    if claimed is None:
        return None
    _move_announcement(tenant_id, claimed[0], lease)
    return ExternalDelivery.objects.get(id=claimed[0])


def _call(tenant_id: int, row: ExternalDelivery) -> bool:
    if row.attempts > options().max_calls:
        # Claimed that often and never struck off: the call takes its worker down with it.
        _give_up(tenant_id, row, row.last_error or "The worker died during every attempt.")
        return False
    try:
        run(registry().handler(row.event_type, row.consumer), row, attempt=row.attempts)
    except UnknownEvent as error:
        # The release is too old, the call is not at fault: that does not count.
        _held(row.id, row.lease).update(attempts=row.attempts - 1)
        _try_later(tenant_id, row, describe(error), options().unknown_version_delay)
    except Exception as error:
        log.exception("outbox.call_failed", consumer=row.consumer, row=str(row))
        _failed(tenant_id, row, describe(error))
    else:
        return _strike_off(tenant_id, row)
    return False


def _failed(tenant_id: int, row: ExternalDelivery, error: str) -> None:
    if row.attempts >= options().max_calls:
        _give_up(tenant_id, row, error)
    else:
        _try_later(tenant_id, row, error, backoff(row.attempts))


@transaction.atomic
def _strike_off(tenant_id: int, row: ExternalDelivery) -> bool:
    deleted, _ = _held(row.id, row.lease).delete()
    if deleted:
        _drop_announcement(tenant_id, row.id)
    return bool(deleted)


@transaction.atomic
def _try_later(tenant_id: int, row: ExternalDelivery, error: str, delay: float) -> None:
    if not _held(row.id, row.lease).exists():
        return
    due_at = _move_announcement(tenant_id, row.id, delay)
    _held(row.id, row.lease).update(available_at=due_at, last_error=error, lease=None)


@transaction.atomic
def _give_up(tenant_id: int, row: ExternalDelivery, error: str) -> None:
    if _strike_off(tenant_id, row):
        dead_letter(row, row.consumer, error, row.attempts).save()
        log.error("outbox.dead_letter", row=str(row), consumers=[row.consumer])


def _held(delivery_id: int, lease: UUID | None) -> QuerySet[ExternalDelivery]:
    """The row, if our lease on it is still the one in force."""
    return ExternalDelivery.objects.filter(id=delivery_id, lease=lease)


def _move_announcement(tenant_id: int, delivery_id: int, delay: float) -> datetime:
    _drop_announcement(tenant_id, delivery_id)
    return announce(tenant_id, DELIVERIES_LANE, delivery_id, delivery_id, delay)


def _drop_announcement(tenant_id: int, delivery_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM public.outbox_ready WHERE tenant_id = %s AND lane = %s AND first_id = %s",
            [tenant_id, DELIVERIES_LANE, delivery_id],
        )


def _tidy(tenant_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WAIT_FOR_EARLIER, [tenant_id, DELIVERIES_LANE])
        cursor.execute(_WAIT_FOR_RESUMING, [tenant_id, DELIVERIES_LANE])
        cursor.execute(_FORGET_STALE, [tenant_id, DELIVERIES_LANE])
