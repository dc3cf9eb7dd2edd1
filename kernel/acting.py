"""Who acts. Named once where the outside comes in (a request, a task, a command), and written
down with everything of money that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SYSTEM, PAYER = "system", "payer"

_actor: ContextVar[Callable[[], str] | None] = ContextVar("actor", default=None)


@contextmanager
def acting(name: str | Callable[[], str]) -> Iterator[None]:
    """What is done inside is done by `name`: an e-mail address of staff, "payer", or "system: "
    and which part. A function is asked when the name is needed: who sends a request is known only
    after its token is read."""
    token = _actor.set(name if callable(name) else lambda: name)
    try:
        yield
    finally:
        _actor.reset(token)


def name_actor(name: str) -> None:
    """The same until somebody else is named, for what begins and ends in different places."""
    _actor.set(lambda: name)


def current_actor() -> str:
    """Who acts now; "system" where nobody was named."""
    named = _actor.get()
    return (named() if named else "") or SYSTEM


def part(name: str) -> str:
    """The name of a part of the system: "system: janitor"."""
    return f"{SYSTEM}: {name}"
