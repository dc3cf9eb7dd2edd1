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
class HistoryEntry:
    """One fact of the store, of whatever stream; numbers grow with time. `event` is None when
    another release stored it."""

    number: int
    stream_id: UUID
    event_type: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingInfo:
    """An event, or a call to the outside, that failed and will be tried again.

    `consumer` is empty for an event: its error names the consumers. `next_try` is UTC.
    """

    event_id: UUID
    event_type: str
    version: int
    consumer: str
    attempts: int
    error: str
    payload: Mapping[str, Any]
    headers: Mapping[str, Any]
    occurred_at: datetime
    next_try: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCount:
    """One school's outbox and how much it handled: numbers of events. `counted_at` is UTC."""

    status: OutboxStatus
    handled_minute: int
    handled_hour: int
    counted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventField:
    """One field of a payload. `lines[].amount_minor` is a field of each of the `lines`."""

    name: str
    type: str
    has_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventConsumer:
    """Who hears an event. `external`: called with no transaction open, at least once."""

    name: str
    external: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEntry:
    """One event of the catalog, as the code declares it.

    `older_versions` can still be read: each has a frozen sample and an upcaster.
    """

    name: str
    app: str
    meaning: str
    version: int
    older_versions: tuple[int, ...]
    fields: tuple[EventField, ...]
    consumers: tuple[EventConsumer, ...]
