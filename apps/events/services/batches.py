"""One batch of events of one lane, handled inside the transaction that is open."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection, transaction

from apps.events.models import DeadLetter, OutboxEvent
from apps.events.services import announcements, deliveries
from apps.events.services.letters import dead_letter
from apps.events.services.options import backoff, options
from apps.events.services.parking import park
from apps.events.services.registry import HandlerSpec, registry
from apps.events.services.runner import describe, run, run_together

log = structlog.get_logger(__name__)


# An event that never failed is read whatever its clock says: its announcement has been read and
# will be deleted, so an event left out here would wait for ever.
_READ = """
SELECT id, stream_type, stream_id, seq, event_type, version, payload, headers, attempts,
       occurred_at, event_id, lane, available_at, last_error
  FROM outbox_event event
 WHERE lane = %(lane)s AND id >= %(floor)s AND (attempts = 0 OR available_at <= %(as_of)s)
   AND NOT EXISTS (SELECT FROM outbox_event earlier
                    WHERE earlier.stream_id = event.stream_id AND earlier.id < event.id
                      AND earlier.attempts > 0 AND earlier.available_at > %(as_of)s)
 ORDER BY id LIMIT %(limit)s
"""


def read(lane: int, floor: int, as_of: datetime, limit: int) -> list[OutboxEvent]:
    """The lane's next events in order, without streams that wait for an earlier event of theirs.

    `floor` is exact, not a hint: without it the scan would crawl over the dead rows at the head
    of a busy queue. Written out, since making the statement anew would be half of a short pass.
    """
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"lane": lane, "floor": floor, "as_of": as_of, "limit": limit})
        names = [column.name for column in cursor.description]
        return [OutboxEvent.from_db(connection.alias, names, row) for row in cursor.fetchall()]


@dataclass(slots=True)
class Batch:
    """The events that were read, and what became of them. For consumers in `paused` they are
    parked."""

    tenant_id: int
    lane: int
    events: Sequence[OutboxEvent]
    paused: Container[str] = ()
    done: list[int] = field(default_factory=list)
    held_back: set[UUID] = field(default_factory=set)

    @property
    def needs_care(self) -> bool:
        """Whether an event in it has failed before."""
        return any(event.attempts for event in self.events)

    def run_quickly(self) -> None:
        """Everything in one go: the first error undoes the whole batch."""
        readable = list(self._readable())
        together: dict[HandlerSpec, list[OutboxEvent]] = {}
        calls: list[tuple[str, OutboxEvent]] = []
        for spec, event in _fresh(readable):
            if spec.external:
                calls.append((spec.consumer, event))
            elif spec.batch and spec.consumer not in self.paused:
                together.setdefault(spec, []).append(event)
            else:
                self._apply(spec, event)
        for spec, events in together.items():
            run_together(spec, events)
        if calls:
            deliveries.owe(self.tenant_id, calls)
        self.done += [event.id for event in readable]

    def run_carefully(self) -> None:
        """A savepoint for every handler of every event: an error costs that handler only."""
        for event in self._readable():
            errors = self._handle_each(event)
            if not errors:
                self.done.append(event.id)
            elif event.attempts + 1 >= options().max_attempts:
                self._bury(event, errors)
            else:
                self._postpone(event, errors)

    def _readable(self) -> Iterable[OutboxEvent]:
        for event in self.events:
            if event.stream_id in self.held_back:
                continue
            if registry().knows(event.event_type, event.version):
                yield event
            else:
                self._leave_for_later(event)

    def _handle_each(self, event: OutboxEvent) -> dict[str, str]:
        errors: dict[str, str] = {}
        for spec in registry().handlers_of(event.event_type):
            try:
                with transaction.atomic():
                    if _write_receipts([(event.event_id, spec.consumer)]):
                        self._apply(spec, event)
                        connection.check_constraints()  # not first at the commit of all
            except Exception as error:
                log.exception("outbox.handler_failed", consumer=spec.consumer, row=str(event))
                errors[spec.consumer] = describe(error)
        return errors

    def _postpone(self, event: OutboxEvent, errors: dict[str, str]) -> None:
        attempts = event.attempts + 1
        note = "; ".join(f"{consumer}: {error}" for consumer, error in errors.items())
        self._delay(event, attempts, backoff(attempts), note)

    def _leave_for_later(self, event: OutboxEvent) -> None:
        # A newer release published it; this process is the old one in a rolling deploy. That is
        # no failure of the event, so the count does not move on towards the dead letters.
        log.warning("outbox.unknown_event", row=str(event))
        note = f"{event.event_type} v{event.version} is not known to this release."
        self._delay(event, max(event.attempts, 1), options().unknown_version_delay, note)

    def _delay(self, event: OutboxEvent, attempts: int, delay: float, note: str) -> None:
        due_at = announcements.announce(self.tenant_id, self.lane, event.id, event.id, delay)
        OutboxEvent.objects.filter(id=event.id).update(
            attempts=attempts, available_at=due_at, last_error=note
        )
        self.held_back.add(event.stream_id)

    def bury(self, error: str) -> None:
        """Give all of it up at once: nothing of it may be run again."""
        for event in self.events:
            specs = registry().handlers_of(event.event_type)
            fresh = _write_receipts((event.event_id, spec.consumer) for spec in specs)
            self._bury(event, {consumer: error for _event_id, consumer in sorted(fresh)})

    def _bury(self, event: OutboxEvent, errors: dict[str, str]) -> None:
        DeadLetter.objects.bulk_create(
            dead_letter(event, consumer, error, event.attempts + 1)
            for consumer, error in errors.items()
        )
        log.error("outbox.dead_letter", row=str(event), consumers=sorted(errors))
        self.done.append(event.id)

    def _apply(self, spec: HandlerSpec, event: OutboxEvent) -> None:
        if spec.external:
            # Whose consumer is paused, that call waits by itself.
            deliveries.owe(self.tenant_id, [(spec.consumer, event)])
        elif spec.consumer in self.paused:
            park(event, spec.consumer)
        else:
            run(spec, event, attempt=event.attempts + 1)


def _fresh(events: Sequence[OutboxEvent]) -> list[tuple[HandlerSpec, OutboxEvent]]:
    """Who has yet to handle what, in order. Their receipts are written."""
    wanted = [(spec, each) for each in events for spec in registry().handlers_of(each.event_type)]
    fresh = _write_receipts((event.event_id, spec.consumer) for spec, event in wanted)
    return [(spec, event) for spec, event in wanted if (event.event_id, spec.consumer) in fresh]


def _write_receipts(wanted: Iterable[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Write the receipts and return the fresh ones; those left out have been handled before."""
    pairs = list(wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO receipt (event_id, consumer)"
            " SELECT * FROM unnest(%s::uuid[], %s::text[])"
            " ON CONFLICT DO NOTHING RETURNING event_id, consumer",
            [[event_id for event_id, _ in pairs], [consumer for _, consumer in pairs]],
        )
        return set(cursor.fetchall())
