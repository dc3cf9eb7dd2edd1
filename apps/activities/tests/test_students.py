"""What becomes of sign-ups when a student leaves the school or its import is undone."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.activities.handlers import free_places_on_student_withdrawn
from apps.activities.models import Activity
from apps.activities.tests.factories import ActivityFactory, enrolled
from apps.activities.tests.signups import NOW, sign_up, statuses
from apps.students import facade as students


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
