"""What this app publishes. A payload never changes: a new field is a new version."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued:
    """A message waits to be sent; the handler of this event sends it."""

    name: ClassVar[str] = "notifications.message_queued"
    version: ClassVar[int] = 1
    message_id: UUID


SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("notifications.message_queued", 1): {"message_id": "019a0c5e-7d10-7000-8000-000000000001"},
}
