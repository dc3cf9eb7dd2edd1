"""Places, waiting lists and what happens when many want the last place."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.activities import facade, selectors
from apps.activities.models import SignUp
from apps.activities.tests.factories import ActivityFactory, enrolled, family
from apps.activities.tests.signups import OutboxEvent, published, sign_up, statuses
from kernel.schools import in_school


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
