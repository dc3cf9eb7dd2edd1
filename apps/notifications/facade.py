"""What the rest of the system may ask of messages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from apps.notifications import selectors
from apps.notifications.contracts import Counts, MessageInfo
from apps.notifications.models import Message
from apps.notifications.services import delivery, queueing


def recent_messages(
    *, guardian_id: UUID | None = None, email: str = "", limit: int = 20
) -> list[MessageInfo]:
    """Messages to this guardian or address, newest first, at most `limit`."""
    rows = selectors.messages_of(guardian_id=guardian_id, address=email)[:limit]
    return [_info(message) for message in rows]


def send_due() -> int:
    """Send what is due in the current school. Returns how many messages went out."""
    return delivery.send_due()


def set_preference(*, email: str, kind: str, wanted: bool) -> None:
    """Whether the address wants this kind. Raises Invalid for one that cannot be silenced."""
    queueing.set_preference(address=email, kind=kind, wanted=wanted)


def counts() -> Counts:
    """Messages of the current school by where they stand."""
    found = selectors.count_by_status()
    waiting = found.get(Message.Status.QUEUED, 0) + found.get(Message.Status.SENDING, 0)
    return Counts(
        waiting=waiting,
        sent=found.get(Message.Status.SENT, 0),
        failed=found.get(Message.Status.FAILED, 0),
    )


def count_written(*, begins: datetime, ends: datetime) -> int:
    """Messages written from `begins` up to `ends` (exclusive), without those that failed."""
    return selectors.count_written(begins=begins, ends=ends)


def _info(message: Message) -> MessageInfo:
    return MessageInfo(
        id=message.id,
        kind=message.kind,
        to_address=message.to_address,
        to_name=message.to_name,
        subject=message.subject,
        status=message.status,
        created_at=message.created_at,
        sent_at=message.sent_at,
        last_error=message.last_error,
    )
