"""public.outbox_ready: which lane of which school has work, and since when.

The only rows of the outbox that lie outside a school. They hold numbers, no school's data. A
trigger writes one for every insert into outbox_event; this file writes the rest (retries, what
is left of a full batch, deliveries). Always named in full: a school's search path does not
include public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from kernel.statements import run_prepared

# The lane of a school's external deliveries; each of its rows stands for one delivery.
DELIVERIES_LANE = -1


@dataclass(frozen=True, slots=True)
class Announcement:
    """Events from `first_id` to `last_id` of a lane may be waiting."""

    id: int
    first_id: int
    last_id: int


def due(tenant_id: int, lane: int, as_of: datetime) -> list[Announcement]:
    """What is announced for this lane and due. Read it before the events themselves."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, first_id, last_id FROM public.outbox_ready"
            " WHERE tenant_id = %s AND lane = %s AND due_at <= %s",
            [tenant_id, lane, as_of],
        )
        return [Announcement(*row) for row in cursor.fetchall()]


def due_among(tenant_id: int, *lanes: int) -> set[int]:
    """Those of the lanes that have work now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT lane FROM public.outbox_ready"
            " WHERE tenant_id = %s AND lane = ANY(%s) AND due_at <= statement_timestamp()",
            [tenant_id, list(lanes)],
        )
        return {lane for (lane,) in cursor.fetchall()}


def announce(
    tenant_id: int, lane: int, first_id: int, last_id: int, delay: float = 0.0
) -> datetime:
    """Announce work that is due in `delay` seconds; returns when that is, by the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id, due_at)"
            " VALUES (%s, %s, %s, %s, statement_timestamp() + make_interval(secs => %s))"
            " RETURNING due_at",
            [tenant_id, lane, first_id, last_id, delay],
        )
        return cursor.fetchone()[0]


def announce_each(tenant_id: int, lane: int, ids: Sequence[int]) -> None:
    """Announce work that is due now, each piece by itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id, due_at)"
            " SELECT %s, %s, id, id, statement_timestamp() FROM unnest(%s::bigint[]) AS each (id)",
            [tenant_id, lane, list(ids)],
        )


# Not through the ORM: django-tenants listens for deletions of whatever model, so Django would
# read every event once more to tell it.
_STRIKE_OFF = """
WITH handled AS (DELETE FROM outbox_event WHERE id = ANY(%s))
DELETE FROM public.outbox_ready WHERE id = ANY(%s)
"""


def strike_off(event_ids: Sequence[int], announcements: Sequence[Announcement]) -> None:
    """Delete the events that are done with, and the announcements that were read. Never others:
    their events were not looked for."""
    seen = [announcement.id for announcement in announcements]
    run_prepared(_STRIKE_OFF, [list(event_ids), seen])


def backlog() -> tuple[int, float]:
    """How many announcements of all schools are due, and for how many seconds the oldest is. The
    platform's own statement: a school sees its own rows only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(due_at)), 0)"
            " FROM public.outbox_ready WHERE due_at <= statement_timestamp()"
        )
        waiting, oldest = cursor.fetchone()
        return waiting, float(oldest)


def waiting() -> dict[int, float]:
    """For how many seconds each tenant's oldest announcement has been due; below zero when all of
    its work waits for a later try. One statement over one table, however many schools there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, extract(epoch FROM statement_timestamp() - min(due_at))"
            " FROM public.outbox_ready GROUP BY tenant_id"
        )
        return {tenant_id: float(seconds) for tenant_id, seconds in cursor.fetchall()}


def due_lanes() -> list[tuple[int, int, bool]]:
    """(tenant, lane, whether its schema still exists) of every lane with due work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, lane, EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname ="
            " CASE tenant_id WHEN 0 THEN 'public' ELSE"
            " 't_' || lpad(tenant_id::text, greatest(6, length(tenant_id::text)), '0') END)"
            " FROM (SELECT DISTINCT tenant_id, lane FROM public.outbox_ready"
            "       WHERE due_at <= statement_timestamp()) AS due ORDER BY tenant_id, lane"
        )
        return [(tenant_id, lane, exists) for tenant_id, lane, exists in cursor.fetchall()]


def forget_school(tenant_id: int) -> None:
    """Delete what a dropped school left behind."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.outbox_ready WHERE tenant_id = %s", [tenant_id])
