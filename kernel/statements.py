"""Statements that the server keeps ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.schools import connection

OFTEN = 2  # preparing costs a trip of its own: not for what a connection runs once


def run_prepared(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
    """Run a statement that changes rows and returns none; how many rows it changed.

    The server keeps it parsed and planned for as long as the connection lives, and plans anew by
    itself when another school is opened. Only for statements without a result: while schools are
    migrated one after the other, a kept plan whose columns differ between two of them is refused.
    That is why nothing else is prepared (Django's own default).
    """
    with connection.cursor() as cursor:
        session = connection.connection
        session.prepare_threshold = OFTEN
        try:
            cursor.execute(statement, values)
        finally:
            session.prepare_threshold = None
        return int(cursor.rowcount)
