"""Replaying recorded scripts in one school: one transaction, sent in one piece.

A transaction checks that the school is where we think it is, runs the scripts, writes the rows of
django_migrations and the school's new version: all of it or nothing, whatever is killed when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from apps.tenants.models import MigrationScript, schema_name_for
from apps.tenants.services.schemas.versions import APPLIED_VERSION

# How long a statement may wait for a lock that a request of the school holds. Behind it, requests
# queue up: better to give up soon, and to come again.
LOCK_TIMEOUT = "3s"
# Nobody is told of a school or spare before a later commit, which waits for the disk, has taken
# this one along: the claim of a spare, the report of a run.
NOT_AT_ONCE = "SET LOCAL synchronous_commit = off;\n"
# SQLSTATEs of our own, raised inside the transaction.
NOT_AS_ASSUMED, NO_SUCH_SCHOOL = "HR001", "HR002"

Session = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Passage:
    """The way from one version to another, as SQL that any school at `before` can run."""

    before: str
    after: str
    sql: str = field(repr=False)


def travel(session: Session, school_id: int, passage: Passage) -> None:
    """Take one school (or spare) along the passage. `session` is the owner's, in autocommit.

    One round trip. Raises psycopg errors; nothing has changed then. SQLSTATE HR001: the school's
    tables are not at `passage.before`; HR002: there is neither school nor spare of that number.
    """
    statements = (
        "BEGIN;\n"
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';\n{NOT_AT_ONCE}{hold(school_id)}"
        f'SET LOCAL search_path = "{schema_name_for(school_id)}";\n'
        f"{check(passage.before)}{passage.sql}{note(school_id, passage.after)}"
        "COMMIT;"
    )
    try:
        session.execute(statements.encode(), prepare=False)
    except psycopg.Error:
        if not session.closed:
            session.rollback()
        raise


def fill(session: Session, schema_name: str, passage: Passage) -> None:
    """Make the tables in a schema that is empty, inside the transaction that is open."""
    path = sql.SQL("SET LOCAL search_path = {};\n").format(sql.Identifier(schema_name))
    statements = NOT_AT_ONCE.encode() + path.as_bytes(session) + passage.sql.encode()
    session.execute(statements, prepare=False)
    session.execute("SET LOCAL search_path = public")


def hold(school_id: int) -> str:
    """Until the transaction ends no backup, restore or deletion works on the school. It waits
    here for one under way, not for the tables: requests would queue up behind it there."""
    name = f"tenants.tables:{school_id}"
    return f"SELECT pg_advisory_xact_lock(hashtextextended({_quoted(name)}, 0));\n"


def check(version: str) -> str:
    """Refuses to go on unless the school on the search path is at this version."""
    applied = APPLIED_VERSION.format("django_migrations")
    return f"""DO $check$ BEGIN
    IF ({applied}) <> {_quoted(version)} THEN
        RAISE EXCEPTION 'its tables are not where they were noted to be'
            USING ERRCODE = '{NOT_AS_ASSUMED}';
    END IF;
END $check$;
"""


def note(school_id: int, version: str) -> str:
    """The spare first: one that is being claimed now holds its row until it is a school."""
    change = f"schema_version = {_quoted(version)}, schema_error = '' WHERE id = {school_id}"
    return f"""DO $note$ DECLARE found_one boolean; BEGIN
    UPDATE public.tenants_spareschool SET {change};
    found_one := FOUND;
    UPDATE public.tenants_school SET {change};
    IF NOT (found_one OR FOUND) THEN
        RAISE EXCEPTION 'there is no such school any more'
            USING ERRCODE = '{NO_SUCH_SCHOOL}';
    END IF;
END $note$;
"""  # noqa: S608 - a number, and a fingerprint


def rows(scripts: Sequence[MigrationScript], *, undo: bool = False) -> str:
    """What becomes of django_migrations."""
    keys = [(_quoted(app), _quoted(name)) for script in scripts for app, name in script.records]
    if not keys:
        return ""
    if undo:
        pairs = ", ".join(f"({app}, {name})" for app, name in keys)
        return f"DELETE FROM django_migrations WHERE (app, name) IN ({pairs});\n"  # noqa: S608
    values = ", ".join(f"({app}, {name}, now())" for app, name in keys)
    return f"INSERT INTO django_migrations (app, name, applied) VALUES {values};\n"  # noqa: S608


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
