"""What other apps use: publish and hear events, keep an aggregate's history as events."""

from apps.events.contracts import (
    DeadLetterInfo,
    Delivery,
    FailingInfo,
    HistoryEntry,
    OutboxCount,
    OutboxStatus,
    PauseInfo,
    StoredEvent,
)
from apps.events.selectors.outbox import (
    get_dead_letter,
    list_dead_letters,
    list_failing,
    list_pauses,
)
from apps.events.services.announcements import backlog, forget_school, waiting
from apps.events.services.attending import allow_attending, is_attended
from apps.events.services.attending import call as call_attendant
from apps.events.services.attending import dismiss as dismiss_attendant
from apps.events.services.audit import (
    DISCARDED,
    PAUSED,
    REPLAYED,
    RESUMED,
    RETRIED,
    audit_with,
)
from apps.events.services.counting import count as count_outbox
from apps.events.services.counting import count_also
from apps.events.services.counting import counted as counted_outboxes
from apps.events.services.counting import look as look_at_outbox
from apps.events.services.counting import summed as summed_figures
from apps.events.services.draining import drain
from apps.events.services.errors import (
    PublishedWhileReplaying,
    PublishOutsideTransaction,
    RegistryError,
    UnknownEvent,
    VersionConflict,
)
from apps.events.services.history import history
from apps.events.services.letters import discard as discard_letter
from apps.events.services.letters import retry as retry_letter
from apps.events.services.pausing import known_consumers
from apps.events.services.pausing import pause as pause_consumer
from apps.events.services.pausing import resume as resume_consumer
from apps.events.services.privacy import (
    expired_receipts,
    forget_letters,
    purge_streams,
    resolved_letters,
    streams_naming,
    waiting_about,
)
from apps.events.services.projections import Derived, History, Projection, add_projection
from apps.events.services.publishing import publish
from apps.events.services.registry import handles, isolated_registry
from apps.events.services.replay.ground import replay_schema
from apps.events.services.restoring import (
    SETTLE_HISTORY,
    announce_again,
    leave_out_what_was_done,
    put_aside,
    waiting_event_ids,
)
from apps.events.services.snapshots import Folding, forget_snapshot, state_of
from apps.events.services.store import append, load
from apps.events.services.sweeping import rest_with
from apps.events.services.tailing import follow
from apps.events.services.watching import look, watch

__all__ = [
    "DISCARDED",
    "PAUSED",
    "REPLAYED",
    "RESUMED",
    "RETRIED",
    "SETTLE_HISTORY",
    "DeadLetterInfo",
    "Delivery",
    "Derived",
    "FailingInfo",
    "Folding",
    "History",
    "HistoryEntry",
    "OutboxCount",
    "OutboxStatus",
    "PauseInfo",
    "Projection",
    "PublishOutsideTransaction",
    "PublishedWhileReplaying",
    "RegistryError",
    "StoredEvent",
    "UnknownEvent",
    "VersionConflict",
    "add_projection",
    "allow_attending",
    "announce_again",
    "append",
    "audit_with",
    "backlog",
    "call_attendant",
    "count_also",
    "count_outbox",
    "counted_outboxes",
    "discard_letter",
    "dismiss_attendant",
    "drain",
    "expired_receipts",
    "follow",
    "forget_letters",
    "forget_school",
    "forget_snapshot",
    "get_dead_letter",
    "handles",
    "history",
    "is_attended",
    "isolated_registry",
    "known_consumers",
    "leave_out_what_was_done",
    "list_dead_letters",
    "list_failing",
    "list_pauses",
    "load",
    "look",
    "look_at_outbox",
    "pause_consumer",
    "publish",
    "purge_streams",
    "put_aside",
    "replay_schema",
    "resolved_letters",
    "rest_with",
    "resume_consumer",
    "retry_letter",
    "state_of",
    "streams_naming",
    "summed_figures",
    "waiting",
    "waiting_about",
    "waiting_event_ids",
    "watch",
]
