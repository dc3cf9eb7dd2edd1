"""Who may sign up for what, and when."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from apps.activities import facade
from apps.activities.models import Activity
from apps.activities.tests.factories import ActivityFactory, enrolled, family
from apps.activities.tests.signups import NOW, published, sign_up, statuses
from apps.students.tests.factories import StudentFactory
from kernel.errors import Conflict, Forbidden, Invalid, NotFound


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
