"""The activity itself: its details, more or fewer places, the end of it."""

from datetime import timedelta
from typing import Any

import pytest

from apps.activities import facade
from apps.activities.models import Activity
from apps.activities.services import activities
from apps.activities.tests.factories import ActivityFactory, enrolled
from apps.activities.tests.signups import NOW, details, published, sign_up, statuses
from kernel.errors import Conflict, Invalid


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
