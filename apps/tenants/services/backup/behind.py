"""A second session of the owner's that works while the first one goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from psycopg import errors, pq

from apps.tenants.services.backup.tables import Session
from kernel.owner import owner_session

_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class Behind:
    """Takes statements and does not wait for them. One lot at a time: the next one waits for the
    one before. What goes wrong is raised there, or by `finish`, as psycopg errors."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def send(self, statements: Iterable[str]) -> None:
        """One lot, in a transaction of its own."""
        self.finish()
        if text := ";\n".join(statements):
            self.session.pgconn.send_query(text.encode())

    def finish(self) -> None:
        """Wait until nothing is under way."""
        while result := self.session.pgconn.get_result():
            if result.status not in _DONE:
                raise errors.error_from_result(result, self.session.info.encoding)


@contextmanager
def working_behind() -> Iterator[Behind]:
    """Until the block ends, and all that was sent is done."""
    with owner_session(autocommit=True) as session:
        other = Behind(session)
        try:
            yield other
            other.finish()
        except BaseException:
            session.close()  # in the middle of a statement there is nothing to roll back
            raise
