"""Reports and exports read from a standby of the database, where there is one.

Opt-in: only what runs inside `reading_replica()` (or a view under `@reads_replica`), and only
 - outside a transaction, and while this request has written nothing: else it might not see its
   own rows;
 - when this person wrote nothing in the last READ_OWN_WRITES seconds (config/gateway/replica.py);
 - while the standby answers and is at most REPLICA_MAX_LAG seconds behind (kernel/standby.py).
In all other cases the same code reads from the primary. docs/adr/0013.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from kernel.standby import Standby, standby

ALIAS = "replica"
View = TypeVar("View", bound=Callable[..., Any])

_reading: ContextVar[bool] = ContextVar("reading_replica", default=False)
_wrote: ContextVar[bool] = ContextVar("wrote", default=False)
_stays: ContextVar[bool] = ContextVar("stays_on_primary", default=False)


def is_configured() -> bool:
    return ALIAS in settings.DATABASES


def known() -> Standby:
    """What this process knows of the standby."""
    return standby


@contextmanager
def reading_replica() -> Iterator[bool]:
    """What is read inside comes from the standby, if it may; says whether it does.

    A standby that goes away in the middle is an OperationalError: `reads_replica` deals with it.
    """
    token = _reading.set(_may_read_there())
    try:
        yield _reading.get()
    finally:
        _reading.reset(token)


def _may_read_there() -> bool:
    if not is_configured() or _wrote.get() or _stays.get() or connection.in_atomic_block:
        return False
    return standby.is_fit()


def reads_replica(view: View) -> View:
    """A function that only reads, from the standby if it may. Should the standby go away, or cancel
    the query to keep up with the primary, the function runs once more, on the primary."""

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        if not is_configured():
            return view(*args, **kwargs)
        with reading_replica() as there:
            try:
                return view(*args, **kwargs)
            except (OperationalError, InterfaceError):
                if not there:
                    raise
                standby.suspect()
        return view(*args, **kwargs)

    return inner  # type: ignore[return-value]


def alias_for_reading() -> str:
    """The connection for the next query."""
    if _reading.get() and not _wrote.get() and not connection.in_atomic_block:
        return ALIAS
    return "default"


def note_write() -> None:
    """Something is about to be written: what follows reads the primary."""
    if not _wrote.get():
        _wrote.set(True)


def has_written() -> bool:
    return _wrote.get()


def begin(*, on_primary: bool = False) -> None:
    """A new request or task. `on_primary`: this one is to read nothing from the standby."""
    _reading.set(False)
    _wrote.set(False)
    _stays.set(on_primary)
