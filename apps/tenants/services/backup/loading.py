"""Filling a schema from a backup, and looking whether it became the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from itertools import chain

from django.utils.translation import gettext as _
from psycopg import errors, sql

from apps.tenants.services.backup import media
from apps.tenants.services.backup.behind import Behind, working_behind
from apps.tenants.services.backup.copying import copied_out
from apps.tenants.services.backup.entries import BLOCK, Entry
from apps.tenants.services.backup.errors import Damaged, Incomparable
from apps.tenants.services.backup.head import Sum, Tail, read_tail
from apps.tenants.services.backup.tables import (
    PLAIN_FORM,
    Session,
    Table,
    foreign_keys_of,
    indexes_of,
    tables_of,
)
from kernel.owner import owner_session

Note = Callable[[str], None]
_SPOOL = 8 << 20


def load(schema_name: str, entries: Iterable[Entry], note: Note) -> Tail:
    """Fill the schema's tables and the school's folder; returns what it must add up to.

    Two sessions of the owner's: one copies the rows in, the other makes the indexes of large
    tables, checks the foreign keys and gathers statistics behind it. It is no transaction: the
    schema is nobody's until it is adopted, and goes with a restore that breaks off. The tables'
    own triggers are off meanwhile: they would announce old events and refuse history. Raises
    Damaged, Incomparable.
    """
    with owner_session(autocommit=True) as session, working_behind() as other:
        for each in (session, other.session):
            _look_into(each, schema_name)
        tables = {table.name: table for table in tables_of(session, schema_name)}
        try:
            with _bare(session, list(tables.values())) as keys:
                tail = _fill(session, other, schema_name, tables, entries, note)
                other.send([*keys, *_analyze(session, tables, tail)])
                _set_positions(session, schema_name, tail)
                note(_("comparing"))
                compare(session, list(tables.values()), tail)
                other.finish()
        except errors.IntegrityError as error:
            raise Incomparable(str(error).split("\n")[0]) from error
    return tail


def compare(session: Session, tables: list[Table], tail: Tail) -> None:
    """Raises Incomparable unless the tables hold, byte for byte, what was backed up."""
    if missing := set(tail.tables) ^ {table.name for table in tables}:
        raise Incomparable(_("tables %(names)s") % {"names": ", ".join(sorted(missing))})
    for table in tables:
        told, found = tail.tables[table.name], sum_of(session, table)
        if found != told:
            raise Incomparable(
                _("table %(name)s has %(found)s rows instead of %(told)s, or other ones")
                % {"name": table.name, "found": found.rows, "told": told.rows}
            )


def sum_of(session: Session, table: Table) -> Sum:
    """What a table comes to when it is copied out."""
    digest, size, rows = sha256(), 0, 0
    for lines in copied_out(session, table):
        digest.update(lines)
        size += len(lines)
        rows += lines.count(b"\n")
    return Sum(sha256=digest.hexdigest(), size=size, rows=rows)


def _look_into(session: Session, schema_name: str) -> None:
    path = sql.SQL("SET search_path = {}").format(sql.Identifier(schema_name))
    session.execute(PLAIN_FORM)
    session.execute(path)
    session.execute("SET synchronous_commit = off")


@contextmanager
def _bare(session: Session, tables: list[Table]) -> Iterator[list[str]]:
    """The tables without triggers of their own and foreign keys, for the block. It gets the
    statements that put the keys back, which checks each with one query instead of one a row."""
    keys = foreign_keys_of(session, tables)
    drop, add = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}"), "ALTER TABLE {} ADD CONSTRAINT {} "
    with session.transaction():
        _alter(session, tables, "DISABLE TRIGGER USER")
        for key in keys:
            session.execute(drop.format(*key.identifiers))
    yield [
        sql.SQL(add + key.definition).format(*key.identifiers).as_string(session) for key in keys
    ]
    # This last commit waits for the disk, and takes all the others along.
    session.execute("SET synchronous_commit = on")
    _alter(session, tables, "ENABLE TRIGGER USER")


def _alter(session: Session, tables: list[Table], how: str) -> None:
    statement = sql.SQL("ALTER TABLE {} " + how)
    session.execute(sql.SQL("; ").join(statement.format(table.identifier) for table in tables))


def _analyze(session: Session, tables: Mapping[str, Table], tail: Tail) -> list[str]:
    """Tell the planner how many rows there are: otherwise the first pages would be slow."""
    filled = [tables[name].identifier for name, told in tail.tables.items() if told.rows]
    statement = sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(filled))
    return [statement.as_string(session)] if filled else []


def _fill(
    session: Session,
    other: Behind,
    schema_name: str,
    tables: Mapping[str, Table],
    entries: Iterable[Entry],
    note: Note,
) -> Tail:
    found, tail = Tail(), None
    for entry in entries:
        if entry.kind == "table":
            note(str(entry.header.get("name")))
            table = _table_for(entry, tables)
            found.tables[table.name] = _copy_in(session, other, table, entry)
        elif entry.kind == "file":
            name = str(entry.header.get("name"))
            found.files[name] = _write_file(schema_name, name, entry.blocks)
        elif entry.kind == "tail":
            tail = read_tail(entry.header)
    if tail is None:
        raise Damaged(_("its list of contents is missing"))
    check_sums(found, tail)
    return tail


def check_sums(found: Tail, tail: Tail) -> None:
    """Raises Damaged unless all that was read is what the list of contents says. Rows are
    counted by PostgreSQL, not while reading."""
    for kind in ("tables", "files"):
        read, told = getattr(found, kind), getattr(tail, kind)
        if read.keys() != told.keys():
            raise Damaged(_("its list of contents names other %(what)s") % {"what": kind})
        for name, each in told.items():
            if (read[name].sha256, read[name].size) != (each.sha256, each.size):
                raise Damaged(_("%(name)s is not what was written") % {"name": name})


def _table_for(entry: Entry, tables: Mapping[str, Table]) -> Table:
    name, columns = str(entry.header.get("name")), entry.header.get("columns")
    table = tables.get(name)
    if table is None or not isinstance(columns, list) or set(columns) != set(table.columns):
        here = set(table.columns) if table else set()
        odd = sorted(map(str, here ^ set(columns if isinstance(columns, list) else ())))
        told = _("table %(name)s has other columns here (%(odd)s)")
        raise Incomparable(told % {"name": name, "odd": ", ".join(odd)})
    return Table(table.schema_name, name, tuple(columns), table.oid)


def _copy_in(session: Session, other: Behind, table: Table, entry: Entry) -> Sum:
    """With many rows, indexes are made afterwards: sorted once, not entered row by row."""
    first = next(entry.blocks, b"")
    if not first:
        # Migrations may have put rows there.
        session.execute(sql.SQL("DELETE FROM {}").format(table.identifier))
        return Sum(sha256=sha256().hexdigest(), size=0)
    indexes = indexes_of(session, table) if len(first) >= BLOCK else []
    with session.transaction():
        session.execute(sql.SQL("TRUNCATE {}").format(table.identifier))
        for drop, _make in indexes:
            session.execute(drop.encode())
        total = _copy_blocks(session, table, chain([first], entry.blocks))
    other.send(make for _drop, make in indexes)
    return total


def _copy_blocks(session: Session, table: Table, blocks: Iterable[bytes]) -> Sum:
    digest, size = sha256(), 0
    # Emptied in this very transaction, so the rows may be frozen: nobody has to do it later.
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FREEZE)")
    into = statement.format(table.identifier, table.column_list)
    with session.cursor() as cursor, cursor.copy(into) as copy:
        for block in blocks:
            digest.update(block)
            size += len(block)
            copy.write(block)
    return Sum(sha256=digest.hexdigest(), size=size)


def _write_file(schema_name: str, name: str, blocks: Iterable[bytes]) -> Sum:
    if not media.is_safe(name):
        raise Damaged(_("it holds a file with the name %(name)r") % {"name": name})
    digest, size = sha256(), 0
    with tempfile.SpooledTemporaryFile(_SPOOL) as spooled:
        for block in blocks:
            digest.update(block)
            size += len(block)
            spooled.write(block)
        spooled.seek(0)
        media.put(schema_name, name, spooled)
    return Sum(sha256=digest.hexdigest(), size=size)


def _set_positions(session: Session, schema_name: str, tail: Tail) -> None:
    for name, (last, used) in tail.sequences.items():
        counter = sql.Identifier(schema_name, name).as_string(session)
        session.execute("SELECT setval(%s::regclass, %s, %s)", [counter, last, used])
