"""The outboxes of all schools and the platform's own: which have something, and what is decided.

What a view of the console costs does not grow with the schools that are well: one statement over
the table of announcements finds those with waiting work, one call of the cache those that counted
dead letters (each school counts itself every ten minutes), and only schools so found are opened,
a page of them at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.models import OperatorAction, School
from apps.tenants.selectors import get_school, search_schools
from kernel.errors import NotFound
from kernel.schools import in_public, in_school

PLATFORM = 0
# Seconds. Work that waited for longer when it was counted is looked at even if nothing announces
# it: that must not be, and so it must show.
LONG = 60
_PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Whose outbox it is; `school_id` PLATFORM for the platform's own."""

    school_id: int
    schema_name: str
    name: str

    def opened(self) -> AbstractContextManager[Any]:
        return in_school(self.schema_name) if self.school_id else in_public()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the outboxes that were counted; `uncounted` is how many were not. Seconds."""

    pending: int
    retrying: int
    oldest_seconds: float
    deliveries: int
    parked: int
    dead_letters: int
    handled_minute: int
    handled_hour: int
    uncounted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All outboxes, what they counted last, and for how many seconds each one's work is due."""

    outboxes: list[Outbox]
    counts: Mapping[str, events.OutboxCount]
    due: Mapping[int, float]

    def busy(self) -> list[Outbox]:
        """Those with dead letters, calls or waiting work; dead letters first, then the oldest."""
        found = [one for one in self.outboxes if self._may_have_something(one)]
        return sorted(found, key=lambda one: (-self._letters(one), -self._age(one), one.school_id))

    def totals(self, live: Mapping[str, events.OutboxCount]) -> Totals:
        """Sums of the last counts; `live` ones take their place."""
        counts = {**self.counts, **live}
        # Work that nothing announces any more was done after it was counted.
        announced = {one.schema_name for one in self.outboxes if one.school_id in self.due}
        waiting = [counts[name].status for name in counts if name in announced or name in live]
        return Totals(
            pending=sum(status.pending for status in waiting),
            retrying=sum(status.retrying for status in waiting),
            oldest_seconds=max((status.oldest_seconds for status in waiting), default=0.0),
            deliveries=sum(status.deliveries for status in waiting),
            parked=sum(count.status.parked for count in counts.values()),
            dead_letters=sum(count.status.dead_letters for count in counts.values()),
            handled_minute=sum(count.handled_minute for count in counts.values()),
            handled_hour=sum(count.handled_hour for count in counts.values()),
            uncounted=sum(one.schema_name not in counts for one in self.outboxes),
        )

    def _may_have_something(self, outbox: Outbox) -> bool:
        if outbox.school_id in self.due:
            return True
        count = self.counts.get(outbox.schema_name)
        return count is not None and (
            count.status.dead_letters > 0
            or count.status.parked > 0
            or count.status.oldest_seconds > LONG
        )

    def _letters(self, outbox: Outbox) -> int:
        count = self.counts.get(outbox.schema_name)
        return count.status.dead_letters if count else 0

    def _age(self, outbox: Outbox) -> float:
        return self.due.get(outbox.school_id, float("-inf"))


def survey() -> Survey:
    """Which outboxes there are and have something; opens none of them."""
    outboxes = find_outboxes()
    with in_public():
        due = events.waiting()
    counts = events.counted_outboxes(one.schema_name for one in outboxes)
    return Survey(outboxes=outboxes, counts=counts, due=due)


def stuck_events() -> tuple[int, int]:
    """(dead letters, events parked for paused consumers) of all outboxes, as counted last."""
    totals = survey().totals({})
    return totals.dead_letters, totals.parked


def figures_of_schools() -> dict[str, tuple[str, int]]:
    """What the apps have counted in all schools: name -> what it says, and the last sum."""
    return events.summed_figures(one.schema_name for one in find_outboxes())


def find_outboxes(text: str = "", *, limit: int | None = None) -> list[Outbox]:
    """The platform's outbox and the schools' by name; `text` as in `search_schools`. Not those of
    schools that are being made: they have no tables yet."""
    with in_public():
        schools = search_schools(text=text).exclude(status=School.Status.PROVISIONING)
        rows = list(schools.values_list("id", "schema_name", "name")[:limit])
    ours = platform_outbox()
    own = [ours] if text.lower() in ours.name.lower() or text == _PUBLIC else []
    return own + [
        Outbox(school_id=school_id, schema_name=schema_name, name=name)
        for school_id, schema_name, name in rows
    ]


def platform_outbox() -> Outbox:
    return Outbox(school_id=PLATFORM, schema_name=_PUBLIC, name=_("Platform"))


def get_outbox(*, school_id: int) -> Outbox:
    """A school's outbox, or the platform's. Raises NotFound, also for a school in the making."""
    if school_id == PLATFORM:
        return platform_outbox()
    school = get_school(school_id=school_id)
    if school.status == School.Status.PROVISIONING:
        raise NotFound(_("This school is being made; it has no events yet."))
    return Outbox(school_id=school.id, schema_name=school.schema_name, name=school.name)


def look_at(outboxes: Iterable[Outbox]) -> dict[str, events.OutboxCount]:
    """These outboxes as they stand now, by schema; without those that are being deleted or put
    back to a backup at this moment."""
    found = {}
    for outbox in outboxes:
        try:
            found[outbox.schema_name] = events.look_at_outbox(outbox.schema_name)
        except (DatabaseError, ObjectDoesNotExist):
            continue
    return found


def retry_letter(*, outbox: Outbox, letter_id: int, actor: str) -> UUID:
    """Put a dead letter's event back into its outbox; returns the event's id.

    Raises NotFound, and Conflict when somebody has decided on it already.
    """
    return _decide(outbox, letter_id, events.retry_letter, events.RETRIED, actor)


def discard_letter(*, outbox: Outbox, letter_id: int, actor: str) -> UUID:
    """Give up on a dead letter's consumer for its event; returns the event's id.

    Raises NotFound, and Conflict when somebody has decided on it already.
    """
    return _decide(outbox, letter_id, events.discard_letter, events.DISCARDED, actor)


def pause_consumer(*, outbox: Outbox, consumer: str, reason: str, actor: str) -> None:
    """Stop a consumer in this outbox: what it should hear is kept.

    Raises NotFound for an unknown one, Conflict when it is paused already.
    """
    with transaction.atomic(), outbox.opened():
        events.pause_consumer(consumer=consumer, actor=actor, reason=reason)
        _record(outbox, events.PAUSED, actor, {"consumer": consumer, "reason": reason})


def resume_consumer(*, outbox: Outbox, consumer: str, actor: str) -> int:
    """Let it handle what was kept, and go on; returns how many events that are.

    Raises NotFound when it is not paused.
    """
    with transaction.atomic(), outbox.opened():
        waiting = events.resume_consumer(consumer=consumer)
        _record(outbox, events.RESUMED, actor, {"consumer": consumer, "waiting": waiting})
    return waiting


def _decide(
    outbox: Outbox, letter_id: int, decide: Callable[..., UUID], action: str, actor: str
) -> UUID:
    with transaction.atomic(), outbox.opened():
        letter = events.get_dead_letter(letter_id)
        event_id = decide(letter_id=letter_id)
        _note(outbox, letter, action, actor)
    events.count_outbox(outbox.schema_name)
    return event_id


def _note(outbox: Outbox, letter: events.DeadLetterInfo | None, action: str, actor: str) -> None:
    """Keys only: the error and the payload may name people."""
    detail = {}
    if letter is not None:
        detail = {
            "event_id": str(letter.event_id),
            "event": letter.event_type,
            "consumer": letter.consumer,
        }
    _record(outbox, action, actor, detail)


def _record(outbox: Outbox, action: str, actor: str, detail: dict[str, Any]) -> None:
    with in_public():
        OperatorAction.objects.create(
            school_id=outbox.school_id or None, actor=actor[:254], action=action, detail=detail
        )
