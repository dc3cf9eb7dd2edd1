"""Writing a message into the queue, in the transaction of the event that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.notifications.events import MessageQueued
from apps.notifications.models import Attempt, Message, Preference
from apps.notifications.services.composing import compose, known_language, one_line
from kernel.errors import Conflict, Invalid, NotFound

# Kinds a person may switch off. Bills, receipts and account links always go out: people must
# learn what they owe, what they paid and that somebody asked for their password.
OPTIONAL_KINDS = frozenset(
    {
        Message.Kind.ACTIVITY_CONFIRMED,
        Message.Kind.ACTIVITY_WAITLISTED,
        Message.Kind.ACTIVITY_PROMOTED,
    }
)
MAX_ADDRESS = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a message goes to; `language` may be empty for the school's own."""

    address: str
    name: str = ""
    language: str = ""
    guardian_id: UUID | None = None
    user_id: UUID | None = None


def queue_message(
    *, event_id: UUID, kind: str, to: Recipient, facts: Mapping[str, Any], link: str = ""
) -> UUID | None:
    """Queue one message and announce it. At most one per event, kind and address.

    Returns its id, or None when there is nothing to do: no address, not wanted, or queued
    before. An address that cannot be written to is kept as a failed message, so that the
    school sees it. `link` is the recipient's own link (absolute, https in production).
    """
    address = one_line(to.address)[:MAX_ADDRESS]
    if not address or not is_wanted(address=address, kind=kind):
        return None
    values = _compose(kind, to, facts) | {"personal_link": link}
    with transaction.atomic():
        message, created = Message.objects.get_or_create(
            event_id=event_id, kind=kind, to_address=address, defaults=values
        )
        if created and message.status == Message.Status.QUEUED:
            announce(message_id=message.id)
    return message.id if created else None


def _compose(kind: str, to: Recipient, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The message as it is stored, except for what makes it unique."""
    name, language = one_line(to.name), known_language(to.language)
    letter = compose(kind=kind, language=language, facts={"name": name, **facts})
    return {
        "to_name": name[:200],
        "guardian_id": to.guardian_id,
        "user_id": to.user_id,
        "language": language,
        "subject": letter.subject,
        "body_text": letter.text,
        "body_html": letter.html,
        **_starting_state(to.address),
    }


def _starting_state(address: str) -> dict[str, str]:
    if is_usable(address):
        return {"status": Message.Status.QUEUED}
    return {
        "status": Message.Status.FAILED,
        "last_error": _("This is not a usable e-mail address."),
    }


def is_usable(address: str) -> bool:
    """Whether mail can be addressed to it: one valid address without line breaks."""
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= MAX_ADDRESS


def announce(*, message_id: UUID) -> None:
    """Publish that the message waits: the handler of this event sends it."""
    event = MessageQueued(message_id=message_id)
    events.publish(event, stream_type="message", stream_id=message_id)


def retry_message(*, message_id: UUID) -> None:
    """Put a failed message back into the queue. Raises NotFound, or Conflict when it was sent
    or is on its way."""
    with transaction.atomic():
        message = Message.objects.select_for_update().filter(id=message_id).first()
        if message is None:
            raise NotFound(_("This message does not exist."))
        if not message.may_retry:
            raise Conflict(_("Only a message that failed can be sent again."))
        message.status = Message.Status.QUEUED
        message.due_at = timezone.now()
        message.claim = message.claimed_until = None
        message.save(update_fields=["status", "due_at", "claim", "claimed_until"])
        announce(message_id=message.id)


def retry_failed(*, limit: int = 1000) -> int:
    """Put every failed message back into the queue, at most `limit`. Returns how many."""
    with transaction.atomic():
        failed = Message.objects.select_for_update(skip_locked=True)
        ids = list(
            failed.filter(status=Message.Status.FAILED)
            .order_by("id")
            .values_list("id", flat=True)[:limit]
        )
        Message.objects.filter(id__in=ids).update(
            status=Message.Status.QUEUED, due_at=timezone.now()
        )
        for message_id in ids:
            announce(message_id=message_id)
    return len(ids)


def is_wanted(*, address: str, kind: str) -> bool:
    """Whether the address wants this kind. Kinds that cannot be silenced are always wanted."""
    if kind not in OPTIONAL_KINDS:
        return True
    unwanted = Preference.objects.filter(address__iexact=address, kind=kind, wanted=False)
    return not unwanted.exists()


def set_preference(*, address: str, kind: str, wanted: bool) -> None:
    """Remember whether the address wants this kind. Raises Invalid for a kind that people
    cannot switch off."""
    if kind not in OPTIONAL_KINDS:
        raise Invalid(_("This kind of message cannot be switched off."), field="kind")
    Preference.objects.update_or_create(
        address=address.strip().lower(), kind=kind, defaults={"wanted": wanted}
    )


def record_attempt(*, message: Message, error: str = "") -> None:
    """Write down one try. Its row is never changed."""
    outcome = Attempt.Outcome.ERROR if error else Attempt.Outcome.SENT
    Attempt.objects.create(message=message, outcome=outcome, error=error)
