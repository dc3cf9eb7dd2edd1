"""Following the event store: every event once, in order, for what is built from all streams.

Ids are given out when a row is written, and become visible when its transaction commits: a later
id can be there before an earlier one. Whoever simply goes on after the last id seen loses the
earlier one for ever. Reading only what is older than every transaction under way loses nothing,
but then any transaction in the whole cluster that stays open holds up everybody.

So every append holds a lock, shared, from before it takes an id until it is visible. A reader
notes the last id given out, then who holds the lock: only these may still have an id below. It
waits for those, not for later ones and for nobody else, and then reads up to the noted id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

from apps.events.contracts import StoredEvent
from apps.events.models import ProjectionPosition, StoredEventRow
from apps.events.selectors.schemas import current_schema, tenant_id_of
from apps.events.services.store import APPENDING, stored_event

Apply = Callable[[Sequence[StoredEvent]], object]
_LAST_ID = """
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('stored_event', 'id')::regclass), 0)
"""
# The virtual transactions: a new one of the same session is somebody else.
_APPENDING = """
SELECT array_agg(virtualtransaction) FROM pg_locks
 WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND pid <> pg_backend_pid()
"""
_BEGIN = """
INSERT INTO projection_position (name, txid, id) VALUES (%s, '0', 0) ON CONFLICT DO NOTHING
"""
_LOOK = 0.005  # seconds between two looks at who is still appending


def follow(name: str, apply: Apply, *, limit: int = 1000, patience: float = 2.0) -> int:
    """Give the next settled events of the open school to `apply`, oldest first, and move on.

    Both happen in one transaction: each event reaches `apply` once, and again only if it raised.
    Followers of the same name take turns. Returns how many there were; fewer than `limit` when it
    has caught up. Appends of the school that are under way are waited for at most `patience`
    seconds; then nothing is read this time, and 0 returned.
    """
    last = settled_id(patience)
    with transaction.atomic():
        position = _locked_position(name)
        events = list(_between(position.event, last, limit)) if last is not None else []
        if events:
            apply([stored_event(row) for row in events])
            ProjectionPosition.objects.filter(name=name).update(event=events[-1].id)
    return len(events)


def position_of(name: str) -> int:
    """The id of the last event that the follower has seen; 0 for one that never read."""
    found = ProjectionPosition.objects.filter(name=name).values_list("event", flat=True).first()
    return found or 0


def settled_id(patience: float) -> int | None:
    """An id up to which no event can appear any more; None when that took too long to find out.
    Not inside a transaction that has read already: it would not see what has settled."""
    last = _one(_LAST_ID, [])
    key = [APPENDING, tenant_id_of(current_schema())]
    awaited = set(_one(_APPENDING, key) or ())
    until = time.monotonic() + patience
    while awaited:
        if time.monotonic() > until:
            return None
        time.sleep(_LOOK)
        awaited &= set(_one(_APPENDING, key) or ())
    return int(last)


def _locked_position(name: str) -> ProjectionPosition:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [name])
    return ProjectionPosition.objects.select_for_update().get(name=name)


def _between(after: int, last: int, limit: int) -> Sequence[StoredEventRow]:
    rows = StoredEventRow.objects.filter(id__gt=after, id__lte=last)
    return list(rows.order_by("id")[:limit])


def _one(query: str, values: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]
