"""Each school's numbers for the console, and what fails."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.events import facade as events
from apps.events import tasks
from apps.events.models import Receipt
from apps.events.selectors import outbox
from apps.events.services import counting
from apps.events.services.announcements import waiting
from apps.events.tests.lessons import hold_lesson
from kernel.schools import in_public

SCHEMAS = ["public", "t_000001", "t_000002"]


def fail(delivery):
    raise ValueError("no chalk")


def test_each_schema_has_its_turn_once_in_ten_minutes(school):
    turns = [counting.whose_turn(minute * 60.0) for minute in range(10)]

    assert turns[:4] == [["public"], ["t_000001"], ["t_000002"], []]
    assert sorted(name for names in turns for name in names) == SCHEMAS
    assert counting.whose_turn(10 * 60.0 + 59) == ["public"]


def test_beat_sends_a_message_to_those_whose_turn_it_is(school, monkeypatch):
    sent = []
    monkeypatch.setattr(
        tasks.count, "apply_async", lambda kwargs, **options: sent.append((kwargs, options))
    )
    monkeypatch.setattr(tasks.time, "time", lambda: 60.0)

    assert tasks.send_counts() == 1

    assert sent == [({"schema_name": "t_000001"}, {"retry": False, "expires": 600})]


def test_a_count_is_remembered_for_all_schools_in_one_place(lessons_school, clear_cache, hears):
    hears("register")
    hold_lesson("algebra")
    assert events.counted_outboxes(SCHEMAS) == {}

    tasks.count(schema_name="t_000001")
    with in_public():
        found = events.counted_outboxes(SCHEMAS)

    assert list(found) == ["t_000001"]
    assert found["t_000001"].status.pending == 1
    assert found["t_000001"].status.schema_name == "t_000001"


def test_a_count_holds_what_was_handled(lessons_school, hears, drain):
    hears("register")
    hears("cook")
    ids = [hold_lesson(note) for note in ("algebra", "geometry", "music")]
    drain()
    past = timezone.now() - timedelta(minutes=30)
    Receipt.objects.filter(event_id=ids[0]).update(handled_at=past)
    Receipt.objects.filter(event_id=ids[1]).update(handled_at=past - timedelta(hours=1))

    count = events.look_at_outbox("t_000001")

    # An event that two consumers handled is one event.
    assert (count.handled_minute, count.handled_hour) == (1, 2)
    assert count.status.pending == 0


def test_waiting_work_is_found_without_opening_a_school(
    lessons_school, hears, drain, in_other_school
):
    hears("register", fails=fail)
    hold_lesson("algebra")
    drain()
    with in_other_school():
        hold_lesson("álgebra")

    with in_public():
        due = waiting()

    assert set(due) == {1, 2}
    assert due[1] < 0 <= due[2], "one waits for its next try, the other is due"


@pytest.mark.parametrize("external", [False, True])
def test_what_fails_is_listed_until_it_succeeds(lessons_school, hears, drain, external):
    hears("register", fails=fail, external=external)
    event_id = hold_lesson("algebra", actor="ada@example.org")
    assert outbox.list_failing() == []

    drain()

    [failing] = outbox.list_failing()
    assert (failing.event_id, failing.attempts) == (event_id, 1)
    assert failing.consumer == ("register" if external else "")
    assert "ValueError: no chalk" in failing.error
    assert failing.payload["note"] == "algebra"
    assert failing.headers["actor"] == "ada@example.org"
    assert failing.next_try > failing.occurred_at


def test_dead_letters_come_in_pages(lessons_school, hears, drain, settings):
    settings.OUTBOX = {"max_attempts": 1}
    hears("register", fails=fail)
    for note in ("algebra", "geometry", "music"):
        hold_lesson(note)
    drain()

    pages = [outbox.list_dead_letters(limit=2, offset=offset) for offset in (0, 2, 4)]

    notes = [[letter.payload["note"] for letter in page] for page in pages]
    assert notes == [["algebra", "geometry"], ["music"], []]
