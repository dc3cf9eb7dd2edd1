"""The event store read across streams, newest first: for audits, not for folding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db.models.fields.json import KeyTextTransform

from apps.events.contracts import HistoryEntry
from apps.events.models import StoredEventRow
from apps.events.services.errors import UnknownEvent
from apps.events.services.registry import registry

CHUNK = 500


def history(
    *,
    prefix: str,
    actor: str = "",
    stream_id: UUID | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    below: int | None = None,
) -> Iterator[HistoryEntry]:
    """Facts whose type begins with `prefix`, newest first; read while the school is open.

    `actor`: part of who acted. `since` is included, `before` not. `below`: only what was written
    before the entry of this number, to go on where a page ended.
    """
    rows = StoredEventRow.objects.filter(event_type__startswith=prefix).order_by("-id")
    if actor:
        who = KeyTextTransform("actor", "metadata")
        rows = rows.annotate(who=who).filter(who__icontains=actor)
    limits = {
        "stream_id": stream_id,
        "occurred_at__gte": since,
        "occurred_at__lt": before,
        "id__lt": below,
    }
    rows = rows.filter(**{name: value for name, value in limits.items() if value is not None})
    return map(_entry, rows.iterator(chunk_size=CHUNK))


def _entry(row: StoredEventRow) -> HistoryEntry:
    """What another release stored and this one cannot read is told by its type alone."""
    try:
        event = registry().decode(row.event_type, row.schema_version, row.payload)
    except UnknownEvent:
        event = None
    return HistoryEntry(
        number=row.pk,
        stream_id=row.stream_id,
        event_type=row.event_type,
        event=event,
        occurred_at=row.occurred_at,
        metadata=row.metadata or {},
    )
