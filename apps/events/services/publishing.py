"""Writing an event beside the change it tells of."""

import json
from uuid import UUID

import structlog
from django.db import connection, transaction

from apps.events.selectors.schemas import current_schema
from apps.events.services.bell import ring
from apps.events.services.circumstances import cause, is_replaying
from apps.events.services.errors import PublishedWhileReplaying, PublishOutsideTransaction
from apps.events.services.letters import lane_of
from apps.events.services.registry import registry
from kernel import jsoncodec
from kernel.ids import uuid7
from kernel.statements import run_prepared

# Not through the ORM, which takes twice as long as the statement: every change publishes.
_INSERT = """
INSERT INTO outbox_event
       (event_id, stream_type, stream_id, seq, lane, event_type, version, payload, headers)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::json, %s::json)
"""


def publish(
    event: object, *, stream_type: str, stream_id: UUID, actor: str = "", seq: int = 0
) -> UUID:
    """Put an event into this school's outbox, in the transaction that is open.

    Write the aggregate's row first: its lock makes the order of events the order of commits.
    Returns the event's id. Raises PublishOutsideTransaction when no transaction is open,
    UnknownEvent when the event's class stands in no app's events.py, PublishedWhileReplaying where
    history is only gone through again, and TypeError for a value of another type than its field's.
    """
    _check_in_transaction()
    check_not_replaying()
    event_type, version = registry().identify(event)
    event_id, lane = uuid7(), lane_of(stream_id)
    payload, headers = json.dumps(jsoncodec.to_store(event)), headers_of(actor)
    run_prepared(
        _INSERT,
        [event_id, stream_type, stream_id, seq, lane, event_type, version, payload, headers],
    )
    ring_after_commit(lane)
    return event_id


def ring_after_commit(lane: int) -> None:
    """Call a worker to the lane once what was written can be seen."""
    schema_name = current_schema()
    # No partial: Django asks a hook that failed for its name, and raises when it has none.
    transaction.on_commit(lambda: ring(schema_name, lane), robust=True)


def _check_in_transaction() -> None:
    # A test's own wrapping transaction does not count, so that a service which forgets
    # its transaction fails in tests as it would in production.
    blocks = getattr(connection, "atomic_blocks", [])
    if not any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise PublishOutsideTransaction(
            "publish() needs an open transaction: put the change and its event into one "
            "transaction.atomic() block."
        )


def check_not_replaying() -> None:
    """Raises PublishedWhileReplaying."""
    if is_replaying():
        raise PublishedWhileReplaying(
            "A replay only works out what the past comes to: its code may not publish anything."
        )


def headers_of(actor: str) -> str:
    """Who published, in which trace and because of what; a JSON object."""
    caused_by = cause()
    headers = {
        "actor": actor,
        "trace_id": structlog.contextvars.get_contextvars().get("trace_id", ""),
        "caused_by": str(caused_by) if caused_by else "",
    }
    return json.dumps({key: value for key, value in headers.items() if value})
