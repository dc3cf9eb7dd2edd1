"""Stopping one consumer of a school for a while, and letting it catch up.

The events of a paused consumer are parked: its receipt is written, all the others go on. When it
is resumed, what is parked is handled in order before anything newer; until none is left, newer
events are parked behind. Calls to the outside are owed as always, and not made meanwhile.

A pass reads the pause with a lock that it keeps to its end. So resuming waits for passes that
still park, and none of them parks an event that nobody would look for any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from apps.events.models import DeadLetter, ExternalDelivery, ParkedEvent, PausedConsumer
from apps.events.selectors.schemas import current_schema, tenant_id_of
from apps.events.services import announcements, deliveries
from apps.events.services.letters import dead_letter, lane_of
from apps.events.services.options import backoff, options
from apps.events.services.registry import registry
from apps.events.services.runner import describe, run
from kernel.errors import Conflict, NotFound

log = structlog.get_logger(__name__)


@transaction.atomic
def pause(*, consumer: str, actor: str, reason: str = "") -> None:
    """Stop a consumer in the open school; passes and calls under way end first.

    Raises NotFound for a consumer that no handler has, Conflict when it is paused already.
    """
    _check_known(consumer)
    values = {"paused_by": actor, "reason": reason, "resuming": False}
    rows = PausedConsumer.objects.filter(consumer=consumer)
    if rows.filter(resuming=True).update(**values):
        return  # it was catching up
    _row, fresh = PausedConsumer.objects.get_or_create(consumer=consumer, defaults=values)
    if not fresh:
        raise Conflict(_("%(consumer)s is paused already.") % {"consumer": consumer})


@transaction.atomic
def resume(*, consumer: str) -> int:
    """Let it handle what is parked, and go on; returns how many events that are.

    Raises NotFound when it is not paused.
    """
    paused = PausedConsumer.objects.select_for_update().filter(consumer=consumer, resuming=False)
    if not paused.exists():
        raise NotFound(_("%(consumer)s is not paused.") % {"consumer": consumer})
    if consumer in _external_consumers():
        paused.delete()
        deliveries.go_on(tenant_id_of(current_schema()), consumer)
        return ExternalDelivery.objects.filter(consumer=consumer).count()
    paused.update(resuming=True)
    for row in ParkedEvent.objects.filter(consumer=consumer).exclude(lane__lt=options().lanes):
        ParkedEvent.objects.filter(id=row.id).update(lane=lane_of(row.stream_id))
    for lane in range(options().lanes):
        _look_again(lane)
    return ParkedEvent.objects.filter(consumer=consumer).count()


def stop_catching_up() -> None:
    """Pause again whoever is catching up: workers die over this lane, perhaps over that."""
    again = PausedConsumer.objects.filter(resuming=True)
    if again.update(resuming=False, reason="Workers died while it caught up"):
        log.error("outbox.paused_again")


def catch_up(lane: int, consumers: Iterable[str]) -> set[str]:
    """Handle parked events of consumers that were resumed, at most a batch of each, in the pass
    that is open. Returns those that are not through yet: for them newer events are parked."""
    return {consumer for consumer in consumers if not _caught_up(lane, consumer)}


def _caught_up(lane: int, consumer: str) -> bool:
    held: set[UUID] = set()
    for row in _due(lane, consumer):
        if row.stream_id not in held and not _handled(row):
            held.add(row.stream_id)
    left = ParkedEvent.objects.filter(consumer=consumer)
    if left.filter(lane=lane).exists():
        if _due(lane, consumer):
            _look_again(lane)
        return False
    if not left.exists():
        _through(consumer)
    return True


def _through(consumer: str) -> None:
    """Nothing is parked any more. Where another lane's pass is looking, the next one says so."""
    rows = PausedConsumer.objects.select_for_update(skip_locked=True)
    for paused in rows.filter(consumer=consumer, resuming=True):
        paused.delete()


def _due(lane: int, consumer: str) -> list[ParkedEvent]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now = cursor.fetchone()[0]
    rows = ParkedEvent.objects.filter(consumer=consumer, lane=lane)
    earlier = ParkedEvent.objects.filter(
        consumer=consumer,
        stream_id=OuterRef("stream_id"),
        id__lt=OuterRef("id"),
        available_at__gt=now,
    )
    due = rows.filter(available_at__lte=now).exclude(Exists(earlier))
    return list(due.order_by("id")[: options().batch])


def _handled(row: ParkedEvent) -> bool:
    """Whether the event is done with, if only as a dead letter."""
    if not registry().knows(row.event_type, row.version):
        row.available_at = _look_again(row.lane, options().unknown_version_delay)
        row.save(update_fields=["available_at"])
        return False
    try:
        with transaction.atomic():
            run(registry().handler(row.event_type, row.consumer), row, attempt=row.attempts + 1)
            connection.check_constraints()
    except Exception as error:
        log.exception("outbox.handler_failed", consumer=row.consumer, row=str(row))
        if row.attempts + 1 < options().max_attempts:
            _try_later(row, describe(error))
            return False
        letter = dead_letter(row, row.consumer, describe(error), row.attempts + 1)
        DeadLetter.objects.bulk_create([letter])
    row.delete()
    return True


def _try_later(row: ParkedEvent, error: str) -> None:
    row.attempts, row.last_error = row.attempts + 1, error
    row.available_at = _look_again(row.lane, backoff(row.attempts))
    row.save(update_fields=["attempts", "last_error", "available_at"])


def _look_again(lane: int, delay: float = 0.0) -> datetime:
    """Announce the lane behind all its events: there is something to do besides reading them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM outbox_event WHERE lane = %s", [lane])
        behind = cursor.fetchone()[0]
    tenant_id = tenant_id_of(current_schema())
    return announcements.announce(tenant_id, lane, behind, behind, delay)


def known_consumers() -> list[str]:
    """Whoever hears some event, by name."""
    return sorted({spec.consumer for spec in registry().all_handlers()})


def _check_known(consumer: str) -> None:
    if consumer not in known_consumers():
        raise NotFound(_("There is no consumer “%(consumer)s”.") % {"consumer": consumer})


def _external_consumers() -> set[str]:
    return {spec.consumer for spec in registry().all_handlers() if spec.external}
