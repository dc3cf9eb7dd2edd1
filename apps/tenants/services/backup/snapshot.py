"""One school at one moment, read as its own role: it cannot reach another school's rows even by
mistake, and whoever works meanwhile is neither waited for nor held up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import transaction
from django.utils.translation import gettext as _
from psycopg import sql

from apps.tenants.contracts import BookReport
from apps.tenants.services.backup.hooks import books_as_far_as_possible
from apps.tenants.services.backup.tables import PLAIN_FORM, Session, Table, tables_of
from kernel.errors import Unavailable
from kernel.schools import connection, in_school

_TRIES = 5
# As in pg_dump: the locks come before the snapshot, so that no migration can slip in between.
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_NOW = "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.statement_timestamp()"


@dataclass(frozen=True, slots=True)
class Moment:
    """An open, read-only transaction on a school's tables, all locked against changes of form."""

    session: Session
    schema_name: str
    tables: list[Table]
    taken_at: datetime
    name: str

    def books(self) -> dict[str, BookReport]:
        """The apps' own checks, made on this very snapshot by Django's connection."""
        with in_school(self.schema_name):
            _open_now()
            with transaction.atomic():
                _send("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                _send(f"SET TRANSACTION SNAPSHOT '{self.name}'")
                return books_as_far_as_possible()


@contextmanager
def moment_of(schema_name: str) -> Iterator[Moment]:
    """A snapshot of the school. Raises Unavailable when its tables keep changing their form."""
    with school_session(schema_name) as session:
        for _try in range(_TRIES):
            tables = tables_of(session, schema_name)
            session.execute(_BEGIN)
            _lock(session, tables)
            row = session.execute(_NOW).fetchone()
            if row and tables and tables_of(session, schema_name) == tables:
                yield Moment(session, schema_name, tables, row[1], row[0])
                session.execute("ROLLBACK")
                return
            session.execute("ROLLBACK")
    raise Unavailable(_("There are no tables in %(schema)s.") % {"schema": schema_name})


@contextmanager
def school_session(schema_name: str) -> Iterator[Session]:
    """A connection of its own, signed in as the app and working as the school's role."""
    parameters: dict[str, Any] = connection.get_connection_params()
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    with psycopg.connect(**parameters, autocommit=True) as session:
        session.execute(PLAIN_FORM)
        session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(schema_name)))
        yield session


def _lock(session: Session, tables: list[Table]) -> None:
    if tables:
        names = sql.SQL(", ").join(table.identifier for table in tables)
        session.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def _open_now() -> None:
    """Path and role travel with the first statement, and a snapshot must be the very first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _send(statement: str) -> None:
    # A plain cursor: the app's own sends statements about rows only.
    with psycopg.ClientCursor(connection.connection) as cursor:
        cursor.execute(statement)
