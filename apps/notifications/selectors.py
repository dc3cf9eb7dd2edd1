"""Reading messages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from apps.notifications.models import Attempt, Message
from kernel.errors import NotFound

OVERVIEW = (
    "id",
    "kind",
    "to_address",
    "to_name",
    "subject",
    "status",
    "tries",
    "created_at",
    "sent_at",
    "last_error",
)


def list_messages(*, search: str = "", status: str = "", kind: str = "") -> QuerySet[Message]:
    """Messages, newest first, without their bodies. Unknown filter values are ignored."""
    rows = Message.objects.only(*OVERVIEW)
    if status in Message.Status.values:
        rows = rows.filter(status=status)
    if kind in Message.Kind.values:
        rows = rows.filter(kind=kind)
    for word in search.split():
        rows = rows.filter(
            Q(to_address__icontains=word) | Q(to_name__icontains=word) | Q(subject__icontains=word)
        )
    return rows


def get_message(*, message_id: UUID) -> Message:
    """One message. Raises NotFound."""
    message = Message.objects.filter(id=message_id).first()
    if message is None:
        raise NotFound(_("This message does not exist."))
    return message


def list_attempts(*, message_id: UUID) -> QuerySet[Attempt]:
    """Every try to send the message, oldest first."""
    return Attempt.objects.filter(message_id=message_id)


def messages_of(*, guardian_id: UUID | None, address: str) -> QuerySet[Message]:
    """Messages to a guardian or to an address, newest first."""
    who = Q()
    if guardian_id is not None:
        who |= Q(guardian_id=guardian_id)
    if address:
        who |= Q(to_address__iexact=address)
    return Message.objects.only(*OVERVIEW).filter(who) if who else Message.objects.none()


def count_by_status() -> dict[str, int]:
    """How many messages stand in each status; statuses without any are absent."""
    rows = Message.objects.order_by().values("status").annotate(number=Count("id"))
    return {row["status"]: row["number"] for row in rows}


def count_written(*, begins: datetime, ends: datetime) -> int:
    """Messages written from `begins` up to `ends` (exclusive), without those that failed."""
    rows = Message.objects.filter(created_at__gte=begins, created_at__lt=ends)
    return rows.exclude(status=Message.Status.FAILED).count()
