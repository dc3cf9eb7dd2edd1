"""Tables filled side by side, each in a session of the owner's.

A backup is read from front to back, much faster than PostgreSQL takes rows in. So a table of usual
size is read whole and handed to a loader, and reading goes on; only what is too large to hold is
copied in as it is read. The threads use nothing of Django: what they send is ready SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from queue import SimpleQueue

from psycopg import sql

from apps.tenants.services.backup.copying import copied_out
from apps.tenants.services.backup.entries import BLOCK
from apps.tenants.services.backup.head import Sum
from apps.tenants.services.backup.tables import PLAIN_FORM, Session, Table, indexes_of
from kernel.owner import owner_session

LOADERS = 2
# What is read ahead: bytes of one table, and tables that are not in yet.
LOT, WAITING = 8 << 20, LOADERS + 1


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a table's rows came to in the backup, what they come to now that they are in, and
    whether they are the same rows. Their order is none of theirs: PostgreSQL puts a short row into
    an earlier page that has room left."""

    read: Sum
    found: Sum
    is_same: bool


class Loaders:
    """`take` hands a table over; `finish` waits for all of them. Both raise what a loader failed
    with, as psycopg errors."""

    def __init__(self, pool: ThreadPoolExecutor, own: Session, others: list[Session]) -> None:
        self._pool, self._own = pool, own
        self._free: SimpleQueue[Session] = SimpleQueue()
        for session in others:
            self._free.put(session)
        self._loaded: dict[str, Future[Loaded]] = {}

    def take(self, table: Table, blocks: Iterator[bytes]) -> None:
        """Returns when all blocks have been read, which is not when they are in."""
        lot = list(_up_to(LOT, blocks))
        more = next(blocks, b"")
        if more:
            self._loaded[table.name] = _done(fill(self._own, table, chain(lot, [more], blocks)))
        else:
            self._make_room()
            self._loaded[table.name] = self._pool.submit(self._fill, table, lot)

    def finish(self) -> dict[str, Loaded]:
        """Table -> what was loaded."""
        return {name: each.result() for name, each in self._loaded.items()}

    def _make_room(self) -> None:
        under_way = [each for each in self._loaded.values() if not each.done()]
        if len(under_way) >= WAITING:
            for each in wait(under_way, return_when=FIRST_COMPLETED).done:
                each.result()

    def _fill(self, table: Table, lot: list[bytes]) -> Loaded:
        session = self._free.get()
        try:
            return fill(session, table, iter(lot))
        finally:
            self._free.put(session)


@contextmanager
def loaders(own: Session, schema_name: str) -> Iterator[Loaders]:
    """Until the block ends. `own` is this thread's session, for what is too large to hand over."""
    with ExitStack() as stack:
        others = [stack.enter_context(owner_session(autocommit=True)) for _ in range(LOADERS)]
        for session in others:
            look_into(session, schema_name)
        pool = stack.enter_context(ThreadPoolExecutor(LOADERS, "loading"))
        try:
            yield Loaders(pool, own, others)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for session in others:
                session.cancel()
            raise


def look_into(session: Session, schema_name: str) -> None:
    """The schema's tables by their bare names; commits that leave the waiting to a later one."""
    path = sql.SQL("SET search_path = {}").format(sql.Identifier(schema_name))
    session.execute(PLAIN_FORM)
    session.execute(path)
    session.execute("SET synchronous_commit = off")


def fill(session: Session, table: Table, blocks: Iterator[bytes]) -> Loaded:
    """Put the rows in, make the indexes, gather statistics, and add up what is there now.

    With many rows, indexes are made afterwards: sorted once, not entered row by row.
    """
    # Migrations may have put rows there. Not TRUNCATE: to be sure that no key points at the table
    # it reads the constraints of all schools, 60 ms a table with 1,000 of them.
    session.execute(sql.SQL("DELETE FROM {}").format(table.identifier))
    read, rows = sum_of(())
    if first := next(blocks, b""):
        read, rows = _fill(session, table, first, blocks)
        # The planner must know how many rows there are: else the first pages would be slow.
        session.execute(sql.SQL("ANALYZE {}").format(table.identifier))
    found, found_rows = sum_of(copied_out(session, table))
    same = (found.size, found.rows, found_rows) == (read.size, read.rows, rows)
    return Loaded(read=read, found=found, is_same=same)


def sum_of(blocks: Iterable[bytes], then: Callable[[bytes], object] = len) -> tuple[Sum, int]:
    """What blocks of whole lines come to, and a number of theirs that is the same in any order, for
    this process only; each block is given to `then`."""
    digest, size, rows, unordered = sha256(), 0, 0, 0
    for lines in blocks:
        digest.update(lines)
        size += len(lines)
        rows += lines.count(b"\n")
        unordered += sum(map(hash, lines.split(b"\n")))
        then(lines)
    return Sum(sha256=digest.hexdigest(), size=size, rows=rows), unordered


def _fill(session: Session, table: Table, first: bytes, others: Iterator[bytes]) -> tuple[Sum, int]:
    indexes = indexes_of(session, table) if len(first) >= BLOCK else []
    with session.transaction():
        for drop, _make in indexes:
            session.execute(drop.encode())
        read = _copy_in(session, table, chain([first], others))
    for _drop, make in indexes:
        session.execute(make.encode())
    return read


def _copy_in(session: Session, table: Table, blocks: Iterable[bytes]) -> tuple[Sum, int]:
    statement = sql.SQL("COPY {} ({}) FROM STDIN")
    into = statement.format(table.identifier, table.column_list)
    with session.cursor() as cursor, cursor.copy(into) as copy:
        return sum_of(blocks, then=copy.write)


def _up_to(size: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks until they come to `size` bytes; the others are still to be read."""
    while size > 0 and (block := next(blocks, b"")):
        size -= len(block)
        yield block


def _done(loaded: Loaded) -> Future[Loaded]:
    future: Future[Loaded] = Future()
    future.set_result(loaded)
    return future
