"""Draining: handing a school's events to their handlers, in order, each exactly once.

One pass is one transaction: take the lane's lock, read what is announced, read the events,
write receipts, run handlers, delete the events and the announcements that were read. Whatever
kills it, it either happened or it did not.
"""

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.db import connection, transaction

from apps.events.selectors.schemas import opened, tenant_id_of
from apps.events.services import announcements, marks
from apps.events.services.announcements import DELIVERIES_LANE, Announcement
from apps.events.services.batches import Batch, read
from apps.events.services.bell import draining, ring
from apps.events.services.deliveries import make_due_calls
from apps.events.services.options import options
from apps.events.services.parking import paused_consumers
from apps.events.services.pausing import catch_up, stop_catching_up
from apps.events.services.wakeup import wake
from kernel.acting import acting, part

log = structlog.get_logger(__name__)

TASK = "events.drain"

# First key of the advisory lock: this number and the lane; the second key is the school's id.
# Integers, not a hash of the name: two schools must never share a lock.
LOCK_FAMILY = 0x0B0C_0000


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did. Not `locked`: another drainer has the lane. `due` are the lanes, of this
    one and the calls', that had work when the lock was free again."""

    locked: bool
    handled: int = 0
    due: Collection[int] = ()


@dataclass(slots=True)
class Drained:
    """What several passes did; `due` as in Pass, None when nobody has looked since."""

    handled: int = 0
    due: Collection[int] | None = None


def drain(schema_name: str, *, wait: float = 10.0, calls: bool = True) -> int:
    """Deliver everything that is due in this school now, external calls included.

    For commands, provisioning and tests. Waits up to `wait` seconds for a worker that drains
    the same school; `calls=False` leaves the external calls to one. Returns how many events were
    handled and calls made; events that failed wait for their next try. Never raises for a failing
    handler.
    """
    total = 0
    lanes = [*range(options().lanes), DELIVERIES_LANE]
    ours = lanes if calls else lanes[:-1]
    with opened(schema_name), draining(schema_name, lanes):
        while progress := _drain_once(schema_name, wait, calls=calls):
            total += progress
            # What this round announced itself, to be done in another; mostly nothing.
            if not announcements.due_among(tenant_id_of(schema_name), *ours):
                break
    return total


def drain_lane(
    schema_name: str,
    lane: int,
    *,
    budget: float | None = None,
    hand_over: Callable[[str, int], object] = wake,
) -> int:
    """A worker's share: drain one lane until it is empty, locked by another, or time is up.

    Returns the number of events handled (calls made, for the lane of deliveries). When the time
    is up (`budget` in seconds, else that of the options) what is left is handed over, so that one
    busy school does not keep a worker for itself.
    """
    deadline = time.monotonic() + (options().task_budget if budget is None else budget)
    with opened(schema_name):
        if not getattr(getattr(connection, "tenant", None), "works", True):
            return 0  # archived: its events wait until it is open again
        with draining(schema_name, [lane]):
            if lane == DELIVERIES_LANE:
                done = Drained(make_due_calls(tenant_id_of(schema_name), deadline))
            else:
                done = _drain_events(schema_name, lane, deadline)
        for work in _left(schema_name, lane, done.due):
            hand_over(schema_name, work)
    return done.handled


def take_turn(schema_name: str, lane: int, *, budget: float) -> None:
    """A lane's turn, of `budget` seconds, by somebody who also has others to look after. Never
    raises: a school that cannot be opened, in the middle of a restore say, must not stop them."""
    bound = {"trace_id": os.urandom(16).hex(), "task": TASK, "school": schema_name}
    try:
        with structlog.contextvars.bound_contextvars(**bound), acting(part(TASK)):
            drain_lane(schema_name, lane, budget=budget, hand_over=ring)
    except Exception:
        log.exception("outbox.turn_failed", schema=schema_name, lane=lane)
        with suppress(Exception):
            connection.close()


def _drain_once(schema_name: str, wait: float, *, calls: bool) -> int:
    deadline = time.monotonic() + wait
    handled = sum(
        _drain_events(schema_name, lane, None, wait_until=deadline).handled
        for lane in range(options().lanes)
    )
    return handled + (make_due_calls(tenant_id_of(schema_name)) if calls else 0)


def _drain_events(
    schema_name: str, lane: int, deadline: float | None, *, wait_until: float = 0.0
) -> Drained:
    done = Drained()
    while deadline is None or time.monotonic() < deadline:
        outcome = _pass(schema_name, lane)
        done.handled += outcome.handled
        # Whoever has the lock looks again when it is free: then it sees what came before now.
        done.due = outcome.due
        if not outcome.locked:
            if time.monotonic() >= wait_until:
                break
            time.sleep(0.02)
        elif lane not in outcome.due:
            break
    return done


def _left(schema_name: str, lane: int, due: Collection[int] | None) -> Collection[int]:
    if due is None:
        return announcements.due_among(tenant_id_of(schema_name), lane, DELIVERIES_LANE)
    return due


def _pass(schema_name: str, lane: int) -> Pass:
    try:
        mark = marks.begin(lane, _lock_of(tenant_id_of(schema_name), lane))
    except marks.NothingDue:
        return Pass(locked=True)
    if mark is None:
        return Pass(locked=False)
    run = _wary_pass if mark.one_by_one else _usual_pass
    outcome = run(schema_name, lane)
    if not outcome.locked:
        return outcome
    due = marks.end(lane, mark, tenant_id_of(schema_name), DELIVERIES_LANE)
    return replace(outcome, due=due)


def _usual_pass(schema_name: str, lane: int) -> Pass:
    try:
        return _locked_pass(schema_name, lane, _run, options().batch)
    except Exception as error:
        # Nothing of that batch has happened. Find out which event is to blame.
        log.warning("outbox.batch_failed", schema=schema_name, lane=lane, error=repr(error))
        return _locked_pass(schema_name, lane, Batch.run_carefully, options().batch)


def _run(batch: Batch) -> None:
    if batch.needs_care:
        batch.run_carefully()
    else:
        batch.run_quickly()


def _wary_pass(schema_name: str, lane: int) -> Pass:
    """One event, which is noted as an attempt before it is tried: see marks.py."""
    log.warning("outbox.one_by_one", schema=schema_name, lane=lane)
    stop_catching_up()
    noted = _locked_pass(schema_name, lane, marks.note_attempt, 1, settle=False)
    return _locked_pass(schema_name, lane, marks.run_noted, 1) if noted.locked else noted


@transaction.atomic
def _locked_pass(
    schema_name: str,
    lane: int,
    work: Callable[[Batch], None],
    limit: int,
    *,
    settle: bool = True,
) -> Pass:
    tenant_id = tenant_id_of(schema_name)
    as_of = _lock(tenant_id, lane)
    if as_of is None:
        return Pass(locked=False)
    announced = announcements.due(tenant_id, lane, as_of)
    if not announced:
        return Pass(locked=True)
    floor = min(announcement.first_id for announcement in announced)
    paused = _still_paused(lane)
    batch = Batch(tenant_id, lane, read(lane, floor, as_of, limit), paused)
    work(batch)
    announcements.strike_off(batch.done, announced if settle else [])
    if settle:
        _settle(batch, announced, limit)
    return Pass(locked=True, handled=len(batch.done))


def _still_paused(lane: int) -> set[str]:
    """Consumers whose events are to be parked, after those that were resumed had their turn."""
    paused = paused_consumers()
    resuming = [consumer for consumer, resumed in paused.items() if resumed]
    return set(paused) - set(resuming) | catch_up(lane, resuming)


def _lock_of(tenant_id: int, lane: int) -> tuple[int, int]:
    return LOCK_FAMILY + lane, tenant_id


def _lock(tenant_id: int, lane: int) -> datetime | None:
    """Become the lane's only drainer until the transaction ends; None when there is one.

    The moment returned is the one by which the whole pass judges what is due: with two moments
    a retry could fall due between them and be overtaken by a later event of its stream.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s), statement_timestamp()",
            list(_lock_of(tenant_id, lane)),
        )
        locked, as_of = cursor.fetchone()
    return as_of if locked else None


def _settle(batch: Batch, announced: list[Announcement], limit: int) -> None:
    if len(batch.events) < limit:
        return
    # A full batch: there may be more behind it, of which the announcements just deleted (a
    # retry's, say, which stands for all that it held back) were the only notice.
    last_read = batch.events[-1].id
    last_announced = max(announcement.last_id for announcement in announced)
    announcements.announce(
        batch.tenant_id, batch.lane, last_read + 1, max(last_read + 1, last_announced)
    )
