"""The state of a long stream, without reading all of it each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection

from apps.events.models import Snapshot
from apps.events.services.store import load
from kernel import jsoncodec

State = TypeVar("State")
# Two readers may fold the same stream at once: the later version stays.
_KEEP = """
INSERT INTO snapshot (stream_id, version, state_schema, state) VALUES (%s, %s, %s, %s)
ON CONFLICT (stream_id) DO UPDATE
   SET version = excluded.version, state_schema = excluded.state_schema, state = excluded.state
 WHERE (snapshot.state_schema, snapshot.version) < (excluded.state_schema, excluded.version)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding(Generic[State]):
    """How a stream becomes a state.

    `state` is a dataclass that the JSON codec can write, and `initial` an instance of it before
    the first event. `apply(state, event)` returns the next one. Count `schema` up whenever the
    form of the state or the meaning of `apply` changes: older snapshots are then left unread.
    """

    state: type[State]
    initial: Callable[[], State]
    apply: Callable[[State, Any], State]
    schema: int
    every: int = 100


def state_of(stream_id: UUID, folding: Folding[State]) -> tuple[State, int]:
    """The stream's state and its version, 0 for an unknown one.

    Reads the newest snapshot and what came after it. When that was more than `every` events, a
    new one is kept, in the caller's transaction if one is open.
    """
    state, since = _from_snapshot(stream_id, folding)
    later = load(stream_id, after_version=since)
    state = _folded(folding, state, (stored.event for stored in later))
    version = later[-1].version if later else since
    if len(later) > folding.every:
        _keep(stream_id, version, folding, state)
    return state, version


def forget_snapshot(stream_id: UUID) -> None:
    """It is made again when the stream is read; nothing is lost."""
    Snapshot.objects.filter(stream_id=stream_id).delete()


def _from_snapshot(stream_id: UUID, folding: Folding[State]) -> tuple[State, int]:
    kept = Snapshot.objects.filter(stream_id=stream_id, state_schema=folding.schema).first()
    if kept is None:
        return folding.initial(), 0
    return jsoncodec.decode(folding.state, kept.state), kept.version


def _folded(folding: Folding[State], state: State, news: Iterable[Any]) -> State:
    for event in news:
        state = folding.apply(state, event)
    return state


def _keep(stream_id: UUID, version: int, folding: Folding[State], state: State) -> None:
    values: list[Any] = [stream_id, version, folding.schema, json.dumps(jsoncodec.encode(state))]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)
