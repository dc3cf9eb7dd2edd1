"""The event store: the history of an aggregate, appended to and never changed."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from apps.events.contracts import StoredEvent
from apps.events.models import StoredEventRow
from apps.events.selectors.schemas import current_schema, tenant_id_of
from apps.events.services.errors import VersionConflict
from apps.events.services.registry import registry
from kernel import jsoncodec

# First key of the advisory lock that every append holds, shared, to the end of its transaction;
# the second is the school's number. Readers that follow the store look who holds it (tailing.py).
APPENDING = 0x0B0D_0000
# One statement: an append comes with every step of a payment. The lock is taken before an id.
_APPEND = """
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(%(family)s, %(school)s)),
     stands AS (SELECT coalesce(max(version), 0) AS version FROM stored_event
                 WHERE stream_id = %(stream)s)
INSERT INTO stored_event (stream_id, version, event_type, schema_version, payload, metadata)
SELECT %(stream)s, %(expected)s + told.step, told.event_type, told.schema_version,
       told.payload::json, %(notes)s::json
  FROM held, stands, unnest(%(types)s::text[], %(schemas)s::smallint[], %(payloads)s::text[])
       WITH ORDINALITY AS told (event_type, schema_version, payload, step)
 WHERE stands.version = %(expected)s
 ORDER BY told.step
ON CONFLICT (stream_id, version) DO NOTHING
"""


def append(
    stream_type: str,
    stream_id: UUID,
    *,
    expected_version: int,
    events: Sequence[object],
    metadata: dict[str, Any] | None = None,
) -> int:
    """Append events to a stream that stands at `expected_version` (0: it does not exist yet).

    Returns the new version. Raises VersionConflict when the stream stands elsewhere; the
    caller's transaction stays usable. Raises UnknownEvent for a class in no events.py.
    """
    notes = {**(metadata or {}), **_trace(), "stream_type": stream_type}
    # Of several events some might be in, and some not, where somebody else is at it too.
    with transaction.atomic() if len(events) > 1 else nullcontext():
        if _written(stream_id, expected_version, events, notes) < len(events):
            raise VersionConflict(stream_id, expected_version, _version_of(stream_id))
    return expected_version + len(events)


def load(
    stream_id: UUID,
    *,
    after_version: int = 0,
    up_to_version: int | None = None,
    as_of: datetime | None = None,
) -> list[StoredEvent]:
    """A stream's events in order, brought to their newest version; empty when unknown.

    `up_to_version` and `as_of` leave out what came later: the state as it was then.
    """
    rows = rows_of(stream_id).filter(version__gt=after_version)
    if up_to_version is not None:
        rows = rows.filter(version__lte=up_to_version)
    if as_of is not None:
        rows = rows.filter(occurred_at__lte=as_of)
    return [stored_event(row) for row in rows]


def rows_of(stream_id: UUID) -> QuerySet[StoredEventRow]:
    """The stream's rows in order."""
    return StoredEventRow.objects.filter(stream_id=stream_id).order_by("version")


def stored_event(row: StoredEventRow) -> StoredEvent:
    """A row as other apps see it. Raises UnknownEvent for one that this release cannot read."""
    return StoredEvent(
        stream_id=row.stream_id,
        version=row.version,
        event=registry().decode(row.event_type, row.schema_version, row.payload),
        occurred_at=row.occurred_at,
        metadata=row.metadata,
    )


def _written(
    stream_id: UUID, expected_version: int, events: Sequence[object], notes: dict[str, Any]
) -> int:
    names = [registry().identify(event) for event in events]
    values: dict[str, Any] = {
        "family": APPENDING,
        "school": tenant_id_of(current_schema()),
        "stream": stream_id,
        "expected": expected_version,
        "notes": json.dumps(notes),
        "types": [event_type for event_type, _version in names],
        "schemas": [version for _type, version in names],
        "payloads": [json.dumps(jsoncodec.encode(event)) for event in events],
    }
    with connection.cursor() as cursor:
        cursor.execute(_APPEND, values)
        return int(cursor.rowcount)


def _version_of(stream_id: UUID) -> int:
    latest = StoredEventRow.objects.filter(stream_id=stream_id).aggregate(latest=Max("version"))
    return latest["latest"] or 0


def _trace() -> dict[str, str]:
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    return {"trace_id": str(trace_id)} if trace_id else {}
