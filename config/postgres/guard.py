"""Cursors of the app's login: one statement at a time, and only statements about rows.

Two things are refused before or without the database's own rights having a say. The server
refuses a second statement behind the first, because every statement travels by the extended
protocol. And a statement that begins with anything but the words below never leaves the process:
SET ROLE, RESET, DO, PREPARE, CREATE and what PostgreSQL will invent next. What a statement about
rows may reach is the business of the role it runs as (docs/adr/0008).
"""

from __future__ import annotations

import re
from typing import Any

from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import errors
from psycopg.abc import Params, Query

# PostgreSQL nests comments. One that holds another would be read differently here, so it is not
# accepted at all; neither is one that does not end.
_BEFORE = rb"(?:\s|--[^\r\n]*[\r\n]|/\*(?:(?!/\*|\*/).)*\*/)*"
_ROWS = rb"SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE|EXPLAIN|SHOW|COPY|LOCK"
_CURSORS = rb"DECLARE|FETCH|MOVE|CLOSE"
# Savepoints are missing: going back to one may bring back an earlier school's role, so only the
# connection itself sends them, and forgets which school was open.
_SETTINGS = rb"SET\s+CONSTRAINTS|SET\s+LOCAL\s+(?:statement_timeout|lock_timeout)"
_ALLOWED = re.compile(
    rb"%b(?:(?:%b|%b|%b)\b|\((?:\s|\()*(?:SELECT|WITH|VALUES|TABLE)\b)"
    % (_BEFORE, _ROWS, _CURSORS, _SETTINGS),
    re.IGNORECASE | re.DOTALL,
)


class StatementRefused(errors.InsufficientPrivilege):
    """A statement that the app never sends; Django raises its ProgrammingError."""


class GuardedCursor(ServerBindingCursor):
    """Parameters travel apart from the statement, which is one statement about rows."""

    def _convert_query(self, query: Query, params: Params | None = None) -> Any:
        # Every way to execute comes through here: execute, executemany, stream and copy.
        converted = super()._convert_query(query, params)  # type: ignore[misc]
        if not _ALLOWED.match(converted.query):
            raise StatementRefused(
                "only statements about rows are sent as the app's login, not one that begins "
                f"{bytes(converted.query).lstrip()[:30].decode(errors='replace')!r}"
            )
        return converted

    def _execute_send(
        self, query: Any, *, force_extended: bool = False, binary: bool | None = None
    ) -> None:
        super()._execute_send(  # type: ignore[misc]
            query, force_extended=True, binary=binary
        )
