"""The staff pages of activities and the calendar over HTTP."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.activities import facade, selectors
from apps.activities.models import Activity, CalendarEntry, SignUp
from apps.activities.tests.factories import ActivityFactory, CalendarEntryFactory, enrolled

BASE = "/portal/activities/"
ACTIVITY = {
    "title": "Chess club",
    "starts_at": "2030-01-15T15:00",
    "ends_at": "2030-01-15T16:30",
    "places": "12",
    "fee": "25.50",
}


def pages(activity: Activity, entry: CalendarEntry) -> dict[str, str]:
    return {
        "list": BASE,
        "detail": f"{BASE}{activity.id}/",
        "calendar": f"{BASE}calendar/",
        "add": f"{BASE}add/",
        "edit": f"{BASE}{activity.id}/edit/",
        "entry_add": f"{BASE}calendar/add/",
        "entry_edit": f"{BASE}calendar/{entry.id}/",
    }


READ = {"list", "detail", "calendar"}
ALL = READ | {"add", "edit", "entry_add", "entry_edit"}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("admin", ALL),
        ("office", ALL),
        ("bursar", READ),
        ("teacher", READ),
        ("guardian", set()),
    ],
)
def test_each_role_opens_its_pages_only(
    school: Any, client_for: Any, role: str, allowed: set[str]
) -> None:
    client = client_for(role)
    paths = pages(ActivityFactory(), CalendarEntryFactory())

    assert {name for name, path in paths.items() if client.get(path).status_code == 200} == allowed


def test_strangers_and_other_schools_see_nothing(
    school: Any, anonymous: Any, client_for: Any, other_school: Any
) -> None:
    paths = pages(ActivityFactory(), CalendarEntryFactory())
    stranger, neighbour = anonymous(), client_for("admin", school=other_school)

    assert {stranger.get(path).status_code for path in paths.values()} == {302}
    assert neighbour.get(paths["detail"]).status_code == 404
    assert neighbour.get(paths["entry_edit"]).status_code == 404


@pytest.mark.parametrize("role", ["teacher", "bursar", "guardian"])
def test_only_admin_and_office_change_things(school: Any, client_for: Any, role: str) -> None:
    activity, student = ActivityFactory(), enrolled()
    client = client_for(role)

    for path, data in (
        ("cancel/", {}),
        ("publish/", {}),
        ("delete/", {}),
        ("sign-ups/", {"student": str(student.id)}),
    ):
        assert client.post(f"{BASE}{activity.id}/{path}", data).status_code == 403
    activity.refresh_from_db()
    assert (activity.status, SignUp.objects.count()) == ("published", 0)


def test_office_makes_publishes_changes_and_cancels(school: Any, client_for: Any) -> None:
    client = client_for("office")

    response = client.post(f"{BASE}add/", ACTIVITY)
    activity = Activity.objects.get()
    assert response.url == f"{BASE}{activity.id}/"
    assert (activity.status, activity.fee_minor, activity.currency) == ("draft", 2550, "USD")
    assert activity.starts_at.astimezone(ZoneInfo("America/Chicago")).hour == 15

    client.post(f"{BASE}{activity.id}/publish/")
    page = client.get(f"{BASE}{activity.id}/edit/").content.decode()
    assert 'value="2030-01-15T15:00"' in page
    assert 'value="25.50"' in page
    client.post(f"{BASE}{activity.id}/edit/", ACTIVITY | {"title": "Chess", "fee": ""})
    client.post(f"{BASE}{activity.id}/cancel/")

    found = facade.get_activity(activity.id)
    assert (found.title, found.fee_minor, found.status) == ("Chess", 0, "cancelled")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fee": "lots"}, "“lots” is not an amount."),
        ({"fee": "-3"}, "A fee cannot be negative."),
        ({"ends_at": "2030-01-15T14:00"}, "The end is before the start."),
        ({"places": "0"}, "greater than or equal to 1"),
        ({"starts_at": "soon"}, "Enter a valid date/time."),
        ({"title": ""}, "This field is required."),
    ],
)
def test_form_says_what_is_wrong(
    school: Any, client_for: Any, change: dict[str, str], message: str
) -> None:
    response = client_for("office").post(f"{BASE}add/", ACTIVITY | change)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Activity.objects.count() == 0


def test_office_finds_signs_up_and_cancels_a_student(school: Any, client_for: Any) -> None:
    activity = ActivityFactory(places=1)
    ana = enrolled(first_name="Ana", last_name="García")
    client = client_for("office")
    url = f"{BASE}{activity.id}/"

    assert "Ana García" in client.get(f"{url}?find=garcia").content.decode()
    client.post(f"{url}sign-ups/", {"student": str(ana.id)})
    sign_up = SignUp.objects.get()
    page = client.get(url).content.decode()
    assert "1 of 1" in page
    assert "Ana García" in page

    client.post(f"{url}sign-ups/{sign_up.id}/cancel/")
    sign_up.refresh_from_db()
    assert sign_up.status == "cancelled"
    told = client.post(f"{url}sign-ups/", {"student": "nobody"}, follow=True)
    assert "Please choose a student." in told.content.decode()


def test_lists_search_and_filter(school: Any, client_for: Any) -> None:
    past = timezone.now() - timedelta(days=3)
    ActivityFactory(title="Old trip", starts_at=past, ends_at=past)
    ActivityFactory(title="Chess", place="Library")
    CalendarEntryFactory(title="Concert")
    client = client_for("teacher")

    def shown(path: str) -> list[str]:
        return [item.title for item in client.get(BASE + path).context["page"].object_list]

    assert shown("") == ["Chess"]
    assert shown("?when=past") == ["Old trip"]
    assert shown("?when=all&q=trip") == ["Old trip"]
    assert shown("?q=library") == ["Chess"]
    assert shown("calendar/?q=con") == ["Concert"]
    assert "No activity matches" in client.get(f"{BASE}?q=zzz").content.decode()


def test_pages_take_as_many_queries_for_many_rows(
    school: Any, client_for: Any, django_assert_max_num_queries: Any
) -> None:
    activity = ActivityFactory(places=3)
    for _turn in range(6):
        facade.sign_up(activity_id=activity.id, student_id=enrolled().id, actor="x")
    ActivityFactory.create_batch(10)
    client = client_for("admin")

    with django_assert_max_num_queries(12):
        client.get(BASE)
    with django_assert_max_num_queries(14):
        client.get(f"{BASE}{activity.id}/")


@pytest.mark.parametrize(
    ("form", "all_day", "hours"),
    [
        ({"starts_on": "2030-03-01"}, True, 24),
        ({"starts_on": "2030-03-01", "ends_on": "2030-03-05"}, True, 120),
        ({"starts_on": "2030-03-01", "starts_time": "18:00"}, False, 1),
        ({"starts_on": "2030-03-01", "starts_time": "18:00", "ends_time": "20:00"}, False, 2),
    ],
)
def test_entries_last_as_long_as_they_say(
    school: Any, client_for: Any, form: dict[str, str], all_day: bool, hours: int
) -> None:
    client = client_for("office")
    data = {"title": "Concert", "audience": "public", **form}

    assert client.post(f"{BASE}calendar/add/", data).status_code == 302
    entry = CalendarEntry.objects.get()
    assert (entry.all_day, entry.ends_at - entry.starts_at) == (all_day, timedelta(hours=hours))

    # What the form shows gives the same entry again.
    page = client.get(f"{BASE}calendar/{entry.id}/")
    again = {k: v for k, v in page.context["form"].initial.items() if v is not None}
    client.post(f"{BASE}calendar/{entry.id}/", {k: str(v)[:10] for k, v in again.items()})
    same = selectors.get_entry(entry.id)
    assert (same.starts_at, same.ends_at) == (entry.starts_at, entry.ends_at)

    client.post(f"{BASE}calendar/{entry.id}/delete/")
    assert CalendarEntry.objects.count() == 0


def test_end_time_needs_a_start_time(school: Any, client_for: Any) -> None:
    data = {"title": "X", "audience": "public", "starts_on": "2030-03-01", "ends_time": "20:00"}

    response = client_for("office").post(f"{BASE}calendar/add/", data)

    assert "An end time needs a start time." in response.content.decode()
