"""Filling a schema from a backup, and looking whether it became the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from django.utils.translation import gettext as _
from psycopg import errors, sql

from apps.tenants.services.backup import media
from apps.tenants.services.backup.entries import Entry
from apps.tenants.services.backup.errors import Damaged, Incomparable
from apps.tenants.services.backup.head import Sum, Tail, read_tail
from apps.tenants.services.backup.loaders import Loaded, Loaders, loaders, look_into
from apps.tenants.services.backup.tables import (
    ForeignKey,
    Session,
    Table,
    foreign_keys_of,
    tables_of,
)
from kernel.owner import owner_session

Note = Callable[[str], None]
_SPOOL = 8 << 20


def load(schema_name: str, entries: Iterable[Entry], note: Note) -> Tail:
    """Fill the schema's tables and the school's folder; returns what it must add up to.

    It is no transaction: the schema is nobody's until it is adopted, and goes with a restore that
    breaks off. The tables' own triggers are off meanwhile: they would announce old events and
    refuse history. Raises Damaged, Incomparable.
    """
    with owner_session(autocommit=True) as session:
        look_into(session, schema_name)
        tables = {table.name: table for table in tables_of(session, schema_name)}
        try:
            with _bare(session, list(tables.values())):
                with loaders(session, schema_name) as crew:
                    found, tail = _read(crew, schema_name, tables, entries, note)
                    note(_("comparing"))
                    loaded = crew.finish()
                found.tables = {name: each.read for name, each in loaded.items()}
                check_sums(found, tail)
                _compare(loaded, tables, tail)
                _set_positions(session, schema_name, tail)
        except errors.IntegrityError as error:
            raise Incomparable(str(error).split("\n")[0]) from error
    return tail


def _read(
    crew: Loaders,
    schema_name: str,
    tables: Mapping[str, Table],
    entries: Iterable[Entry],
    note: Note,
) -> tuple[Tail, Tail]:
    """The files that were found, and what the list of contents tells; the crew has the tables."""
    found, told = Tail(), None
    for entry in entries:
        name = str(entry.header.get("name"))
        if entry.kind == "table":
            note(name)
            crew.take(_table_for(entry, tables), entry.blocks)
        elif entry.kind == "file":
            found.files[name] = _write_file(schema_name, name, entry.blocks)
        elif entry.kind == "tail":
            told = read_tail(entry.header)
    if told is None:
        raise Damaged(_("its list of contents is missing"))
    return found, told


def _compare(loaded: Mapping[str, Loaded], tables: Mapping[str, Table], tail: Tail) -> None:
    """Raises Incomparable unless the tables hold, byte for byte, what was backed up."""
    if missing := set(tail.tables) ^ set(tables):
        raise Incomparable(_("tables %(names)s") % {"names": ", ".join(sorted(missing))})
    for name, told in tail.tables.items():
        if not loaded[name].is_same:
            raise Incomparable(
                _("table %(name)s has %(found)s rows instead of %(told)s, or other ones")
                % {"name": name, "found": loaded[name].found.rows, "told": told.rows}
            )


@contextmanager
def _bare(session: Session, tables: list[Table]) -> Iterator[None]:
    """The tables without triggers of their own and foreign keys, for the block. Putting a key
    back checks it with one query instead of one a row."""
    keys = foreign_keys_of(session, tables)
    drop, add = "DROP CONSTRAINT {}", "ADD CONSTRAINT {} "
    drops = [_altered(key, drop) for key in keys]
    adds = [_altered(key, add + key.definition) for key in keys]
    with session.transaction():
        alter(session, tables, "DISABLE TRIGGER USER")
        _at_once(session, drops)
    yield
    # This last commit waits for the disk, and takes all the others along.
    session.execute("SET synchronous_commit = on")
    with session.transaction():
        _at_once(session, adds)
        alter(session, tables, "ENABLE TRIGGER USER")


def _altered(key: ForeignKey, how: str) -> sql.Composed:
    table, name = key.identifiers
    return sql.SQL("ALTER TABLE {} " + how).format(table, name)


def alter(session: Session, tables: Iterable[Table], how: str) -> None:
    """The same change to each of the tables."""
    statement = sql.SQL("ALTER TABLE {} " + how)
    _at_once(session, [statement.format(table.identifier) for table in tables])


def _at_once(session: Session, statements: list[sql.Composed]) -> None:
    """In one message, instead of waiting for each."""
    if statements:
        session.execute(sql.SQL("; ").join(statements))


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
