"""Tables that follow from stored events, so that they can be worked out again at any time.

An app keeps such a table up to date itself, in the transaction that appends. What it registers
here is the same thing as a pure function of a stream, for `manage.py replay`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.events.services.errors import RegistryError
from apps.events.services.registry import registry
from kernel.errors import NotFound

# Table -> its rows, each a tuple of the key and then of the columns in their order.
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class History:
    """A stream as far as a projection hears it: its events in order, and the last one's version."""

    version: int
    events: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A table of which these columns follow from the stream named in the column `stream`."""

    table: str
    columns: tuple[str, ...]
    key: str = "id"
    stream: str = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """How tables follow from streams of these events.

    The first table has one row a stream, which whoever appends to the stream locks: a replay
    locks it too. `project` gets one stream in order and must do nothing but compute: no queries,
    nothing published. Count `version` up when `project` comes to something else than before: a
    replay that another release began is then not gone on with. `ended` is a column of the first
    table that is 0 where a stream's history was let go, by a rule of retention; "" for never.
    """

    name: str
    version: int
    events: frozenset[str]
    tables: tuple[Derived, ...]
    project: Callable[[UUID, History], Rows]
    ended: str = ""


_projections: dict[str, Projection] = {}


def add_projection(projection: Projection) -> Projection:
    """Make a projection known; at start, from an app's projections.py."""
    known = _projections.setdefault(projection.name, projection)
    if known is not projection:
        raise RegistryError(f"Two projections are called “{projection.name}”.")
    return projection


def all_projections() -> list[Projection]:
    """By name."""
    return [_projections[name] for name in sorted(_projections)]


def find_projection(name: str) -> Projection:
    """Raises NotFound, with the names there are."""
    if name not in _projections:
        names = ", ".join(sorted(_projections)) or "none"
        raise NotFound(f"There is no projection “{name}”. There are: {names}")
    return _projections[name]


def problems() -> Iterable[str]:
    """Projections that read what nobody writes."""
    for projection in all_projections():
        for name in sorted(projection.events - set(registry().classes)):
            yield f"Projection {projection.name} reads “{name}”, which no app stores."
