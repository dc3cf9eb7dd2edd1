"""A share of the streams, read in order, projected, and written into the shadow tables.

What is noted as done is written in the same transaction as the rows. So a share that is killed
goes on where it stood, and no row is there twice.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg import sql

from apps.events.services.circumstances import replaying
from apps.events.services.projections import History, Projection, Rows
from apps.events.services.registry import registry
from apps.events.services.replay.ground import Ground, Session, Share
from kernel.owner import owner_session

Stream = tuple[UUID, History]
_ROWS = 2000  # a trip
_STREAMS_A_WRITE = 2000
# The stream's id as text: it is made a UUID once a stream, not once an event.
_READ = """
SELECT e.stream_id::text, e.version, e.event_type, e.schema_version, e.payload::text
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
        with replaying(), _no_cycles():
            while part := list(islice(streams, _STREAMS_A_WRITE)):
                _write(writer, ground, projection, share, part)
        with writer.transaction():
            _note(writer, ground, share, share.last, 0)


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Events hold no cycles: looking for some among millions of new objects takes a fifth of the
    time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def histories(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, History]]:
    """Rows of _READ as streams, each event at its newest version; streams at the ends of the rows
    may be cut. Raises UnknownEvent."""
    readers = {key: registry().text_reader(*key) for key in {(row[2], row[3]) for row in rows}}
    for stream_id, part in groupby(rows, key=itemgetter(0)):
        lines = list(part)
        events = [readers[name, version](text) for _id, _no, name, version, text in lines]
        yield stream_id, History(lines[-1][1], events)


def read_streams(
    session: Session, ground: Ground, projection: Projection, stream_ids: Sequence[UUID]
) -> dict[UUID, History]:
    """A few streams as they are now; an empty one for one without events."""
    query = sql.SQL(
        "SELECT stream_id::text, version, event_type, schema_version, payload::text"
        " FROM {} WHERE stream_id = ANY(%s) AND event_type = ANY(%s)"
        " ORDER BY stream_id, version"
    ).format(ground.live("stored_event"))
    rows = session.execute(query, [list(stream_ids), sorted(projection.events)]).fetchall()
    found = dict(histories(rows))
    return {key: found.get(str(key), History(0, [])) for key in stream_ids}


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
        cursor.execute(statement, values)
        yield from _whole(histories(rows) for rows in iter(lambda: cursor.fetchmany(_ROWS), []))


def _whole(parts: Iterable[Iterator[tuple[str, History]]]) -> Iterator[Stream]:
    """Streams that the end of a trip has cut in two are put together again."""
    for stream_id, pieces in groupby(chain.from_iterable(parts), key=itemgetter(0)):
        told = [history for _id, history in pieces]
        events = told[0].events if len(told) == 1 else [e for part in told for e in part.events]
        yield UUID(stream_id), History(told[-1].version, events)


def _write(
    writer: Session, ground: Ground, projection: Projection, share: Share, part: Sequence[Stream]
) -> None:
    projected = [(stream_id, projection.project(stream_id, history)) for stream_id, history in part]
    with writer.transaction():
        for derived in projection.tables:
            _copy(writer, ground.shadow(derived), derived.table, projected)
        _note(writer, ground, share, part[-1][0], sum(len(each.events) for _id, each in part))


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
