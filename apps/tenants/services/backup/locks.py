"""One at a time: whoever makes, copies, changes or drops a school's tables as a whole.

A PostgreSQL advisory lock on a connection of its own: it goes with the process that holds it,
however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from apps.tenants.services.backup.errors import Busy
from kernel.owner import owner_session


def lock_name(schema_name: str) -> str:
    return f"tenants.tables:{schema_name}"


@contextmanager
def hold_school(school_id: int) -> Iterator[psycopg.Connection]:
    """Hold the school's lock for the length of the block. Raises Busy at once, never waits."""
    with owner_session(autocommit=True) as session:
        if not try_lock(session, f"tenants.tables:{school_id}"):
            raise Busy
        try:
            yield session
        finally:
            _let_go(session)


def _let_go(session: psycopg.Connection) -> None:
    # At once: the server ends a session some time after its client has, and whoever came next
    # would find the school busy. A connection that is lost has let go already.
    with suppress(psycopg.OperationalError):
        session.execute("SELECT pg_advisory_unlock_all()")


def try_lock(session: psycopg.Connection, name: str) -> bool:
    row = session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    return bool(row and row[0])
