"""Which migrations a school's tables have, as one short text that can be compared.

The version is a fingerprint of the rows of the school's own django_migrations. It is computed in
Python and in SQL alike, so a transaction can check the school it is about to change, and write
the new version together with the change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db.models import F
from psycopg import sql

from apps.tenants.models import MigrationScript, School
from kernel.owner import owner_session
from kernel.schools import in_public

Applied = frozenset[tuple[str, str]]

_LENGTH = 32
# For a search path on which django_migrations is the school's own.
APPLIED_VERSION = f"""
    SELECT left(encode(sha256(convert_to(coalesce(string_agg(one, ',' ORDER BY one), ''),
        'UTF8')), 'hex'), {_LENGTH})
    FROM (SELECT DISTINCT (app || '.' || name) COLLATE "C" AS one FROM {{}}) AS applied
"""  # noqa: S608 - the name of a table, quoted by the caller


def version_of(applied: Iterable[tuple[str, str]]) -> str:
    """The fingerprint of a set of applied migrations."""
    names = sorted({f"{app}.{name}" for app, name in applied})
    return hashlib.sha256(",".join(names).encode()).hexdigest()[:_LENGTH]


def scripts() -> list[MigrationScript]:
    """All scripts in force, in the order in which a new school runs them."""
    with in_public():
        return list(MigrationScript.objects.filter(undone=False))


def current_version() -> str:
    """The version of a school that has everything; empty before the first recording."""
    with in_public():
        latest = MigrationScript.objects.filter(undone=False).order_by(F("position").desc())
        return latest.values_list("version", flat=True).first() or ""


def applied_after(chain: Sequence[MigrationScript]) -> Applied:
    """What django_migrations holds once these scripts ran."""
    return frozenset((app, name) for script in chain for app, name in script.records)


def applied_in(session: psycopg.Connection[Any], schema_name: str) -> Applied | None:
    """What is recorded as applied in the school; None when it has no such table at all."""
    table = sql.Identifier(schema_name, "django_migrations")
    found = session.execute("SELECT to_regclass(%s)", [table.as_string(session)]).fetchone()
    if found is None or found[0] is None:
        return None
    query = sql.SQL("SELECT app, name FROM {}").format(table)
    return frozenset((row[0], row[1]) for row in session.execute(query).fetchall())


def read_version(session: psycopg.Connection[Any], schema_name: str) -> str:
    """The school's version by its own table, not by what the platform noted. Empty without one."""
    applied = applied_in(session, schema_name)
    return "" if applied is None else version_of(applied)


def note_versions(schema_names: Iterable[str]) -> None:
    """Write down what these schools' tables say themselves: after anybody else migrated them."""
    names = list(schema_names)
    if not names:
        return
    with owner_session() as session:
        read = {name: read_version(session, name) for name in names}
    with in_public():
        for name, version in read.items():
            values = {"schema_version": version, "schema_error": ""}
            School.objects.filter(schema_name=name).update(**values)
