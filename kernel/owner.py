"""The owner's way into the database.

The web and the workers sign in as a role that can read and write rows, and that only inside the
school that is open. Making, migrating, copying and dropping a school's tables is the owner's work.
Only operators' commands and the keeper (the worker of the queue "owner") have DATABASE_OWNER_URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _

from kernel.errors import Unavailable
from kernel.schools import connection

# Celery queue of the tasks that need the owner.
OWNER_QUEUE = "owner"
_LIBPQ = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


@contextmanager
def owner_session(*, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own as the owner, to the database that Django uses.

    Commits at the end unless an error leaves the block. Raises Unavailable when this process was
    given no DATABASE_OWNER_URL. Sees only what is committed.
    """
    with psycopg.connect(**_parameters(), autocommit=autocommit) as session:
        yield session


@contextmanager
def owner_lock(name: str) -> Iterator[psycopg.Connection[Any] | None]:
    """The owner's session (each statement commits), holding the lock `name` for the length of the
    block; None when somebody else holds it: it is asked once, never waited for.

    A PostgreSQL advisory lock: it goes with the process that holds it, however that ends.
    """
    with owner_session(autocommit=True) as session:
        if not try_lock(session, name):
            yield None
            return
        try:
            yield session
        finally:
            # At once: the server ends a session some time after its client has, and whoever came
            # next would find the lock taken. A connection that is lost has let go already.
            with suppress(psycopg.OperationalError):
                session.execute("SELECT pg_advisory_unlock_all()")


def try_lock(session: psycopg.Connection[Any], name: str) -> bool:
    """Whether the lock is this session's now, until it ends."""
    row = session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    return bool(row and row[0])


@contextmanager
def owning() -> Iterator[None]:
    """Let Django's own connection work as the owner for a while: for Django's migrations.

    The connection is closed before and after, so no transaction may be open. Raises Unavailable
    like `owner_session`, RuntimeError inside a transaction.
    """
    if connection.in_atomic_block:
        raise RuntimeError("owning() reconnects: no transaction may be open")
    before = connection.settings_dict
    # A copy: other threads share the dictionary, and go on as the app.
    _reconnect({**before, **_owner(), "OWNER": True})
    try:
        yield
    finally:
        _reconnect(before)


def has_owner() -> bool:
    """Whether this process may do the owner's work."""
    return bool(settings.OWNER_DATABASE)


def _owner() -> dict[str, Any]:
    parts = settings.OWNER_DATABASE
    if not parts:
        raise Unavailable(
            _("This process has no DATABASE_OWNER_URL, so it cannot make or change tables.")
        )
    return {key: parts[key] for key in (*_LIBPQ.values(), "OPTIONS")}


def _parameters() -> dict[str, Any]:
    owner = _owner()
    known = {libpq: owner[key] for libpq, key in _LIBPQ.items() if owner[key]}
    return {**owner["OPTIONS"], **known, "dbname": connection.settings_dict["NAME"]}


def _reconnect(parts: dict[str, Any]) -> None:
    connection.close()
    connection.settings_dict = parts
