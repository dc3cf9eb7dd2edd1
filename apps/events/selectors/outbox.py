"""Reading how the outbox stands."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django_tenants.utils import get_tenant_model

from apps.events.contracts import (
    DeadLetterInfo,
    FailingInfo,
    LetterFilter,
    OutboxCount,
    OutboxStatus,
    PauseInfo,
)
from apps.events.models import (
    DeadLetter,
    ExternalDelivery,
    OutboxEvent,
    ParkedEvent,
    PausedConsumer,
)
from apps.events.selectors.schemas import PUBLIC, current_schema, opened

_STATUS = """
SELECT (SELECT count(*) FROM outbox_event),
       (SELECT count(*) FROM outbox_event WHERE attempts > 0),
       (SELECT coalesce(extract(epoch FROM statement_timestamp() - min(occurred_at)), 0)
          FROM outbox_event),
       (SELECT count(*) FROM external_delivery),
       (SELECT count(*) FROM parked_event),
       (SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL)
"""

# Receipts are found by the time in their event's id (uuid7 leads the key), not by `handled_at`,
# which has no index: an event that waited for more than a day is left out.
_HANDLED = """
SELECT count(DISTINCT event_id)
         FILTER (WHERE handled_at > statement_timestamp() - interval '1 minute'),
       count(DISTINCT event_id),
       statement_timestamp()
  FROM receipt
 WHERE event_id > uuidv7(interval '-1 day')
   AND handled_at > statement_timestamp() - interval '1 hour'
"""


def get_status() -> OutboxStatus:
    """How the open school's outbox stands."""
    with connection.cursor() as cursor:
        cursor.execute(_STATUS)
        pending, retrying, oldest, deliveries, parked, dead_letters = cursor.fetchone()
    return OutboxStatus(
        schema_name=current_schema(),
        pending=pending,
        retrying=retrying,
        oldest_seconds=round(float(oldest), 1),
        deliveries=deliveries,
        parked=parked,
        dead_letters=dead_letters,
    )


def get_count() -> OutboxCount:
    """How the open school's outbox stands, and what it handled in the last minute and hour."""
    with connection.cursor() as cursor:
        cursor.execute(_HANDLED)
        minute, hour, now = cursor.fetchone()
    return OutboxCount(
        status=get_status(), handled_minute=minute, handled_hour=hour, counted_at=now
    )


def list_schemas() -> list[tuple[str, str]]:
    """(schema name, what people call it) of the platform and of every school."""
    with opened(PUBLIC):
        schools = get_tenant_model().objects.order_by("schema_name")
        return [(PUBLIC, "platform"), *schools.values_list("schema_name", "slug")]


def find_schema(text: str) -> str | None:
    """The schema of a school given by slug or by schema name; None when there is none."""
    for schema_name, slug in list_schemas():
        if text in (schema_name, slug):
            return schema_name
    return None


def list_dead_letters(
    *, include_resolved: bool = False, limit: int = 100, offset: int = 0
) -> list[DeadLetterInfo]:
    """The open school's dead letters, oldest first."""
    letters = DeadLetter.objects.order_by("id")
    if not include_resolved:
        letters = letters.filter(resolved_at__isnull=True)
    return list(_infos(letters[offset : offset + limit]))


def list_failing(*, limit: int = 25) -> list[FailingInfo]:
    """The open school's events and calls that failed and will be tried again, oldest first."""
    failed: list[QuerySet[OutboxEvent] | QuerySet[ExternalDelivery]] = [
        OutboxEvent.objects.filter(attempts__gt=0),
        ExternalDelivery.objects.exclude(last_error=""),
    ]
    rows = [_failing(row) for queue in failed for row in queue.order_by("id")[:limit]]
    return sorted(rows, key=_happened)[:limit]


def _happened(failing: FailingInfo) -> datetime:
    return failing.occurred_at


def _failing(row: OutboxEvent | ExternalDelivery) -> FailingInfo:
    return FailingInfo(
        event_id=row.event_id,
        event_type=row.event_type,
        version=row.version,
        consumer=row.consumer if isinstance(row, ExternalDelivery) else "",
        attempts=row.attempts,
        error=row.last_error,
        payload=row.payload,
        headers=row.headers,
        occurred_at=row.occurred_at,
        next_try=row.available_at,
    )


def matching_letters(chosen: LetterFilter) -> list[int]:
    """The ids of the open dead letters that are meant, oldest first."""
    letters = DeadLetter.objects.filter(resolved_at__isnull=True)
    if chosen.event_type.endswith("*"):
        letters = letters.filter(event_type__startswith=chosen.event_type[:-1])
    elif chosen.event_type:
        letters = letters.filter(event_type=chosen.event_type)
    if chosen.consumer:
        letters = letters.filter(consumer=chosen.consumer)
    if chosen.since:
        letters = letters.filter(failed_at__gte=chosen.since)
    if chosen.until:
        letters = letters.filter(failed_at__lt=chosen.until)
    return list(letters.order_by("id").values_list("id", flat=True))


def known_letters(letter_ids: Sequence[int]) -> set[int]:
    """Those that the open school has, open or resolved."""
    return set(DeadLetter.objects.filter(id__in=letter_ids).values_list("id", flat=True))


def one_an_event(letter_ids: Sequence[int]) -> list[int]:
    """Of letters about the same event only the first: deciding on it decides on all."""
    rows = DeadLetter.objects.filter(id__in=letter_ids).order_by("-id")
    first = dict(rows.values_list("event_id", "id"))
    return sorted(first.values())


def list_pauses() -> list[PauseInfo]:
    """The open school's paused consumers by name. `parked` counts calls that are owed, too."""
    return [
        PauseInfo(
            consumer=row.consumer,
            since=row.since,
            paused_by=row.paused_by,
            reason=row.reason,
            resuming=row.resuming,
            parked=ParkedEvent.objects.filter(consumer=row.consumer).count()
            + ExternalDelivery.objects.filter(consumer=row.consumer).count(),
        )
        for row in PausedConsumer.objects.order_by("consumer")
    ]


def get_dead_letter(letter_id: int) -> DeadLetterInfo | None:
    """One dead letter of the open school, open or resolved."""
    return next(iter(_infos(DeadLetter.objects.filter(id=letter_id))), None)


def _infos(letters: Iterable[DeadLetter]) -> Iterable[DeadLetterInfo]:
    for letter in letters:
        yield DeadLetterInfo(
            id=letter.id,
            event_id=letter.event_id,
            event_type=letter.event_type,
            version=letter.version,
            stream_type=letter.stream_type,
            stream_id=letter.stream_id,
            consumer=letter.consumer,
            attempts=letter.attempts,
            error=letter.error,
            payload=letter.payload,
            headers=letter.headers,
            occurred_at=letter.occurred_at,
            failed_at=letter.failed_at,
            resolved_at=letter.resolved_at,
            resolution=letter.resolution,
        )
