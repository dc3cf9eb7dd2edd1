"""A school's tables as the catalogue knows them: all of them, those without a model too.

Everything is asked by keys that the catalogue has an index for (pg_depend by schema, the rest by
table). Looking for a schema's tables in pg_class would read every school's: the cost would grow
with the schools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Session = psycopg.Connection[Any]

_TABLES = """
SELECT c.oid::bigint, c.relname, c.relkind::text,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND a.attgenerated = '' ORDER BY a.attnum)
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
 WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass
   AND d.refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
   AND d.classid = 'pg_catalog.pg_class'::regclass AND c.relkind IN ('r', 'S')
 ORDER BY c.relname
"""
_FOREIGN_KEYS = """
SELECT c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid)
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
 WHERE k.conrelid = ANY(%s::bigint[]::oid[]) AND k.contype = 'f' ORDER BY c.relname, k.conname
"""

# Some belong to a constraint, and go and come with it. Those with an expression are left alone:
# what PostgreSQL writes down of one is read back as another one with the same meaning.
_INDEXES = """
SELECT CASE WHEN k.oid IS NULL THEN format('DROP INDEX %%s', i.indexrelid::regclass)
            ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', i.indrelid::regclass, k.conname) END,
       CASE WHEN k.oid IS NULL THEN pg_catalog.pg_get_indexdef(i.indexrelid)
            ELSE format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', i.indrelid::regclass, k.conname,
                        pg_catalog.pg_get_constraintdef(k.oid)) END
  FROM pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint k
    ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
 WHERE i.indrelid = %s AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indexrelid
"""


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` in their order, without generated ones: those PostgreSQL works out itself."""

    schema_name: str
    name: str
    columns: tuple[str, ...]
    oid: int

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.name)

    @property
    def column_list(self) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


@dataclass(frozen=True, slots=True)
class ForeignKey:
    table: str
    name: str
    definition: str

    @property
    def identifiers(self) -> tuple[sql.Identifier, sql.Identifier]:
        return sql.Identifier(self.table), sql.Identifier(self.name)


def tables_of(session: Session, schema_name: str) -> list[Table]:
    """The schema's tables by name; empty when there is no such schema."""
    rows = session.execute(_TABLES, [schema_name]).fetchall()
    return [
        Table(schema_name, name, tuple(columns), oid)
        for oid, name, kind, columns in rows
        if kind == "r"
    ]


def sequences_of(session: Session, schema_name: str) -> list[str]:
    """The schema's sequences by name, those behind identity columns too."""
    rows = session.execute(_TABLES, [schema_name]).fetchall()
    return [name for _oid, name, kind, _columns in rows if kind == "S"]


def positions_of(session: Session, schema_name: str) -> dict[str, tuple[int, bool]]:
    """Sequence -> (last value, whether it has been given out)."""
    positions = {}
    for name in sequences_of(session, schema_name):
        query = sql.SQL("SELECT last_value, is_called FROM {}")
        row = session.execute(query.format(sql.Identifier(schema_name, name))).fetchone()
        if row:
            positions[name] = (int(row[0]), bool(row[1]))
    return positions


def foreign_keys_of(session: Session, tables: list[Table]) -> list[ForeignKey]:
    """The foreign keys of these tables. Their definitions name the tables they point at."""
    oids = [table.oid for table in tables]
    rows = session.execute(_FOREIGN_KEYS, [oids]).fetchall()
    return [ForeignKey(*row) for row in rows]


def indexes_of(session: Session, table: Table) -> list[tuple[str, str]]:
    """The statements that take off each plain index of the table, and that make it again."""
    return [(drop, make) for drop, make in session.execute(_INDEXES, [table.oid]).fetchall()]


# COPY text that is the same whatever the session's or the server's settings are.
PLAIN_FORM = """
SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET client_encoding = 'UTF8';
SET synchronize_seqscans = off; SET idle_in_transaction_session_timeout = 0;
SET statement_timeout = 0
"""
