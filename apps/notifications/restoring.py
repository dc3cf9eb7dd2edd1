"""After a restore: what has been sent is not sent again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.notifications.models import Message
from apps.tenants.contracts import RestoreContext
from apps.tenants.facade import after_restore

_OPEN = (Message.Status.QUEUED, Message.Status.SENDING)


@after_restore
def send_nothing_twice(context: RestoreContext) -> None:
    if context.is_copy:
        _put_aside()
    else:
        _mark_sent(context)
        _keep_what_will_be_written_again(context)


def _put_aside() -> None:
    """Staff of the copy may send them; it does not do so by itself."""
    Message.objects.filter(status__in=_OPEN).update(
        status=Message.Status.FAILED,
        last_error=_("Put aside: this school is a restored copy."),
        personal_link="",
        claim=None,
        claimed_until=None,
    )


def _mark_sent(context: RestoreContext) -> None:
    """Messages that waited then and were sent since."""
    waiting = Message.objects.filter(status__in=_OPEN).values_list("pk", flat=True)
    for key, sent_at in _sent(context, "id", waiting, "id, sent_at"):
        Message.objects.filter(pk=key).update(
            status=Message.Status.SENT, sent_at=sent_at, personal_link="", claim=None
        )
    Message.objects.filter(status=Message.Status.SENDING).update(claimed_until=None)


def _keep_what_will_be_written_again(context: RestoreContext) -> None:
    """Events that waited then are handled again. Where their letters have gone out since, the
    rows are brought along: a handler writes each letter once."""
    columns = [column.attname for column in Message._meta.concrete_fields]
    rows = _sent(context, "event_id", events.waiting_event_ids(), ", ".join(columns))
    Message.objects.bulk_create(
        [Message(**dict(zip(columns, row, strict=True))) for row in rows], ignore_conflicts=True
    )


def _sent(
    context: RestoreContext, column: str, keys: Iterable[UUID], wanted: str
) -> list[tuple[Any, ...]]:
    """From the school that is replaced; nothing when it cannot tell."""
    chosen = ", ".join(f"'{key}'::uuid" for key in keys)
    if not chosen:
        return []
    return (
        context.replaced(
            f"SELECT {wanted} FROM notifications_message"  # noqa: S608 - names and UUIDs of ours
            f" WHERE status = 'sent' AND {column} IN ({chosen})"
        )
        or []
    )
