"""Places, waiting lists and what happens when many want the last place."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from apps.activities import events, facade, selectors
from apps.activities.handlers import free_places_on_student_withdrawn
from apps.activities.models import Activity, SignUp
from apps.activities.services import activities
from apps.activities.services.activities import ActivityDetails
from apps.activities.tests.factories import ActivityFactory, enrolled, family
from apps.students import facade as students
from apps.students.tests.factories import StudentFactory
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.jsoncodec import decode, encode
from kernel.schools import in_school

OutboxEvent = apps.get_model("events", "OutboxEvent")


def published() -> list[tuple[str, str]]:
    rows = OutboxEvent.objects.order_by("id")
    return [(row.event_type.split(".")[1], row.payload["student_id"]) for row in rows]


def statuses(activity: Activity) -> list[str]:
    return list(activity.sign_ups.order_by("position").values_list("status", flat=True))


def sign_up(activity: Activity, student: Any, **more: Any) -> Any:
    return facade.sign_up(activity_id=activity.id, student_id=student.id, actor="x", **more)


def test_place_is_confirmed_and_told_with_the_fee(school: Any) -> None:
    activity = ActivityFactory(title="Chess", places=2, fee_minor=2500)
    student = enrolled()

    done = sign_up(activity, student)

    assert (done.status, done.position, done.place_in_line) == ("confirmed", 1, 0)
    event = OutboxEvent.objects.get()
    assert event.event_type == "activities.signup_confirmed"
    assert event.payload["signup_id"] == str(done.id)
    assert event.payload["activity_title"] == "Chess"
    assert (event.payload["fee_minor"], event.payload["currency"]) == (2500, "USD")


def test_full_activity_makes_a_line(school: Any) -> None:
    activity = ActivityFactory(places=1)
    first, second, third = enrolled(), enrolled(), enrolled()

    done = [sign_up(activity, student) for student in (first, second, third)]

    assert [d.status for d in done] == ["confirmed", "waiting", "waiting"]
    assert [d.place_in_line for d in done] == [0, 1, 2]
    assert published() == [
        ("signup_confirmed", str(first.id)),
        ("signup_waitlisted", str(second.id)),
        ("signup_waitlisted", str(third.id)),
    ]


def test_signing_up_twice_changes_nothing(school: Any) -> None:
    activity, student = ActivityFactory(), enrolled()

    once, twice = sign_up(activity, student), sign_up(activity, student)

    assert once == twice
    assert len(published()) == 1


def test_leaving_promotes_who_waited_longest(school: Any) -> None:
    activity = ActivityFactory(places=1)
    first, second, third = enrolled(), enrolled(), enrolled()
    done = [sign_up(activity, student) for student in (first, second, third)]

    facade.cancel_sign_up(sign_up_id=done[0].id, actor="x")
    facade.cancel_sign_up(sign_up_id=done[0].id, actor="x")

    assert statuses(activity) == ["cancelled", "confirmed", "waiting"]
    assert published()[3:] == [
        ("signup_cancelled", str(first.id)),
        ("signup_promoted", str(second.id)),
    ]


def test_leaving_the_line_promotes_nobody(school: Any) -> None:
    activity = ActivityFactory(places=1)
    done = [sign_up(activity, enrolled()) for _turn in range(3)]

    facade.cancel_sign_up(sign_up_id=done[1].id, actor="x")

    assert statuses(activity) == ["confirmed", "cancelled", "waiting"]
    event = OutboxEvent.objects.latest("id")
    assert (event.event_type, event.payload["was_confirmed"]) == (
        "activities.signup_cancelled",
        False,
    )


def test_who_left_may_come_back_at_the_end_of_the_line(school: Any) -> None:
    activity = ActivityFactory(places=1)
    first, second = enrolled(), enrolled()
    done = sign_up(activity, first)
    sign_up(activity, second)
    facade.cancel_sign_up(sign_up_id=done.id, actor="x")

    again = sign_up(activity, first)

    assert (again.status, again.id != done.id) == ("waiting", True)


def details(activity: Activity, **changes: Any) -> ActivityDetails:
    values = {name: getattr(activity, name) for name in ActivityDetails.__dataclass_fields__}
    return ActivityDetails(**{**values, **changes})


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (2, ["confirmed", "confirmed", "waiting"]),
        (9, ["confirmed"] * 3),
        (None, ["confirmed"] * 3),
    ],
)
def test_more_places_let_in_those_who_wait(
    school: Any, places: int | None, expected: list[str]
) -> None:
    activity = ActivityFactory(places=1)
    for _turn in range(3):
        sign_up(activity, enrolled())

    activities.update_activity(
        activity_id=activity.id, details=details(activity, places=places), actor="x"
    )

    assert statuses(activity) == expected


def test_places_cannot_fall_below_those_taken(school: Any) -> None:
    activity = ActivityFactory(places=2)
    for _turn in range(2):
        sign_up(activity, enrolled())

    with pytest.raises(Conflict) as refused:
        activities.update_activity(
            activity_id=activity.id, details=details(activity, places=1), actor="x"
        )

    assert (refused.value.code, refused.value.field) == ("places_taken", "places")


NOW = timezone.now()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"status": "draft"}, "not_published"),
        ({"status": "cancelled"}, "not_published"),
        ({"signup_opens_at": NOW + timedelta(days=1)}, "not_open_yet"),
        ({"signup_closes_at": NOW - timedelta(days=1)}, "closed"),
        ({"starts_at": NOW - timedelta(hours=1), "ends_at": NOW + timedelta(days=1)}, "closed"),
    ],
)
def test_family_signs_up_only_while_it_is_open(school: Any, values: Any, code: str) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory(**values)

    with pytest.raises(Conflict) as refused:
        sign_up(activity, child, guardian_id=guardian.id)

    assert refused.value.code == code
    assert published() == []


def test_office_may_sign_up_after_the_close(school: Any) -> None:
    activity = ActivityFactory(signup_closes_at=NOW - timedelta(days=1))

    assert sign_up(activity, enrolled()).status == "confirmed"


def test_family_signs_up_its_own_children_only(school: Any) -> None:
    guardian, _children = family()
    activity, stranger = ActivityFactory(), enrolled()
    done = sign_up(activity, stranger)

    with pytest.raises(Forbidden):
        sign_up(activity, stranger, guardian_id=guardian.id)
    with pytest.raises(Forbidden):
        facade.cancel_sign_up(sign_up_id=done.id, guardian_id=guardian.id, actor="x")

    assert statuses(activity) == ["confirmed"]


def test_permission_is_asked_for_and_kept(school: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory(needs_permission=True)

    with pytest.raises(Invalid) as refused:
        sign_up(activity, child, guardian_id=guardian.id)
    assert refused.value.field == "permission"

    done = sign_up(activity, child, guardian_id=guardian.id, permission_given=True, note=" nuts ")
    assert done.permission_given_at is not None
    assert (done.note, done.guardian_id) == ("nuts", guardian.id)


def test_family_cannot_leave_what_has_begun(school: Any) -> None:
    guardian, (child,) = family()
    activity = ActivityFactory()
    done = sign_up(activity, child, guardian_id=guardian.id)
    Activity.objects.update(starts_at=NOW - timedelta(hours=1))

    with pytest.raises(Conflict) as refused:
        facade.cancel_sign_up(sign_up_id=done.id, guardian_id=guardian.id, actor="x")

    assert refused.value.code == "started"


def test_unknown_and_withdrawn_students_are_refused(school: Any) -> None:
    activity = ActivityFactory()

    with pytest.raises(NotFound):
        facade.sign_up(activity_id=activity.id, student_id=uuid4(), actor="x")
    with pytest.raises(Conflict):
        sign_up(activity, StudentFactory())
    with pytest.raises(NotFound):
        facade.sign_up(activity_id=uuid4(), student_id=enrolled().id, actor="x")
    with pytest.raises(NotFound):
        facade.cancel_sign_up(sign_up_id=uuid4(), actor="x")


def test_cancelled_activity_cancels_its_sign_ups_once(school: Any) -> None:
    activity = ActivityFactory(places=1)
    for _turn in range(2):
        sign_up(activity, enrolled())

    assert facade.cancel_activity(activity_id=activity.id, actor="x") == 2
    assert facade.cancel_activity(activity_id=activity.id, actor="x") == 0

    assert statuses(activity) == ["cancelled", "cancelled"]
    assert [kind for kind, _student in published()[2:]] == ["signup_cancelled"] * 2
    with pytest.raises(Conflict):
        facade.publish_activity(activity_id=activity.id, actor="x")


def test_only_drafts_are_deleted(school: Any) -> None:
    activity = ActivityFactory()
    draft = ActivityFactory(status="draft")

    with pytest.raises(Conflict):
        activities.delete_draft(activity_id=activity.id, actor="x")
    activities.delete_draft(activity_id=draft.id, actor="x")

    assert [a.id for a in facade.list_activities()] == [activity.id]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"ends_at": NOW - timedelta(days=400)}, "ends_at"),
        ({"places": 0}, "places"),
        ({"fee_minor": -1}, "fee"),
        (
            {"signup_opens_at": NOW, "signup_closes_at": NOW - timedelta(days=1)},
            "signup_closes_at",
        ),
        ({"signup_closes_at": NOW + timedelta(days=400)}, "signup_closes_at"),
    ],
)
def test_wrong_details_name_their_field(school: Any, changes: Any, field: str) -> None:
    activity = ActivityFactory()

    with pytest.raises(Invalid) as refused:
        facade.create_activity(details=details(activity, **changes), actor="x")

    assert refused.value.field == field
    assert Activity.objects.count() == 1


def test_who_leaves_the_school_gives_back_coming_places(school: Any) -> None:
    leaver = enrolled()
    coming, past = ActivityFactory(places=1), ActivityFactory()
    for activity in (coming, past):
        sign_up(activity, leaver)
    sign_up(coming, enrolled())
    Activity.objects.filter(pk=past.id).update(starts_at=NOW - timedelta(days=1))
    delivery = SimpleNamespace(event=SimpleNamespace(student_id=leaver.id), actor="x")

    for _turn in range(2):
        free_places_on_student_withdrawn(delivery)

    assert statuses(coming) == ["cancelled", "confirmed"]
    assert statuses(past) == ["confirmed"]


def test_withdrawal_reaches_activities(school: Any, drain: Any) -> None:
    leaver, activity = enrolled(), ActivityFactory()
    sign_up(activity, leaver)

    students.withdraw_student(student_id=leaver.id, actor="x")
    drain()

    assert statuses(activity) == ["cancelled"]


def test_import_with_sign_ups_is_not_undone(school: Any) -> None:
    content = b"number,first_name,last_name,class\n1,Ana,Ruiz,3A\n"
    done = students.import_families(content, "x")
    sign_up(ActivityFactory(), students.search_students("ana")[0])

    with pytest.raises(students.UndoRefused) as refused:
        students.undo_import(import_id=done.id, actor="x")

    assert refused.value.reasons == ["Signed up for activities: Ana Ruiz."]


def test_sign_ups_of_a_family_know_their_place_in_line(
    school: Any, django_assert_max_num_queries: Any
) -> None:
    _guardian, (one, two) = family(children=2)
    full, free = ActivityFactory(places=1), ActivityFactory()
    for student in (enrolled(), enrolled(), two):
        sign_up(full, student)
    sign_up(free, one)

    with django_assert_max_num_queries(2):
        found = selectors.sign_ups_of_students([one.id, two.id])

    assert {(s.student_id, s.place_in_line) for s in found} == {(one.id, 0), (two.id, 2)}


@pytest.mark.django_db(transaction=True)
def test_many_parents_at_once_fill_exactly_the_places(committed_school: Any) -> None:
    activity = ActivityFactory(places=3)
    everybody = [enrolled() for _turn in range(8)]
    schema = committed_school.schema_name

    def want_a_place(student_id: Any) -> str:
        with in_school(schema):
            try:
                return facade.sign_up(
                    activity_id=activity.id, student_id=student_id, actor="x"
                ).status
            finally:
                connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        # Everybody clicks twice.
        answers = list(pool.map(want_a_place, [s.id for s in everybody] * 2))

    rows = list(SignUp.objects.order_by("position"))
    assert [row.position for row in rows] == list(range(1, 9))
    assert [row.status for row in rows] == ["confirmed"] * 3 + ["waiting"] * 5
    assert sorted(answers) == ["confirmed"] * 6 + ["waiting"] * 10
    kinds = [kind for kind, _student in published()]
    assert sorted(kinds) == ["signup_confirmed"] * 3 + ["signup_waitlisted"] * 5


@pytest.mark.django_db(transaction=True)
def test_places_given_back_at_once_each_promote_one(committed_school: Any) -> None:
    activity = ActivityFactory(places=3)
    done = [sign_up(activity, enrolled()) for _turn in range(6)]
    schema = committed_school.schema_name

    def leave(sign_up_id: Any) -> None:
        with in_school(schema):
            try:
                facade.cancel_sign_up(sign_up_id=sign_up_id, actor="x")
            finally:
                connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(leave, [done[0].id, done[1].id, done[0].id, done[1].id]))

    assert statuses(activity) == ["cancelled"] * 2 + ["confirmed"] * 3 + ["waiting"]
    assert [kind for kind, _student in published()].count("signup_promoted") == 2


@pytest.mark.parametrize("key", list(events.SAMPLES))
def test_every_stored_event_can_be_read(key: tuple[str, int]) -> None:
    classes = {
        (c.name, c.version): c
        for c in vars(events).values()
        if isinstance(c, type) and c.__module__ == events.__name__
    }

    event = decode(classes[key], events.SAMPLES[key])

    assert encode(event) == events.SAMPLES[key]
    assert set(classes) == set(events.SAMPLES)
