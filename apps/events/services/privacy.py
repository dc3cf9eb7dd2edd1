"""Events and people: who is still named in what waits, and the owner's way to end old stories.

Payloads are searched as text, for keys and addresses: the tables that wait are short.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Func, Q, QuerySet, TextField
from psycopg import sql

from apps.events.models import (
    DeadLetter,
    ExternalDelivery,
    OutboxEvent,
    ParkedEvent,
    Receipt,
    StoredEventRow,
)
from kernel.owner import owner_session


class _Text(Func):
    """A json column as the text it is."""

    template = "(%(expressions)s)::text"
    output_field = TextField()


def waiting_about(texts: Collection[str]) -> int:
    """How many events that name one of the texts are not delivered yet, parked ones and open dead
    letters included."""
    waiting: list[QuerySet[Any]] = [
        OutboxEvent.objects.all(),
        ExternalDelivery.objects.all(),
        ParkedEvent.objects.all(),
        DeadLetter.objects.filter(resolved_at__isnull=True),
    ]
    return sum(_naming(rows, texts).count() for rows in waiting)


def forget_letters(texts: Collection[str]) -> int:
    """Delete resolved dead letters that name one of the texts; returns how many."""
    done = DeadLetter.objects.filter(resolved_at__isnull=False)
    return _naming(done, texts).delete()[0]


def _naming(rows: QuerySet[Any], texts: Collection[str]) -> QuerySet[Any]:
    if not texts:
        return rows.none()
    found = Q()
    for text in texts:
        found |= Q(words__icontains=text)
    return rows.annotate(words=_Text(F("payload"))).filter(found)


def streams_naming(stream_ids: Iterable[UUID], texts: Collection[str]) -> set[UUID]:
    """Those of the streams whose history names one of the texts."""
    rows = StoredEventRow.objects.filter(stream_id__in=list(stream_ids))
    naming = rows.annotate(words=_Text(F("payload")), notes=_Text(F("metadata")))
    found = Q()
    for text in texts:
        found |= Q(words__icontains=text) | Q(notes__icontains=text)
    return set(naming.filter(found).values_list("stream_id", flat=True)) if texts else set()


def expired_receipts(cutoff: datetime) -> QuerySet[Receipt]:
    """Receipts of events before the cutoff that nobody can deliver again. The key begins with the
    event's own time, so this is one range of the index."""
    waiting = DeadLetter.objects.filter(resolved_at__isnull=True).values("event_id")
    owed = ExternalDelivery.objects.values("event_id")
    parked = ParkedEvent.objects.values("event_id")
    old = Receipt.objects.filter(event_id__lt=_first_key(cutoff)).exclude(event_id__in=waiting)
    return old.exclude(event_id__in=owed).exclude(event_id__in=parked)


def _first_key(moment: datetime) -> UUID:
    """The least uuid7 of that moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def resolved_letters(cutoff: datetime) -> QuerySet[DeadLetter]:
    """Dead letters that were dealt with before the cutoff."""
    return DeadLetter.objects.filter(resolved_at__lt=cutoff)


def purge_streams(*, schema_name: str, stream_ids: Iterable[UUID]) -> int:
    """Delete whole histories, as the owner of the tables: nobody else can. Returns how many
    events went. Commits by itself, before the caller's transaction. Raises Unavailable without
    DATABASE_OWNER_URL.

    Only for streams that nothing will ever be appended to.
    """
    table = sql.Identifier(schema_name, "stored_event")
    switch = sql.SQL("ALTER TABLE {} {} TRIGGER stored_event_immutable")
    with owner_session() as session:
        session.execute("SET LOCAL lock_timeout = '3s'")
        session.execute(switch.format(table, sql.SQL("DISABLE")))
        gone = session.execute(
            sql.SQL("DELETE FROM {} WHERE stream_id = ANY(%s)").format(table), [list(stream_ids)]
        )
        session.execute(switch.format(table, sql.SQL("ENABLE")))
        return gone.rowcount
