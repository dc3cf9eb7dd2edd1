"""Reading a table as PostgreSQL's COPY text.

Straight from libpq: psycopg's own copy objects wait for each row by itself, which took longer than
all the rest of a backup (95,000 rows: 0.5 s of 0.65 s).
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import errors, pq, sql

from apps.tenants.services.backup.entries import BLOCK
from apps.tenants.services.backup.tables import Session, Table


def copied_out(session: Session, table: Table) -> Iterator[bytes]:
    """The table's rows in the order they lie in, a line each, as blocks of whole lines.

    A reader that stops early costs the session: it is closed. Raises psycopg errors.
    """
    if not table.columns:
        return
    ended = False
    try:
        _begin(session, table)
        yield from _blocks(session)
        _check(session, session.pgconn.get_result(), pq.ExecStatus.COMMAND_OK)
        ended = session.pgconn.get_result() is None
    finally:
        if not ended:
            session.close()


def _begin(session: Session, table: Table) -> None:
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(table.identifier, table.column_list)
    result = session.pgconn.exec_(statement.as_bytes(session))
    _check(session, result, pq.ExecStatus.COPY_OUT)


def _blocks(session: Session) -> Iterator[bytes]:
    lines: list[bytes] = []
    size, take = 0, session.pgconn.get_copy_data
    while (got := take(0))[0] > 0:
        lines.append(bytes(got[1]))
        size += got[0]
        if size >= BLOCK:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)


def _check(session: Session, result: pq.abc.PGresult | None, wanted: pq.ExecStatus) -> None:
    if result is None or result.status != wanted:
        encoding = session.info.encoding
        raise errors.error_from_result(result, encoding) if result else errors.InternalError()
