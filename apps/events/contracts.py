"""What crosses the boundary of this app: plain frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one handler.

    `event` is an instance of the publisher's payload class, already brought to the newest
    version. `event_id` is the same on every attempt, so it serves as an idempotency key.
    `caused_by` is the event whose handler published this one.
    """

    event: Any
    event_id: UUID
    event_type: str
    version: int
    stream_type: str
    stream_id: UUID
    occurred_at: datetime
    schema_name: str
    actor: str
    trace_id: str
    attempt: int
    caused_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One fact in the history of one aggregate; versions count from 1 without gaps."""

    stream_id: UUID
    version: int
    event: Any
    occurred_at: datetime
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStatus:
    """How one school's outbox stands; ages are in seconds."""

    schema_name: str
    pending: int
    retrying: int
    oldest_seconds: float
    deliveries: int
    parked: int
    dead_letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseInfo:
    """A consumer that a person has stopped, and how many events wait for it."""

    consumer: str
    since: datetime
    paused_by: str
    reason: str
    resuming: bool
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which open dead letters are meant; what is left empty does not matter. `event_type` may end
    in `*`; the times are of the failure."""

    event_type: str = ""
    consumer: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterInfo:
    """An event that one consumer could not handle, however often it was tried."""

    id: int
    event_id: UUID
    event_type: str
    version: int
    stream_type: str
    stream_id: UUID
    consumer: str
    attempts: int
    error: str
    payload: Mapping[str, Any]
    headers: Mapping[str, Any]
    occurred_at: datetime
    failed_at: datetime
    resolved_at: datetime | None
    resolution: str
