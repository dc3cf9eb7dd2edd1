"""Dead letters: events that a consumer could not handle, kept until a person decides."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events.models import (
    DeadLetter,
    ExternalDelivery,
    OutboxEvent,
    ParkedEvent,
    Receipt,
)
from apps.events.services.options import options
from kernel.errors import Conflict, NotFound

Resolution = DeadLetter.Resolution


def dead_letter(
    event: OutboxEvent | ExternalDelivery | ParkedEvent, consumer: str, error: str, attempts: int
) -> DeadLetter:
    """The event as it is kept for a person to look at; not saved."""
    lane = lane_of(event.stream_id)
    return DeadLetter(
        **event.carried(), lane=lane, consumer=consumer, error=error, attempts=attempts
    )


def lane_of(stream_id: UUID) -> int:
    """The lane of a stream; drain a school before changing the number of lanes."""
    return stream_id.int % options().lanes


@transaction.atomic
def retry(*, letter_id: int) -> UUID:
    """Put the event back into the outbox, behind the events that wait there now.

    Every consumer without a receipt tries again, so all open letters of the event are resolved.
    Returns the event's id. Raises NotFound, or Conflict when the letter is resolved already.
    """
    letter = _open_letter(letter_id)
    siblings = _open_letters(letter.event_id)
    # An external consumer has its receipt since the call was owed, not since it was made.
    Receipt.objects.filter(
        event_id=letter.event_id, consumer__in=[sibling.consumer for sibling in siblings]
    ).delete()
    if not OutboxEvent.objects.filter(event_id=letter.event_id).exists():
        OutboxEvent.objects.create(**letter.carried(), lane=lane_of(letter.stream_id))
    siblings.update(resolved_at=timezone.now(), resolution=Resolution.RETRIED)
    return letter.event_id


@transaction.atomic
def discard(*, letter_id: int) -> UUID:
    """Give up on this consumer for this event: a later retry of the event leaves it out.

    Returns the event's id. Raises NotFound, or Conflict when the letter is resolved already.
    """
    letter = _open_letter(letter_id)
    Receipt.objects.bulk_create(
        [Receipt(event_id=letter.event_id, consumer=letter.consumer)], ignore_conflicts=True
    )
    DeadLetter.objects.filter(id=letter.id).update(
        resolved_at=timezone.now(), resolution=Resolution.DISCARDED
    )
    return letter.event_id


def _open_letter(letter_id: int) -> DeadLetter:
    letter = DeadLetter.objects.select_for_update().filter(id=letter_id).first()
    if letter is None:
        raise NotFound(_("There is no dead letter %(id)s in this school.") % {"id": letter_id})
    if letter.resolved_at is not None:
        raise Conflict(
            _("Dead letter %(id)s has been %(resolution)s already.")
            % {"id": letter_id, "resolution": letter.resolution}
        )
    return letter


def _open_letters(event_id: UUID) -> QuerySet[DeadLetter]:
    return DeadLetter.objects.filter(event_id=event_id, resolved_at__isnull=True)
