"""Refusing migrations that break the release which is still running while they are applied.

While thousands of schools are migrated one after the other, the old release serves those whose
turn has come and those whose turn has not. So a release may add, and only a later one may take
away. What is judged is the SQL that PostgreSQL really gets, recorded in a scratch database, by the
rules of django-migration-linter and a few of our own. Tables that no release knows yet are free.

A migration that takes away on purpose says why the running release does not mind:

    class Migration(migrations.Migration):
        contract = "No release since 2026.3 reads this column (fees.0007 was its replacement)."
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import sqlparse
from django.conf import settings
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django_migration_linter.sql_analyser.base import Check, CheckMode, CheckType
from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser
from psycopg import sql

from apps.tenants.services.schemas.in_python import state_of
from apps.tenants.services.schemas.recording import recording
from apps.tenants.services.schemas.template import record
from apps.tenants.services.schemas.versions import scripts
from kernel.owner import owning
from kernel.schools import connection

Key = tuple[str, str]
LEAST_REASON = 20  # characters: "intended" is no reason
_TABLE = re.compile(
    r"(?:ALTER TABLE|DROP TABLE|CREATE TABLE|CREATE (?:UNIQUE )?INDEX .*? ON)"
    r'(?: IF (?:NOT )?EXISTS)?(?: ONLY)? "?(?:\w+"?\.)?"?(\w+)"?',
    re.IGNORECASE,
)


def _rule(code: str, pattern: str, message: str) -> Check:
    return Check(
        code=code,
        fn=lambda statement, **_: re.search(pattern, statement),
        message=message,
        mode=CheckMode.ONE_LINER,
        type=CheckType.ERROR,
    )


class Analyser(PostgresqlAnalyser):
    """The linter's rules, and what else the running release would trip over."""

    migration_checks = [
        *PostgresqlAnalyser.migration_checks,
        _rule("ADD_CHECK", r"ADD CONSTRAINT .* CHECK", "ADDING a check that it does not know"),
        _rule("ADD_EXCLUDE", r"ADD CONSTRAINT .* EXCLUDE", "ADDING an exclusion constraint"),
        _rule(
            "ADD_FOREIGN_KEY",
            r"ADD CONSTRAINT .* FOREIGN KEY",
            "ADDING a foreign key to a column that it fills",
        ),
        _rule("RENAME_COLUMN_SHORT", r'ALTER TABLE \S+ RENAME "?\w+"? TO', "RENAMING columns"),
    ]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a migration does to the running release; `excuse` when it says why that is right."""

    migration: str
    problems: tuple[str, ...]
    excuse: str = ""

    @property
    def refused(self) -> bool:
        return bool(self.problems) and not self.excuse


def lint(released: Iterable[Key]) -> list[Finding]:
    """Every migration of this code that is not `released` and does something worth telling.

    Makes a scratch database and drops it: the owner needs CREATEDB, which it has on a developer's
    machine.
    """
    known = frozenset(released)
    with _scratch_database():
        done = _statements(known)
    fresh = {table for statements in done.values() for table in _made(statements)}
    disk = MigrationLoader(None).disk_migrations
    findings = [_judge(key, done[key], fresh, disk[key]) for key in sorted(done)]
    return [finding for finding in findings if finding.problems]


def migrations_of_this_code() -> list[Key]:
    """For the list of what is released."""
    return sorted(MigrationLoader(None).disk_migrations)


def _judge(key: Key, statements: list[str], fresh: set[str], migration: Migration) -> Finding:
    old = [one for one in map(_plain, statements) if _table_of(one) not in fresh]
    problems = [
        f"{message} ({_table_of(group[0]) or 'no table'})"
        for group in _by_column(old)
        for message in _messages(group)
    ]
    reason = str(getattr(migration, "contract", "")).strip()
    excuse = reason if len(reason) >= LEAST_REASON else ""
    return Finding(".".join(key), tuple(dict.fromkeys(problems)), excuse)


def _messages(statements: list[str]) -> list[str]:
    analyser = Analyser([])
    analyser.analyse(statements)
    return [issue.message for issue in analyser.errors]


def _by_column(statements: list[str]) -> list[list[str]]:
    """What belongs together: a default elsewhere is no default for this column."""
    groups: dict[tuple[str | None, str | None], list[str]] = {}
    for statement in statements:
        column = re.search(r'COLUMN "?(\w+)"?', statement)
        key = (_table_of(statement), column.group(1) if column else None)
        groups.setdefault(key, []).append(statement)
    return list(groups.values())


def _made(statements: list[str]) -> set[str]:
    found = (_table_of(s) for s in map(_plain, statements) if s.startswith("CREATE TABLE"))
    return {table for table in found if table}


def _table_of(statement: str) -> str | None:
    found = _TABLE.search(statement)
    return found.group(1) if found else None


def _plain(statement: str) -> str:
    """One line, keywords in capitals, no comments: as the rules expect it."""
    return " ".join(sqlparse.format(statement, strip_comments=True, keyword_case="upper").split())


def _statements(known: frozenset[Key]) -> dict[Key, list[str]]:
    """What each migration that is not known sends, in public and in a school."""
    found: dict[Key, list[str]] = {}
    connection.set_schema_to_public()
    executor = MigrationExecutor(connection)
    state = state_of(executor.loader, frozenset())
    executor.recorder.ensure_schema()
    for migration, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with recording() as tape:
            state = executor.apply_migration(state, migration)
        found[migration.app_label, migration.name] = _split(
            "".join(f"{s};\n" for s in tape.statements)
        )
    record()
    for script in scripts():
        if script.app:
            found[script.app, script.name] += _split(script.sql)
    return {key: statements for key, statements in found.items() if key not in known}


def _split(text: str) -> list[str]:
    return [one for part in sqlparse.split(text) if (one := part.strip(" ;\n"))]


@contextmanager
def _scratch_database() -> Iterator[None]:
    """Django's connection works in an empty database, as the owner."""
    before = connection.settings_dict
    name = f"{before['NAME']}_lint"
    connection.close()
    _as_owner("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _as_owner("CREATE DATABASE {}", name)
    connection.settings_dict = {**before, "NAME": name}
    try:
        with owning():
            yield
    finally:
        connection.close()
        connection.settings_dict = before
        _as_owner("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _as_owner(statement: str, name: str) -> None:
    parts = settings.OWNER_DATABASE or {}
    known = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    address = {libpq: parts[django] for libpq, django in known.items() if parts[django]}
    with psycopg.connect(
        **address, **parts["OPTIONS"], dbname="postgres", autocommit=True
    ) as session:
        session.execute(sql.SQL(statement).format(sql.Identifier(name)))
