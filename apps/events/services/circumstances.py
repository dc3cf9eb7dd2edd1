"""What the running code is in the middle of: handling an event, or going through history again."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_cause: ContextVar[UUID | None] = ContextVar("outbox_cause", default=None)
_replaying: ContextVar[bool] = ContextVar("replaying", default=False)


@contextmanager
def caused_by(event_id: UUID) -> Iterator[None]:
    """What is published in this block tells that the event is why."""
    token = _cause.set(event_id)
    try:
        yield
    finally:
        _cause.reset(token)


@contextmanager
def replaying() -> Iterator[None]:
    """In this block nothing is published, and so nobody is written to or called."""
    token = _replaying.set(True)
    try:
        yield
    finally:
        _replaying.reset(token)


def cause() -> UUID | None:
    """The event that is being handled, if one is."""
    return _cause.get()


def is_replaying() -> bool:
    """Whether history is being gone through again."""
    return _replaying.get()
