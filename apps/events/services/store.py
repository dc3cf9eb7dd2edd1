"""The event store: the history of an aggregate, appended to and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from apps.events.contracts import StoredEvent
from apps.events.models import StoredEventRow
from apps.events.selectors.schemas import current_schema, tenant_id_of
from apps.events.services.errors import VersionConflict
from apps.events.services.registry import registry
from kernel import jsoncodec

# First key of the advisory lock that every append holds, shared, to the end of its transaction;
# the second is the school's number. Readers that follow the store look who holds it (tailing.py).
APPENDING = 0x0B0D_0000
_BEGIN = """
SELECT pg_advisory_xact_lock_shared(%s, %s),
       (SELECT coalesce(max(version), 0) FROM stored_event WHERE stream_id = %s)
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
    rows = [
        _row(stream_id, expected_version + step, event, notes)
        for step, event in enumerate(events, start=1)
    ]
    try:
        with transaction.atomic():
            _begin(stream_id, expected_version)
            StoredEventRow.objects.bulk_create(rows)
    except IntegrityError as error:
        raise VersionConflict(stream_id, expected_version, None) from error
    return expected_version + len(rows)


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


def _begin(stream_id: UUID, expected_version: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [APPENDING, tenant_id_of(current_schema()), stream_id])
        _locked, actual = cursor.fetchone()
    if actual != expected_version:
        raise VersionConflict(stream_id, expected_version, actual)


def _row(stream_id: UUID, version: int, event: object, metadata: dict[str, Any]) -> StoredEventRow:
    event_type, schema_version = registry().identify(event)
    return StoredEventRow(
        stream_id=stream_id,
        version=version,
        event_type=event_type,
        schema_version=schema_version,
        payload=jsoncodec.encode(event),
        metadata=metadata,
    )


def _trace() -> dict[str, str]:
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    return {"trace_id": str(trace_id)} if trace_id else {}
