"""The outbox of a school that comes back from a backup.

What waited when the backup was taken is handled again: its receipts are in the backup too, so
each effect inside the school happens exactly once. Calls to the outside that were made since
cannot be taken back, so they are not made again where the replaced school still tells of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from apps.events.models import (
    DeadLetter,
    ExternalDelivery,
    OutboxEvent,
    ParkedEvent,
    PausedConsumer,
    Receipt,
)
from apps.events.selectors.schemas import tenant_id_of
from apps.events.services.announcements import DELIVERIES_LANE
from apps.events.services.letters import dead_letter
from apps.events.services.registry import registry

Read = Callable[[str], Sequence[Sequence[Any]] | None]
Execute = Callable[[str, Sequence[Any]], Any]

# Transaction ids of another cluster may lie in our future: readers would never find these events
# settled. All rows were committed long ago, so they are as old as this transaction at the latest.
SETTLE_HISTORY = (
    "UPDATE stored_event SET txid = pg_current_xact_id() WHERE txid > pg_current_xact_id()"
)
_FORGET = "DELETE FROM public.outbox_ready WHERE tenant_id = ANY(%s)"
_ANNOUNCE = """
INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id)
SELECT {tenant}, lane, min(id), max(id) FROM {schema}.outbox_event GROUP BY lane
UNION ALL SELECT {tenant}, {calls}, id, id FROM {schema}.external_delivery
UNION ALL SELECT {tenant}, parked.lane, behind.id, behind.id
  FROM (SELECT DISTINCT lane FROM {schema}.parked_event
          JOIN {schema}.paused_consumer USING (consumer) WHERE resuming) parked,
       (SELECT coalesce(max(id), 0) + 1 AS id FROM {schema}.outbox_event) behind
"""


def announce_again(execute: Execute, schema_name: str, *, forget: Iterable[str] = ()) -> None:
    """Replace the announcements of this schema, and drop those of the schemas in `forget`.

    `execute` runs a statement in the transaction that changes the tables over.
    """
    tenant = tenant_id_of(schema_name)
    execute(_FORGET, [[tenant, *(tenant_id_of(name) for name in forget)]])
    # Both are made of digits only: tenant_id_of has looked.
    insert = _ANNOUNCE.format(tenant=tenant, schema=schema_name, calls=DELIVERIES_LANE)
    execute(insert, [])


def waiting_event_ids() -> list[UUID]:
    """The events of the open school that wait for their handlers."""
    return list(OutboxEvent.objects.order_by("id").values_list("event_id", flat=True))


def put_aside(reason: str) -> int:
    """Turn all that waits in the open school into dead letters: nothing is lost, and nothing is
    done until a person retries it. Returns how many there are now."""
    letters = [
        dead_letter(event, spec.consumer, reason, event.attempts)
        for event in OutboxEvent.objects.order_by("id")
        for spec in registry().handlers_of(event.event_type)
    ]
    waiting: list[ParkedEvent | ExternalDelivery] = [
        *ParkedEvent.objects.order_by("id"),
        *ExternalDelivery.objects.order_by("id"),
    ]
    letters += [dead_letter(row, row.consumer, reason, row.attempts) for row in waiting]
    handled = set(_receipts([letter.event_id for letter in letters]))
    owed = {(row.event_id, row.consumer) for row in waiting}
    fresh = [
        letter
        for letter in letters
        if (letter.event_id, letter.consumer) in owed
        or (letter.event_id, letter.consumer) not in handled
    ]
    DeadLetter.objects.bulk_create(_unique(fresh))
    for model in (OutboxEvent, ExternalDelivery, ParkedEvent, PausedConsumer):
        model.objects.all().delete()
    return len(fresh)


def leave_out_what_was_done(replaced: Read) -> None:
    """In the restored school: strike off the calls that the replaced one has made since.

    Those that nobody can tell of stay: they are made again.
    """
    ExternalDelivery.objects.filter(available_at__gt=Now()).update(available_at=Now())
    ExternalDelivery.objects.exclude(lease=None).update(lease=None)
    ids = set(waiting_event_ids()) | set(
        ExternalDelivery.objects.values_list("event_id", flat=True)
    )
    if not ids:
        return
    made = _made(replaced, ids)
    for call in ExternalDelivery.objects.order_by("id"):
        if (call.event_id, call.consumer) in made:
            call.delete()
    waiting = OutboxEvent.objects.values_list("event_id", "event_type")
    Receipt.objects.bulk_create(
        [
            Receipt(event_id=event_id, consumer=spec.consumer)
            for event_id, event_type in waiting
            for spec in registry().handlers_of(event_type)
            if spec.external and (event_id, spec.consumer) in made
        ],
        ignore_conflicts=True,
    )


def _made(replaced: Read, ids: Iterable[UUID]) -> set[tuple[UUID, str]]:
    """Owed (a receipt), no longer waiting, and not given up: so it was made."""
    chosen = ", ".join(f"'{event_id}'::uuid" for event_id in sorted(ids))
    asked = [
        replaced(f"SELECT event_id, consumer FROM {table} WHERE event_id IN ({chosen}){more}")  # noqa: S608 - UUIDs
        for table, more in (
            ("receipt", ""),
            ("external_delivery", ""),
            ("dead_letter", " AND resolved_at IS NULL"),
        )
    ]
    if any(rows is None for rows in asked):
        return set()
    owed, waiting, given_up = ({(row[0], row[1]) for row in rows or ()} for rows in asked)
    return owed - waiting - given_up


def _receipts(ids: list[UUID]) -> Iterable[tuple[UUID, str]]:
    return Receipt.objects.filter(event_id__in=ids).values_list("event_id", "consumer")


def _unique(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return list({(letter.event_id, letter.consumer): letter for letter in letters}.values())
