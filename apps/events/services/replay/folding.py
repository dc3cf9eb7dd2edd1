"""A share of the streams, read in order, projected, and written into the shadow tables.

What is noted as done is written in the same transaction as the rows. So a share that is killed
goes on where it stood, and no row is there twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg import sql

from apps.events.contracts import StoredEvent
from apps.events.services.circumstances import replaying
from apps.events.services.projections import Projection, Rows
from apps.events.services.registry import registry
from apps.events.services.replay.ground import Ground, Session, Share
from kernel.owner import owner_session

Stream = tuple[UUID, list[StoredEvent]]
_ROWS_A_TRIP = 5000
_STREAMS_A_WRITE = 2000
_READ = """
SELECT e.stream_id, e.version, e.event_type, e.schema_version, e.payload::text, e.metadata::text,
       e.occurred_at
  FROM {stored} e {only_chosen}
 WHERE e.stream_id {from_here} %(start)s AND e.stream_id <= %(last)s
   AND e.event_type = ANY(%(events)s)
 ORDER BY e.stream_id, e.version
"""
_CHOSEN = "JOIN {chosen} c ON c.stream_id = e.stream_id"


def fold_share(school: str, projection: Projection, share: Share, *, everything: bool) -> None:
    """Bring one share to its end. Opens two connections of its own as the owner."""
    ground = Ground(school)
    with owner_session() as reader, owner_session() as writer:
        writer.execute("SET synchronous_commit = off")
        writer.commit()
        streams = _streams(reader, ground, projection, share, everything)
        with replaying():
            while part := list(islice(streams, _STREAMS_A_WRITE)):
                _write(writer, ground, projection, share, part)
        with writer.transaction():
            _note(writer, ground, share, share.last, 0)


def decoded(rows: Iterable[Sequence[Any]]) -> list[StoredEvent]:
    """Rows of _READ as events, each at its newest version. Raises UnknownEvent."""
    decode = registry().decode
    return [
        StoredEvent(
            stream_id=stream_id,
            version=version,
            event=decode(event_type, schema_version, json.loads(payload)),
            occurred_at=occurred_at,
            metadata=json.loads(metadata),
        )
        for stream_id, version, event_type, schema_version, payload, metadata, occurred_at in rows
    ]


def read_streams(
    session: Session, ground: Ground, projection: Projection, stream_ids: Sequence[UUID]
) -> dict[UUID, list[StoredEvent]]:
    """A few streams as they are now; an empty list for one without events."""
    query = sql.SQL(
        "SELECT stream_id, version, event_type, schema_version, payload::text, metadata::text,"
        " occurred_at FROM {} WHERE stream_id = ANY(%s) AND event_type = ANY(%s)"
        " ORDER BY stream_id, version"
    ).format(ground.live("stored_event"))
    rows = session.execute(query, [list(stream_ids), sorted(projection.events)]).fetchall()
    found = {key: decoded(group) for key, group in groupby(rows, key=itemgetter(0))}
    return {stream_id: found.get(stream_id, []) for stream_id in stream_ids}


def _streams(
    reader: Session, ground: Ground, projection: Projection, share: Share, everything: bool
) -> Iterator[Stream]:
    chosen = sql.SQL(_CHOSEN).format(chosen=ground.table("chosen"))
    statement = sql.SQL(_READ).format(
        stored=ground.live("stored_event"),
        only_chosen=sql.SQL("") if everything else chosen,
        from_here=sql.SQL(">" if share.done else ">="),
    )
    values = {
        "start": share.done or share.first,
        "last": share.last,
        "events": sorted(projection.events),
    }
    with reader.cursor(name="replay") as cursor:
        cursor.itersize = _ROWS_A_TRIP
        cursor.execute(statement, values)
        for stream_id, rows in groupby(cursor, key=itemgetter(0)):
            yield stream_id, decoded(rows)


def _write(
    writer: Session, ground: Ground, projection: Projection, share: Share, part: Sequence[Stream]
) -> None:
    projected = [(stream_id, projection.project(stream_id, events)) for stream_id, events in part]
    with writer.transaction():
        for derived in projection.tables:
            _copy(writer, ground.shadow(derived), derived.table, projected)
        _note(writer, ground, share, part[-1][0], sum(len(events) for _id, events in part))


def _copy(
    writer: Session, shadow: sql.Identifier, table: str, projected: Sequence[tuple[UUID, Rows]]
) -> None:
    with (
        writer.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN").format(shadow)) as copy,
    ):
        for stream_id, rows in projected:
            for row in rows.get(table, ()):
                copy.write_row((stream_id, *row))


def _note(writer: Session, ground: Ground, share: Share, done: UUID, events: int) -> None:
    statement = sql.SQL("UPDATE {} SET done = %s, handled = handled + %s WHERE number = %s")
    writer.execute(statement.format(ground.table("share")), [done, events, share.number])
