"""What other parts of the system learn about messages. Plain data, standard library only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageInfo:
    """A message as others may see it: no body, no personal link. Times are UTC."""

    id: UUID
    kind: str
    to_address: str
    to_name: str
    subject: str
    status: str
    created_at: datetime
    sent_at: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages stand where, at this moment."""

    waiting: int
    sent: int
    failed: int


# The task of one school that reminds its families (tenants.note_due_work).
REMINDER_TASK = "notifications.remind_families"
