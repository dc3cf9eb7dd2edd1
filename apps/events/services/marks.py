"""Noticing that a worker died, which leaves no trace in the transaction that died with it.

Each pass over a lane is noted before it begins and struck off after it ended, both committed at
once. When several in a row were never struck off, something in the batch kills its worker, and
quick passes would go on killing workers for ever. The next events are then handled one by one,
each noted before as well, so that the one to blame is found and given up.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.events.models import OutboxEvent
from apps.events.services.batches import Batch
from apps.events.services.options import options

# Workers are stopped and replaced every day; three deaths in a row over one lane are no accident.
SUSPICIOUS = 3
DIED = "The worker died while it handled this event."

# Only where the lane has work and is free: who finds it taken begins nothing. The lock goes with
# the statement.
_BEGIN = """
WITH look AS MATERIALIZED (
        SELECT EXISTS (SELECT FROM public.outbox_ready WHERE tenant_id = %(school)s
                          AND lane = %(lane)s AND due_at <= statement_timestamp()) AS due),
     begun AS (
        INSERT INTO lane_mark (lane, unfinished)
        SELECT %(lane)s, 1 FROM look
         WHERE CASE WHEN due THEN pg_try_advisory_xact_lock(%(family)s, %(school)s) END
        ON CONFLICT (lane) DO UPDATE SET unfinished = lane_mark.unfinished + 1
        RETURNING unfinished, careful)
SELECT due, unfinished, careful FROM look LEFT JOIN begun ON true
"""
_END = """
WITH ended AS (UPDATE lane_mark SET unfinished = 0, careful = %(careful)s WHERE lane = %(lane)s)
SELECT DISTINCT lane FROM public.outbox_ready
 WHERE tenant_id = %(school)s AND lane = ANY(%(lanes)s) AND due_at <= statement_timestamp()
"""


class NothingDue(Exception):
    """The lane has no work."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How the passes before this one ended."""

    unfinished: int
    careful: int

    @property
    def one_by_one(self) -> bool:
        return self.careful > 0 or self.unfinished > SUSPICIOUS


def begin(lane: int, lock: tuple[int, int]) -> Mark | None:
    """Note that a pass begins; None when somebody else has the lane's lock. Not inside the pass's
    transaction: the note must outlive it. Raises NothingDue."""
    family, school = lock
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"lane": lane, "family": family, "school": school})
        due, unfinished, careful = cursor.fetchone()
    if not due:
        raise NothingDue
    return None if unfinished is None else Mark(unfinished, careful)


def end(lane: int, mark: Mark, school: int, *also: int) -> set[int]:
    """The pass is over, and whoever ran it is alive. Returns which lanes, of this one and `also`,
    have work now: someone may have committed an event during the pass, and found the lane locked
    when it came to drain it."""
    left = 0
    if mark.one_by_one:
        left = (mark.careful or options().batch) - 1
    values: dict[str, Any] = {
        "lane": lane,
        "careful": left,
        "school": school,
        "lanes": [lane, *also],
    }
    with connection.cursor() as cursor:
        cursor.execute(_END, values)
        return {due for (due,) in cursor.fetchall()}


def note_attempt(batch: Batch) -> None:
    """The first of two passes over one event: it counts as tried, whatever comes."""
    for event in batch.events:
        deaths = event.attempts if event.last_error == DIED else 0
        OutboxEvent.objects.filter(id=event.id).update(attempts=deaths + 1, last_error=DIED)


def run_noted(batch: Batch) -> None:
    """The second one. After as many deaths as made the lane suspicious the event is given up."""
    if any(e.last_error == DIED and e.attempts > SUSPICIOUS for e in batch.events):
        batch.bury(DIED)
        return
    for event in batch.events:
        if event.last_error == DIED:
            event.attempts -= 1  # what was noted is the attempt that begins now
    batch.run_carefully()
