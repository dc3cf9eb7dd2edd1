"""Who decided what about events. The app that keeps such a record says so at start."""

from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)
# (schema name, actor, action, detail)
Recorder = Callable[[str, str, str, dict[str, Any]], None]
RETRIED, DISCARDED = "events.letter_retried", "events.letter_discarded"
PAUSED, RESUMED = "events.consumer_paused", "events.consumer_resumed"
REPLAYED = "events.replayed"
_recorder: Recorder | None = None


def audit_with(recorder: Recorder | None) -> None:
    """Give what operators decide to `recorder`, after it was done and committed."""
    global _recorder
    _recorder = recorder


def note(schema_name: str, actor: str, action: str, **detail: Any) -> None:
    """Into the record; into the log where nobody keeps one."""
    if _recorder is not None:
        _recorder(schema_name, actor, action, detail)
    else:
        log.info("outbox.decided", schema=schema_name, actor=actor, action=action, detail=detail)
