"""The event store: the history of an aggregate, appended to and never changed."""

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Max, QuerySet

from apps.events.contracts import StoredEvent
from apps.events.models import StoredEventRow
from apps.events.selectors.schemas import current_schema, tenant_id_of
from apps.events.services.errors import VersionConflict
from apps.events.services.letters import lane_of
from apps.events.services.publishing import check_not_replaying, headers_of, ring_after_commit
from apps.events.services.registry import registry
from kernel import jsoncodec
from kernel.ids import uuid7
from kernel.statements import run_prepared

# First key of the advisory lock that every append holds, shared, to the end of its transaction;
# the second is the school's number. Readers that follow the store look who holds it (tailing.py).
APPENDING = 0x0B0D_0000
# One statement: an append comes with every step of a payment. The lock is taken before an id.
# JSON, since arrays would take psycopg several times as long. Payloads are by themselves: -> and
# ->> refuse whatever stands beside an escape that is no text, such as \u0000.
_STEPS = """
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(%(family)s, %(school)s)),
     stands AS (SELECT coalesce(max(version), 0) AS version FROM stored_event
                 WHERE stream_id = %(stream)s)
"""
_INSERT = """
INSERT INTO stored_event (stream_id, version, event_type, schema_version, payload, metadata)
SELECT %(stream)s, %(expected)s + told.step, told.kind->>0, (told.kind->>1)::smallint,
       told.payload, %(notes)s::json
  FROM held, stands,
       ROWS FROM (json_array_elements(%(kinds)s::json), json_array_elements(%(payloads)s::json))
       WITH ORDINALITY AS told (kind, payload, step)
 WHERE stands.version = %(expected)s
 ORDER BY told.step
ON CONFLICT (stream_id, version) DO NOTHING
"""
_APPEND = f"{_STEPS}{_INSERT}"
# The outbox is written last, and only if the whole story is in: so its ids come in the order in
# which the versions did.
_APPEND_AND_PUBLISH = f"""
{_STEPS}, appended AS ({_INSERT} RETURNING version)
INSERT INTO outbox_event
       (event_id, stream_type, stream_id, seq, lane, event_type, version, payload, headers)
SELECT (news.kind->>2)::uuid, %(kind)s, %(stream)s, %(reached)s, %(lane)s, news.kind->>0,
       (news.kind->>1)::smallint, news.payload, %(headers)s::json
  FROM ROWS FROM (json_array_elements(%(news)s::json), json_array_elements(%(bodies)s::json))
       WITH ORDINALITY AS news (kind, payload, position)
 WHERE (SELECT count(*) FROM appended) = %(count)s
 ORDER BY news.position
"""  # noqa: S608 - two constants of this file


def append(
    stream_type: str,
    stream_id: UUID,
    *,
    expected_version: int,
    events: Sequence[object],
    metadata: dict[str, Any] | None = None,
    publish: Sequence[object] = (),
) -> int:
    """Append events to a stream that stands at `expected_version` (0: it does not exist yet).

    What others shall hear of it, `publish`, goes into the outbox by the same statement, or not at
    all; so unlike publish() this needs no open transaction. Returns the new version. Raises
    VersionConflict when the stream stands elsewhere; the caller's transaction stays usable.
    Raises UnknownEvent for a class in no events.py, PublishedWhileReplaying where history is only
    gone through again, TypeError for a value of another type than its field's.
    """
    notes = {**(metadata or {}), **_trace(), "stream_type": stream_type}
    values = _values(stream_id, expected_version, events, notes)
    if publish:
        check_not_replaying()
        values |= _news(stream_type, stream_id, publish, actor=notes.get("actor", ""))
    # Of several events some might be in, and some not, where somebody else is at it too.
    with transaction.atomic() if len(events) > 1 else nullcontext():
        written = run_prepared(_APPEND_AND_PUBLISH if publish else _APPEND, values)
        if written < len(publish or events):
            raise VersionConflict(stream_id, expected_version, _version_of(stream_id))
    if publish:
        ring_after_commit(values["lane"])
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


def _values(
    stream_id: UUID, expected_version: int, events: Sequence[object], notes: dict[str, Any]
) -> dict[str, Any]:
    return {
        "family": APPENDING,
        "school": tenant_id_of(current_schema()),
        "stream": stream_id,
        "expected": expected_version,
        "notes": json.dumps(notes),
        "kinds": json.dumps([registry().identify(event) for event in events]),
        "payloads": json.dumps([jsoncodec.to_store(event) for event in events]),
        "count": len(events),
        "reached": expected_version + len(events),
    }


def _news(
    stream_type: str, stream_id: UUID, publish: Sequence[object], *, actor: str
) -> dict[str, Any]:
    return {
        "kind": stream_type,
        "lane": lane_of(stream_id),
        "headers": headers_of(actor),
        "news": json.dumps([[*registry().identify(event), str(uuid7())] for event in publish]),
        "bodies": json.dumps([jsoncodec.to_store(event) for event in publish]),
    }


def _version_of(stream_id: UUID) -> int:
    latest = StoredEventRow.objects.filter(stream_id=stream_id).aggregate(latest=Max("version"))
    return latest["latest"] or 0


def _trace() -> dict[str, str]:
    """The running trace; where nobody began one it begins here, and logs that follow carry it."""
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    if not trace_id:
        trace_id = os.urandom(16).hex()
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
    return {"trace_id": str(trace_id)}
