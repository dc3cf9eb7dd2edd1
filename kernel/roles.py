"""A PostgreSQL role for each school: the database itself keeps one school out of another.

The app signs in as a login that owns nothing and inherits nothing. Opening a school switches to
the role named as its schema (config/postgres/base.py); that role reaches the rows of this one
schema. All functions here work as the owner, on its own connection (kernel.owner). The owner
needs CREATEROLE, not superuser.

Roles belong to the whole cluster, schemas to one database. Several databases of a cluster (the
suite's) share the roles, so making one is idempotent and dropping one may leave it behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from psycopg import errors, sql

# What every school's role may do in `public`; it is granted by kernel.prepare.
SCHOOL_GROUP = "homeroom_school"

_ROWS = sql.SQL("SELECT, INSERT, UPDATE, DELETE")
# What a table says in its comment whose rows nobody may change, the school itself included.
APPEND_ONLY = "append-only"
_CHANGES = sql.SQL("UPDATE, DELETE")
_COUNTERS = sql.SQL("USAGE, SELECT")
# Two sessions that write the same row of a cluster-wide catalogue: the later one fails so.
_RACES = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)
# Another database drops the role of a school of the same name while its rights are given.
_GONE = errors.UndefinedObject
_ATTEMPTS = 8

Session = psycopg.Connection[Any]


def make_school_role(session: Session, schema_name: str) -> None:
    """The school's role with its rights in the schema, which must exist and have no tables yet.

    What the owner makes there afterwards is granted by default privileges, which costs nothing a
    table. Repeating it is harmless. For a schema with tables, see `grant_existing`.
    """
    make_group(session)
    racing(session, lambda: _make_with_rights(session, schema_name), races=(*_RACES, _GONE))


def _make_with_rights(session: Session, schema_name: str) -> None:
    make_role(session, schema_name)
    add_member(session, schema_name, of=SCHOOL_GROUP, options="INHERIT TRUE, SET FALSE")
    if (login := app_login()) != _me(session):
        add_member(session, login, of=schema_name, options="INHERIT FALSE, SET TRUE")
    school = sql.Identifier(schema_name)
    session.execute(
        sql.SQL(
            "GRANT USAGE ON SCHEMA {school} TO {school};"
            " ALTER DEFAULT PRIVILEGES IN SCHEMA {school} GRANT {rows} ON TABLES TO {school};"
            " ALTER DEFAULT PRIVILEGES IN SCHEMA {school} GRANT {counters} ON SEQUENCES TO {school}"
        ).format(school=school, rows=_ROWS, counters=_COUNTERS)
    )


def grant_existing(session: Session, schema_name: str) -> None:
    """`make_school_role`, and rights on the tables that the schema has already."""
    make_school_role(session, schema_name)
    tables, counters = (
        relations(session, schema_name, "rpv"),
        relations(session, schema_name, "S"),
    )
    for rights, kind, names in (
        (_ROWS, "TABLE", tables),
        (_COUNTERS, "SEQUENCE", counters),
    ):
        if names:
            session.execute(
                sql.SQL("GRANT {} ON {} {} TO {}").format(
                    rights,
                    sql.SQL(kind),
                    sql.SQL(", ").join(sql.Identifier(schema_name, name) for name in names),
                    sql.Identifier(schema_name),
                )
            )
    _protect_history(session, schema_name, tables)


def _protect_history(session: Session, schema_name: str, tables: list[str]) -> None:
    query = (
        "SELECT c.relname FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY(%s)"
        " AND starts_with(obj_description(c.oid, 'pg_class'), %s)"
    )
    revoke = sql.SQL("REVOKE {} ON {} FROM {}")
    for (name,) in session.execute(query, [schema_name, tables, APPEND_ONLY]).fetchall():
        table, school = sql.Identifier(schema_name, name), sql.Identifier(schema_name)
        session.execute(revoke.format(_CHANGES, table, school))


def drop_school_role(session: Session, schema_name: str) -> bool:
    """Drop the role; the schema must be gone. False when another database of the cluster has a
    school of that name, whose role it is too.

    Such a database may disappear between PostgreSQL's reading that it needs the role and asking
    for its name ("cache lookup failed for database"): the next attempt no longer finds it.
    """
    statement = sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(schema_name))
    try:
        racing(session, lambda: session.execute(statement))
    except errors.DependentObjectsStillExist:
        return False
    return True


def make_group(session: Session) -> None:
    make_role(session, SCHOOL_GROUP)


def make_role(session: Session, name: str) -> None:
    """A role that nobody can sign in as. Idempotent."""
    if not role_exists(session, name):
        statement = sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
        racing(
            session,
            lambda: session.execute(statement.format(sql.Identifier(name))),
            done=lambda: role_exists(session, name),
        )


def add_member(session: Session, member: str, *, of: str, options: str) -> None:
    """`member` becomes one of the role `of`, with these options. Idempotent."""
    statement = sql.SQL("GRANT {} TO {} WITH " + options).format(
        sql.Identifier(of), sql.Identifier(member)
    )
    if not _is_member(session, member, of):
        racing(
            session,
            lambda: session.execute(statement),
            done=lambda: _is_member(session, member, of),
        )


def app_login() -> str:
    """The login of web and workers."""
    return str(settings.DATABASES["default"]["USER"])


def racing(
    session: Session,
    change: Callable[[], Any],
    done: Callable[[], bool] = lambda: False,
    races: tuple[type[psycopg.Error], ...] = _RACES,
) -> None:
    """Try, and try again when another database of the cluster changed the same row just now."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with session.transaction():
                change()
            return
        except races:
            if done():
                return
            if attempt == _ATTEMPTS:
                raise
            time.sleep(0.02 * attempt)


def role_exists(session: Session, name: str) -> bool:
    """Whether the cluster has the role."""
    query = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s"
    return session.execute(query, [name]).fetchone() is not None


def _is_member(session: Session, member: str, of: str) -> bool:
    # The creator of a role is a member that may administer it, which is not what is asked here.
    query = """
        SELECT 1 FROM pg_catalog.pg_auth_members
        WHERE roleid = to_regrole(%s)::oid AND member = to_regrole(%s)::oid
          AND (inherit_option OR set_option)
    """
    names = [sql.Identifier(name).as_string(session) for name in (of, member)]
    return session.execute(query, names).fetchone() is not None


def relations(session: Session, schema_name: str, kinds: str) -> list[str]:
    """Names in the schema. Asked of pg_depend, which has an index for it; by pg_class it would be
    a scan over every school's tables."""
    query = """
        SELECT c.relname FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_class c ON c.oid = d.objid
        WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass
          AND d.refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
          AND d.classid = 'pg_catalog.pg_class'::regclass AND c.relkind = ANY(%s)
        ORDER BY 1
    """
    return [row[0] for row in session.execute(query, [schema_name, list(kinds)]).fetchall()]


def _me(session: Session) -> str:
    row = session.execute("SELECT current_user").fetchone()
    return str(row[0]) if row else ""
