"""Where a replay works: a schema of its own beside the school's, which is nobody's but the owner's.

    run       what is replayed, and what was chosen
    chosen    the streams, with their numbers of events
    share     stretches of them by id, and how far each has come
    s_<table> the shadow of a derived table: stream, key, columns

No backup, migration or request of the school meets it, and dropping the schema forgets it all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from apps.events.services.projections import Derived, Projection

Session = psycopg.Connection[Any]
# A share is what a killed replay does once more at most; more of them also spread better.
SHARES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which streams are gone through: those with an event that fits. What is empty does not
    matter. A stream is always gone through from its first event: its state depends on all."""

    since: datetime | None = None
    until: datetime | None = None
    event_type: str = ""
    stream: UUID | None = None

    @property
    def is_everything(self) -> bool:
        return self == Choice()

    def as_json(self) -> str:
        return json.dumps(asdict(self), default=str, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Share:
    """Streams after `done` (or from `first`) up to `last`."""

    number: int
    first: UUID
    last: UUID
    done: UUID | None
    events: int


@dataclass(frozen=True, slots=True)
class Ground:
    """The names of one school's replay."""

    school: str

    @property
    def schema(self) -> str:
        return f"replay_{self.school}"

    def table(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.schema, name)

    def shadow(self, derived: Derived) -> sql.Identifier:
        return self.table(f"s_{derived.table}")

    def live(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.school, name)


_MAKE = """
CREATE SCHEMA {schema};
CREATE TABLE {run} (projection text NOT NULL, choice text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE {chosen} (stream_id uuid NOT NULL, events bigint NOT NULL);
CREATE TABLE {share} (number integer PRIMARY KEY, first uuid NOT NULL, last uuid NOT NULL,
    done uuid, events bigint NOT NULL, handled bigint NOT NULL DEFAULT 0);
"""
_CHOOSE = """
INSERT INTO {chosen}
SELECT stream_id, count(*) FROM {stored} WHERE event_type = ANY(%(events)s)
 GROUP BY stream_id
HAVING bool_or((%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
           AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)
           AND (%(type)s = '' OR event_type = %(type)s)
           AND (%(stream)s::uuid IS NULL OR stream_id = %(stream)s))
"""
_DIVIDE = """
INSERT INTO {share} (number, first, last, events)
SELECT part, min(stream_id::text COLLATE "C")::uuid, max(stream_id::text COLLATE "C")::uuid,
       sum(events)
  FROM (SELECT stream_id, events, ntile(%s) OVER (ORDER BY stream_id) AS part FROM {chosen}) parts
 GROUP BY part
"""


def replay_schema(schema_name: str) -> str:
    """Where a replay of the school works; it goes with the school."""
    return Ground(schema_name).schema


def exists(session: Session, ground: Ground) -> bool:
    """Whether a replay was begun and not cleared away."""
    found = session.execute("SELECT to_regclass(%s)", [f"{ground.schema}.run"]).fetchone()
    return found is not None and found[0] is not None


def prepare(session: Session, ground: Ground, projection: Projection, choice: Choice) -> None:
    """Make the schema, choose the streams and divide them. In the transaction that is open."""
    names = {name: ground.table(name) for name in ("run", "chosen", "share")}
    statement = sql.SQL(_MAKE).format(schema=sql.Identifier(ground.schema), **names)
    session.execute(statement)
    for derived in projection.tables:
        _make_shadow(session, ground, derived)
    session.execute(
        sql.SQL("INSERT INTO {} (projection, choice) VALUES (%s, %s)").format(names["run"]),
        [_told(projection), choice.as_json()],
    )
    choose = sql.SQL(_CHOOSE).format(chosen=names["chosen"], stored=ground.live("stored_event"))
    session.execute(choose, _values(projection, choice))
    session.execute(sql.SQL("CREATE UNIQUE INDEX ON {} (stream_id)").format(names["chosen"]))
    session.execute(sql.SQL(_DIVIDE).format(**names), [SHARES])


def is_same(session: Session, ground: Ground, projection: Projection, choice: Choice) -> bool:
    """Whether what is under way is this very replay."""
    query = sql.SQL("SELECT projection, choice FROM {}").format(ground.table("run"))
    return session.execute(query).fetchone() == (_told(projection), choice.as_json())


def _told(projection: Projection) -> str:
    """Name and meaning: what another release has worked out would be taken for its own."""
    columns = "; ".join(f"{each.table} {' '.join(each.columns)}" for each in projection.tables)
    return f"{projection.name} v{projection.version}: {columns}"


def clear(session: Session, ground: Ground) -> None:
    """Forget the replay."""
    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
    session.execute(drop.format(sql.Identifier(ground.schema)))


def shares(session: Session, ground: Ground) -> list[Share]:
    """Those that are not through yet."""
    query = sql.SQL(
        "SELECT number, first, last, done, events FROM {} WHERE done IS DISTINCT FROM last"
        " ORDER BY number"
    )
    return [Share(*row) for row in session.execute(query.format(ground.table("share"))).fetchall()]


def progress(session: Session, ground: Ground) -> tuple[int, int]:
    """(events handled, events in all)"""
    query = sql.SQL("SELECT coalesce(sum(handled), 0), coalesce(sum(events), 0) FROM {}")
    row = session.execute(query.format(ground.table("share"))).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _make_shadow(session: Session, ground: Ground, derived: Derived) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, derived.columns))
    statement = sql.SQL(
        "CREATE TABLE {shadow} AS SELECT {stream} AS stream, {key} AS key, {columns}"
        " FROM {live} WITH NO DATA"
    )
    session.execute(
        statement.format(
            shadow=ground.shadow(derived),
            stream=sql.Identifier(derived.stream),
            key=sql.Identifier(derived.key),
            columns=columns,
            live=ground.live(derived.table),
        )
    )


def _values(projection: Projection, choice: Choice) -> Mapping[str, Any]:
    return {
        "events": sorted(projection.events),
        "since": choice.since,
        "until": choice.until,
        "type": choice.event_type,
        "stream": choice.stream,
    }
