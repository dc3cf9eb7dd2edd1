"""What the calendar shows to whom, and the demo's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.activities import facade, selectors
from apps.activities.demo import load_activities
from apps.activities.models import CalendarEntry, SignUp
from apps.activities.services import calendar
from apps.activities.services.calendar import EntryDetails
from apps.activities.tests.factories import ActivityFactory, CalendarEntryFactory
from apps.students.demo import load_families
from kernel.errors import Invalid, NotFound

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def titles(**more: Any) -> list[str]:
    return [item.title for item in facade.upcoming(since=NOW, until=NOW + 7 * DAY, **more)]


def at(start: datetime, **more: Any) -> dict[str, Any]:
    return {"starts_at": start, "ends_at": start + timedelta(hours=1), **more}


def test_calendar_mixes_activities_and_entries_by_start(school: Any) -> None:
    activity = ActivityFactory(title="Trip", **at(NOW + 2 * DAY))
    CalendarEntryFactory(title="Later", **at(NOW + 3 * DAY))
    CalendarEntryFactory(title="Soon", **at(NOW + DAY))
    ActivityFactory(title="Draft", status="draft", **at(NOW + DAY))
    ActivityFactory(title="Off", status="cancelled", **at(NOW + DAY))

    items = facade.upcoming(since=NOW, until=NOW + 7 * DAY)

    assert [item.title for item in items] == ["Soon", "Trip", "Later"]
    assert [item.kind for item in items] == ["entry", "activity", "entry"]
    assert items[1].url == f"/family/activities/{activity.id}/"


def test_each_audience_sees_its_own(school: Any) -> None:
    for audience in ("public", "families", "staff"):
        CalendarEntryFactory(title=audience, audience=audience, **at(NOW + DAY))

    assert titles(public_only=True) == ["public"]
    assert titles(for_families=True) == ["families", "public"]
    assert titles() == ["families", "public", "staff"]


def test_period_takes_in_what_touches_it(school: Any) -> None:
    for title, start, end in (
        ("over", NOW - 2 * DAY, NOW),
        ("running", NOW - DAY, NOW + DAY),
        ("moment", NOW, NOW),
        ("last", NOW + 7 * DAY - timedelta(minutes=1), NOW + 8 * DAY),
        ("after", NOW + 7 * DAY, NOW + 8 * DAY),
    ):
        CalendarEntryFactory(title=title, starts_at=start, ends_at=end)

    assert titles() == ["running", "moment", "last"]


def test_last_day_of_what_lasts_several_days(school: Any) -> None:
    one = CalendarEntryFactory(starts_at=NOW, ends_at=NOW + DAY, all_day=True)
    three = CalendarEntryFactory(starts_at=NOW, ends_at=NOW + 3 * DAY, all_day=True)

    assert selectors.get_entry(one.id).last_day is None
    last = selectors.get_entry(three.id).last_day
    assert last is not None
    assert last.date() == (NOW + 3 * DAY - timedelta(hours=1)).date()


def test_entries_are_made_changed_and_deleted(school: Any) -> None:
    details = EntryDetails(title="Holiday", starts_at=NOW, ends_at=NOW + DAY, all_day=True)

    entry_id = calendar.create_entry(details=details)
    changed = EntryDetails(title="Break", starts_at=NOW, ends_at=NOW + DAY, audience="staff")
    calendar.update_entry(entry_id=entry_id, details=changed)
    assert selectors.get_entry(entry_id).title == "Break"
    calendar.delete_entry(entry_id=entry_id)

    for gone in (
        lambda: calendar.delete_entry(entry_id=entry_id),
        lambda: calendar.update_entry(entry_id=uuid4(), details=details),
        lambda: selectors.get_entry(entry_id),
    ):
        with pytest.raises(NotFound):
            gone()


def test_entry_cannot_end_before_it_starts(school: Any) -> None:
    with pytest.raises(Invalid):
        calendar.create_entry(details=EntryDetails(title="X", starts_at=NOW, ends_at=NOW - DAY))

    assert CalendarEntry.objects.count() == 0


def test_demo_has_waiting_lists_and_a_calendar(school: Any) -> None:
    load_families(students=80, families=48, seed=3)

    load_activities(3)

    found = facade.list_activities()
    assert len(found) == 8
    assert sum(1 for activity in found if activity.waiting_count) == 3
    assert {activity.status for activity in found} == {"published", "draft"}
    assert CalendarEntry.objects.count() == 25
    assert SignUp.objects.filter(status="confirmed").count() > 50
    now = timezone.now()
    assert facade.upcoming(since=now, until=now + 30 * DAY, public_only=True)


@pytest.mark.parametrize("field", ["starts_on", "ends_on"])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_out_of_all_bounds_is_refused(client_for, field, day):
    values = {"title": "T", "starts_on": "2026-12-01", "audience": "public", field: day}
    answer = client_for("office").post("/portal/activities/calendar/add/", values)
    assert answer.status_code == 200
    assert "Enter a valid date." in answer.content.decode()
