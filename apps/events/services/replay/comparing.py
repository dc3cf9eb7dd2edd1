"""What history comes to beside what the tables hold, and putting them right.

The shadows name the suspects: payments go on meanwhile, so each of them is looked at again, in
one moment with its events. Where the tables are to be put right, that happens under the lock that
whoever appends to the stream takes too, some hundred streams to a transaction: nobody else waits
for longer than that, and a run that is killed has put right whole streams or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from apps.events.services.circumstances import replaying
from apps.events.services.projections import Derived, Projection
from apps.events.services.replay.folding import read_streams
from apps.events.services.replay.ground import Ground, Session

AT_ONCE = 200
Table = dict[Any, tuple[Any, ...]]

# One join finds what is missing here, what differs, and what history does not tell of.
_SUSPECTS = """
SELECT coalesce(s.stream, l.{stream}) FROM {shadow} s FULL JOIN {live} l ON l.{key} = s.key
 WHERE CASE WHEN s.key IS NULL THEN {is_meant}
            ELSE l.{key} IS NULL OR ({shadowed}) IS DISTINCT FROM ({lived}) END
"""
# Where only some streams were gone through, the shadows say nothing of the others.
_AMONG_CHOSEN = "l.{stream} IN (SELECT stream FROM {heads})"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not what its history comes to. `columns`: name -> (here, by history); empty
    for a row that is missing here or that history does not know, and that a person must look at.
    """

    table: str
    key: Any
    kind: str
    columns: Mapping[str, tuple[Any, Any]]

    @property
    def can_be_put_right(self) -> bool:
        return self.kind == CHANGED


CHANGED, MISSING, UNTOLD = "changed", "missing", "untold"


def suspects(
    session: Session, ground: Ground, projection: Projection, *, everything: bool
) -> list[UUID]:
    """Streams of which some table differs from its shadow."""
    found: set[UUID] = set()
    heads = ground.shadow(projection.tables[0])
    for derived in projection.tables:
        names = _names(ground, derived)
        chosen = sql.SQL(_AMONG_CHOSEN).format(heads=heads, stream=names["stream"])
        is_meant = sql.SQL("true") if everything else chosen
        statement = sql.SQL(_SUSPECTS).format(is_meant=is_meant, **names)
        found |= {row[0] for row in session.execute(statement).fetchall()}
    return sorted(found)


def look_again(
    session: Session, ground: Ground, projection: Projection, streams: Sequence[UUID]
) -> Iterator[Difference]:
    """The true differences, each stream in one moment with its events. Changes nothing."""
    for part in _parts(streams):
        with session.transaction():
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield from _differences(session, ground, projection, part)


def put_right(
    session: Session, ground: Ground, projection: Projection, streams: Sequence[UUID]
) -> Iterator[Difference]:
    """The true differences, and the changed ones are gone afterwards. Each part is committed
    before its differences are told."""
    for part in _parts(streams):
        with session.transaction():
            _lock(session, ground, projection.tables[0], part)
            found = list(_differences(session, ground, projection, part))
            for difference in found:
                if difference.can_be_put_right:
                    _update(session, ground, projection, difference)
        yield from found


def _parts(streams: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(streams), AT_ONCE):
        yield streams[start : start + AT_ONCE]


def _lock(session: Session, ground: Ground, head: Derived, streams: Sequence[UUID]) -> None:
    statement = sql.SQL("SELECT FROM {live} WHERE {stream} = ANY(%s) ORDER BY {stream} FOR UPDATE")
    session.execute(statement.format(**_names(ground, head)), [list(streams)])


def _differences(
    session: Session, ground: Ground, projection: Projection, streams: Sequence[UUID]
) -> Iterator[Difference]:
    told: dict[str, Table] = {derived.table: {} for derived in projection.tables}
    history = read_streams(session, ground, projection, streams)
    untold = [stream_id for stream_id, each in history.items() if not each.events]
    ended = _ended(session, ground, projection, untold)
    streams = [stream_id for stream_id in streams if stream_id not in ended]
    with replaying():
        for stream_id, each in history.items():
            rows = projection.project(stream_id, each) if each.events else {}
            for table, lines in rows.items():
                told[table].update((line[0], tuple(line[1:])) for line in lines)
    for derived in projection.tables:
        here = _live_rows(session, ground, derived, streams)
        yield from _compared(derived, here, told[derived.table])


def _ended(
    session: Session, ground: Ground, projection: Projection, streams: Sequence[UUID]
) -> set[UUID]:
    """Streams whose history was let go: there is nothing to compare with."""
    head = projection.tables[0]
    if not projection.ended:
        return set()
    query = sql.SQL("SELECT {stream} FROM {live} WHERE {stream} = ANY(%s) AND {ended} = 0")
    statement = query.format(ended=sql.Identifier(projection.ended), **_names(ground, head))
    return {row[0] for row in session.execute(statement, [list(streams)]).fetchall()}


def _live_rows(
    session: Session, ground: Ground, derived: Derived, streams: Sequence[UUID]
) -> Table:
    statement = sql.SQL("SELECT {key}, {columns} FROM {live} WHERE {stream} = ANY(%s)")
    columns = sql.SQL(", ").join(map(sql.Identifier, derived.columns))
    query = statement.format(columns=columns, **_names(ground, derived))
    return {row[0]: tuple(row[1:]) for row in session.execute(query, [list(streams)]).fetchall()}


def _compared(derived: Derived, here: Table, told: Table) -> Iterator[Difference]:
    for key in sorted({*here, *told}, key=str):
        if key not in here:
            yield Difference(derived.table, key, MISSING, {})
        elif key not in told:
            yield Difference(derived.table, key, UNTOLD, {})
        elif here[key] != told[key]:
            pairs = zip(derived.columns, here[key], told[key], strict=True)
            columns = {name: (old, new) for name, old, new in pairs if old != new}
            yield Difference(derived.table, key, CHANGED, columns)


def _update(
    session: Session, ground: Ground, projection: Projection, difference: Difference
) -> None:
    derived = next(each for each in projection.tables if each.table == difference.table)
    changes = sql.SQL(", ").join(
        sql.SQL("{} = %s").format(sql.Identifier(name)) for name in difference.columns
    )
    statement = sql.SQL("UPDATE {live} SET {changes} WHERE {key} = %s")
    values = [new for _old, new in difference.columns.values()]
    session.execute(
        statement.format(changes=changes, **_names(ground, derived)), [*values, difference.key]
    )


def _names(ground: Ground, derived: Derived) -> dict[str, sql.Composable]:
    def columns_of(alias: str) -> sql.Composed:
        names: Iterable[sql.Composable] = (
            sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(name))
            for name in derived.columns
        )
        return sql.SQL(", ").join(names)

    return {
        "shadow": ground.shadow(derived),
        "live": ground.live(derived.table),
        "key": sql.Identifier(derived.key),
        "stream": sql.Identifier(derived.stream),
        "shadowed": columns_of("s"),
        "lived": columns_of("l"),
    }
