"""The event store: the history of an aggregate, appended to and never changed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.events.contracts import StoredEvent
from apps.events.models import StoredEventRow
from apps.events.services.errors import VersionConflict
from apps.events.services.registry import registry
from kernel import jsoncodec


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
    _check_version(stream_id, expected_version)
    notes = {**(metadata or {}), **_trace(), "stream_type": stream_type}
    rows = [
        _row(stream_id, expected_version + step, event, notes)
        for step, event in enumerate(events, start=1)
    ]
    try:
        with transaction.atomic():
            StoredEventRow.objects.bulk_create(rows)
    except IntegrityError as error:
        raise VersionConflict(stream_id, expected_version, None) from error
    return expected_version + len(rows)


def load(stream_id: UUID, *, after_version: int = 0) -> list[StoredEvent]:
    """A stream's events in order, brought to their newest version; empty when unknown."""
    rows = StoredEventRow.objects.filter(stream_id=stream_id, version__gt=after_version).order_by(
        "version"
    )
    return [
        StoredEvent(
            version=row.version,
            event=registry().decode(row.event_type, row.schema_version, row.payload),
            occurred_at=row.occurred_at,
            metadata=row.metadata,
        )
        for row in rows
    ]


def _check_version(stream_id: UUID, expected_version: int) -> None:
    stream = StoredEventRow.objects.filter(stream_id=stream_id)
    actual = stream.aggregate(latest=Max("version"))["latest"] or 0
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
