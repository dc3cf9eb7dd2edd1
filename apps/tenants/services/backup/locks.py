"""One at a time: whoever makes, copies, changes or drops a school's tables as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from apps.tenants.services.backup.errors import Busy
from kernel.owner import owner_lock


def lock_name(schema_name: str) -> str:
    return f"tenants.tables:{schema_name}"


@contextmanager
def hold_school(school_id: int) -> Iterator[psycopg.Connection]:
    """Hold the school's lock for the length of the block. Raises Busy at once, never waits."""
    with owner_lock(f"tenants.tables:{school_id}") as session:
        if session is None:
            raise Busy
        yield session
