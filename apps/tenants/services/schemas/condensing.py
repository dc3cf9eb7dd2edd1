"""The recorded SQL of an empty schema, said in fewer statements.

Django makes a table, and adds its unique constraints, checks and foreign keys afterwards, one
statement each. Where the tables are new and empty, the constraints can stand in CREATE TABLE:
PostgreSQL then parses, locks and announces one statement instead of several. Tables come in the
order in which they point at each other; a circle of them keeps one constraint as it was.

Only a run of statements that are all understood is touched. Anything else (a function, a trigger,
an UPDATE) stays where it is, with all before it before it, and all after it after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import TopologicalSorter
from itertools import groupby

END = "\n;\n"  # as Tape.sql ends each statement

_TABLE = re.compile(r'CREATE TABLE "(\w+)" \(([^;]*)\)')
_CLAUSE = re.compile(
    r'ALTER TABLE "(\w+)" ADD (?:'
    r'(CONSTRAINT "\w+" (?:UNIQUE \(|CHECK \(|FOREIGN KEY \()[^;]*)|'
    r'COLUMN ("\w+" [^;]*)(?:; SET CONSTRAINTS "\w+" IMMEDIATE)?)'
)
_INDEX = re.compile(r'CREATE (?:UNIQUE )?INDEX "\w+" ON [^;]*')
_KNOWN = (_TABLE, _CLAUSE, _INDEX)
_POINTS_AT = re.compile(r'REFERENCES "(\w+)"')


@lru_cache(maxsize=8)
def condense(script: str) -> str:
    """The same tables with fewer statements, for a schema that has none of them yet."""
    statements = [each for each in script.split(END) if each.strip()]
    parts: list[str] = []
    for understood, run in groupby(statements, key=_is_known):
        stretch = list(run)
        parts += _condensed(stretch) if understood else stretch
    return "".join(part + END for part in parts)


def _is_known(statement: str) -> bool:
    return any(kind.fullmatch(statement) for kind in _KNOWN)


@dataclass(slots=True)
class _Lot:
    """A run of statements: the tables it makes, with their clauses, and what comes after them."""

    tables: dict[str, list[str]] = field(default_factory=dict)
    points_at: dict[str, list[str]] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)
    # Older tables that `after` changes: a foreign key may need what it adds to them.
    changed: set[str] = field(default_factory=set)

    def make(self, table: str, body: str) -> None:
        self.tables[table] = [body]
        self.points_at[table] = _POINTS_AT.findall(body)

    def add(self, table: str, clause: str, statement: str) -> None:
        pointed = _POINTS_AT.findall(clause)
        if self._can_hold(table, pointed):
            self.tables[table].append(clause)
            self.points_at[table] += pointed
        else:
            self.after.append(statement)
            self.changed.add(table)

    def _can_hold(self, table: str, pointed: list[str]) -> bool:
        # A column that comes after the table is there for what follows it only.
        made = table in self.tables and table not in self.changed
        return made and not any(
            other in self.changed or (other != table and self._leads_to(other, table))
            for other in pointed
        )

    def _leads_to(self, start: str, end: str) -> bool:
        seen, ahead = set[str](), [start]
        while ahead:
            here = ahead.pop()
            if here == end:
                return True
            if here not in seen:
                seen.add(here)
                ahead += self.points_at.get(here, [])
        return False

    def in_order(self) -> list[str]:
        """The new tables, those that others point at first."""
        graph = {
            table: dict.fromkeys(other for other in pointed if other != table)
            for table, pointed in self.points_at.items()
        }
        return [name for name in TopologicalSorter(graph).static_order() if name in self.tables]


def _condensed(run: Iterable[str]) -> list[str]:
    lot = _Lot()
    for statement in run:
        if made := _TABLE.fullmatch(statement):
            lot.make(made[1], made[2])
        elif added := _CLAUSE.fullmatch(statement):
            lot.add(added[1], added[2] or added[3], statement)
        else:
            lot.after.append(statement)
    tables = [f'CREATE TABLE "{name}" ({", ".join(lot.tables[name])})' for name in lot.in_order()]
    return tables + lot.after
