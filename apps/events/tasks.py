"""Celery's way in. Each task opens the school, makes one call and is safe to repeat."""

import time
from typing import Any

import structlog

from apps.events.selectors.schemas import schemas_with_outbox
from apps.events.services import attending, counting, draining, sweeping, wakeup
from kernel.tasks import EITHER, PLATFORM, task

# A school's share of the daily alarm that has waited this long comes with the next day's.
RESCUE_SECONDS = 6 * 3600
# A school's count is worth nothing any more when its next turn comes.
COUNT_SECONDS = 600


def send_wake_up(schema_name: str, lane: int) -> None:
    """Ask a worker to drain a lane."""
    drain.apply_async(kwargs={"schema_name": schema_name, "lane": lane}, retry=False)


def send_call() -> None:
    """Ask a worker to attend."""
    attend.apply_async(retry=False, expires=attending.CALL_SECONDS)


@task("events.attend", runs_in=PLATFORM)
def attend(**_kwargs: Any) -> None:
    """Answer the bell for a while, and call the next who does."""
    # Or all that is sent from here, by this shift and each that follows it, were one trace.
    structlog.contextvars.unbind_contextvars("trace_id")
    if attending.attend():
        attending.call()


@task(draining.TASK, runs_in=EITHER)
def drain(*, schema_name: str, lane: int = 0, **_kwargs: Any) -> int:
    """Drain one lane of one school."""
    # First of all: work that comes from here on must be able to send a new wake-up.
    wakeup.heard(schema_name, lane)
    return draining.drain_lane(schema_name, lane)


@task("events.sweep", runs_in=PLATFORM)
def sweep(**_kwargs: Any) -> int:
    """Wake workers for work that no wake-up announced. The beat of the release before this one
    sends it; now beat looks by itself (services/watching.py). The next release drops it."""
    return sweeping.sweep()


@task("events.check_stranded", runs_in=PLATFORM)
def check_stranded(**_kwargs: Any) -> int:
    """The daily alarm: one message for each schema. Sent by beat."""
    names = schemas_with_outbox()
    for schema_name in names:
        rescue.apply_async(kwargs={"schema_name": schema_name}, retry=False, expires=RESCUE_SECONDS)
    return len(names)


@task("events.rescue", runs_in=EITHER)
def rescue(*, schema_name: str, **_kwargs: Any) -> int:
    """Announce again what nothing announces in one schema. Must find nothing."""
    return sweeping.rescue(schema_name)


@task("events.send_counts", runs_in=PLATFORM)
def send_counts(**_kwargs: Any) -> int:
    """One message for each schema whose turn it is. Sent by beat, every minute."""
    names = counting.whose_turn(time.time())
    for schema_name in names:
        count.apply_async(kwargs={"schema_name": schema_name}, retry=False, expires=COUNT_SECONDS)
    return len(names)


@task("events.count", runs_in=EITHER)
def count(*, schema_name: str, **_kwargs: Any) -> int:
    """Count one outbox for the console; returns how many dead letters wait for a decision."""
    return counting.count(schema_name).status.dead_letters
