"""One school's tables for others, in one short transaction.

The school's schema is renamed out of the way and the restored one takes its name: what is open in
other processes names tables by that name and goes on. All tables are locked first. So every
transaction works on the old tables or on the new ones, never on both; those that wait for the
lock find the new ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from psycopg import errors, sql

from apps.events import facade as events
from apps.tenants.services.backup.errors import Busy
from apps.tenants.services.backup.tables import Session, sequences_of, tables_of
from apps.tenants.services.due import due_tasks
from apps.tenants.services.schemas.versions import read_version
from kernel.owner import owner_session
from kernel.roles import drop_school_role, grant_existing

# Requests are in the way for moments, an import or a billing run for longer: try again.
LOCK_TIMEOUT, TRIES = "3s", 10


def kept_name(schema_name: str, at: datetime) -> str:
    """Not the name of a school: nothing that goes through all schools meets it, and a write into
    its outbox is refused."""
    return f"kept_{schema_name}_{at:%Y%m%d%H%M%S%f}"


def swap(*, school_id: int, schema_name: str, new: str, at: datetime) -> str:
    """Put the schema `new` in the school's place; returns the name under which the old one is
    kept. Raises Busy when the tables are not free for long, or the school is going away."""
    for _try in range(TRIES):
        try:
            with owner_session() as session:
                return _swap(session, school_id, schema_name, new, at)
        except errors.LockNotAvailable:
            continue
    raise Busy


def _swap(session: Session, school_id: int, schema_name: str, new: str, at: datetime) -> str:
    session.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    _check_school(session, school_id)
    _lock(session, schema_name)
    kept = kept_name(schema_name, at)
    _withdraw(session, schema_name, role=schema_name)
    _rename(session, schema_name, kept)
    if _is_role(session, new):
        _withdraw(session, new, role=new)
    _rename(session, new, schema_name)
    grant_existing(session, schema_name)
    drop_school_role(session, new)
    version = read_version(session, schema_name)
    session.execute(
        "UPDATE public.tenants_school SET schema_version = %s, schema_error = '' WHERE id = %s",
        [version, school_id],
    )
    beside = [new] if new.startswith("t_") else []  # what was kept announces nothing
    events.announce_again(session.execute, schema_name, forget=beside)
    _note(session, school_id, new, kept, at)
    return kept


def _check_school(session: Session, school_id: int) -> None:
    query = "SELECT status FROM public.tenants_school WHERE id = %s FOR UPDATE"
    row = session.execute(query, [school_id]).fetchone()
    if row is None or row[0] in ("deleting", "provisioning"):
        raise Busy


def _lock(session: Session, schema_name: str) -> None:
    """Waits for transactions under way. Where tables are missing, there is less to wait for."""
    tables = tables_of(session, schema_name)
    if tables:
        names = sql.SQL(", ").join(table.identifier for table in tables)
        session.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))


def _rename(session: Session, before: str, after: str) -> None:
    rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    session.execute(rename.format(sql.Identifier(before), sql.Identifier(after)))


def _withdraw(session: Session, schema_name: str, *, role: str) -> None:
    """Take back whatever the role may do in the schema."""
    schema, holder = sql.Identifier(schema_name), sql.Identifier(role)
    defaults = "ALTER DEFAULT PRIVILEGES IN SCHEMA {} REVOKE ALL ON {} FROM {}"
    for kind in ("TABLES", "SEQUENCES"):
        session.execute(sql.SQL(defaults).format(schema, sql.SQL(kind), holder))
    tables = [table.identifier for table in tables_of(session, schema_name)]
    counters = [sql.Identifier(schema_name, name) for name in sequences_of(session, schema_name)]
    for kind, names in (("TABLE", tables), ("SEQUENCE", counters)):
        if names:
            revoke = sql.SQL("REVOKE ALL ON {} {} FROM {}")
            session.execute(revoke.format(sql.SQL(kind), sql.SQL(", ").join(names), holder))
    session.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, holder))


def _is_role(session: Session, name: str) -> bool:
    query = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s"
    return session.execute(query, [name]).fetchone() is not None


def _note(session: Session, school_id: int, new: str, kept: str, at: datetime) -> None:
    session.execute("DELETE FROM public.tenants_sideschema WHERE schema_name = %s", [new])
    session.execute(
        "INSERT INTO public.tenants_sideschema (schema_name, school_id, purpose, made_at,"
        " drop_after) VALUES (%s, %s, 'kept', %s, %s)",
        [kept, school_id, at, at + timedelta(days=settings.BACKUP_KEEP_REPLACED_DAYS)],
    )
    # What the school's background tasks know to be due was the old tables' affair: look anew.
    session.execute(
        "INSERT INTO public.tenants_duework (school_id, task) SELECT %s, unnest(%s::text[])",
        [school_id, due_tasks()],
    )
