"""A long stream's state comes from its snapshot and what followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.events import facade as events
from apps.events.models import Snapshot, StoredEventRow
from apps.events.services import snapshots
from apps.events.tests.lessons import LessonHeld
from kernel.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    lessons: int = 0
    last: str = ""
    teachers: tuple[str, ...] = ()
    since: datetime | None = None


def hold(term: Term, event: LessonHeld) -> Term:
    return replace(term, lessons=term.lessons + 1, last=event.note, teachers=(event.teacher,))


FOLDING = snapshots.Folding(state=Term, initial=Term, apply=hold, schema=1, every=10)


def held(count: int, stream: UUID | None = None, after: int = 0) -> UUID:
    stream = stream or uuid7()
    lessons = [LessonHeld(note=f"{after + n}", teacher="Ada") for n in range(count)]
    events.append("lesson", stream, expected_version=after, events=lessons)
    return stream


def test_a_long_stream_is_read_from_its_snapshot(
    school: Any, django_assert_num_queries: Any
) -> None:
    stream = held(25)
    whole = events.state_of(stream, FOLDING)
    assert whole == (Term(lessons=25, last="24", teachers=("Ada",)), 25)
    assert Snapshot.objects.get(stream_id=stream).version == 25
    held(3, stream, after=25)
    with django_assert_num_queries(2):
        state, version = events.state_of(stream, FOLDING)
    assert (state.lessons, state.last, version) == (28, "27", 28)


def test_a_short_stream_keeps_none(school: Any) -> None:
    stream = held(3)
    assert events.state_of(stream, FOLDING)[1] == 3
    assert not Snapshot.objects.exists()
    assert events.state_of(uuid7(), FOLDING) == (Term(), 0)


def test_a_state_of_another_form_is_worked_out_anew(school: Any) -> None:
    stream = held(25)
    events.state_of(stream, FOLDING)
    Snapshot.objects.update(state={"nonsense": True})
    newer = replace(FOLDING, schema=2)
    assert events.state_of(stream, newer)[0].lessons == 25
    assert Snapshot.objects.get().state_schema == 2
    # Whoever still runs the older release neither reads it nor puts it back.
    assert events.state_of(stream, FOLDING)[0].lessons == 25
    assert Snapshot.objects.get().state_schema == 2


def test_a_forgotten_snapshot_loses_nothing(school: Any) -> None:
    stream = held(25)
    before = events.state_of(stream, FOLDING)
    events.forget_snapshot(stream)
    assert events.state_of(stream, FOLDING) == before


def test_the_past_is_there_as_it_was(school: Any) -> None:
    stream = held(5)
    assert [one.event.note for one in events.load(stream, up_to_version=2)] == ["0", "1"]
    third = StoredEventRow.objects.get(stream_id=stream, version=3)
    assert len(events.load(stream, as_of=third.occurred_at)) == 5  # all of one statement
    assert events.load(stream, as_of=datetime.fromisoformat("2020-01-01T00:00Z")) == []
