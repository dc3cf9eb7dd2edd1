"""/api/v1/activities/ with every role, a stranger and a second school."""

from typing import Any

import pytest

from apps.activities.models import Activity
from apps.activities.tests.factories import ActivityFactory

API = "/api/v1/activities/"
NEW = {
    "title": "Chess",
    "starts_at": "2030-01-15T15:00:00Z",
    "ends_at": "2030-01-15T16:00:00Z",
    "fee_minor": 2500,
}


@pytest.mark.parametrize(
    ("role", "read", "write"),
    [
        ("admin", 200, 201),
        ("office", 200, 201),
        ("bursar", 200, 403),
        ("teacher", 200, 403),
        ("guardian", 403, 403),
    ],
)
def test_roles(school: Any, api_for: Any, role: str, read: int, write: int) -> None:
    client = api_for(role)

    assert client.get(API).status_code == read
    assert client.post(API, NEW, format="json").status_code == write
    assert Activity.objects.count() == (1 if write == 201 else 0)


def test_strangers_and_other_schools(
    school: Any, anonymous: Any, api_for: Any, other_school: Any
) -> None:
    activity = ActivityFactory()
    neighbour = api_for("admin", school=other_school)

    assert anonymous().get(API).status_code == 401
    assert neighbour.get(API).json()["results"] == []
    assert neighbour.get(f"{API}{activity.id}/").status_code == 404


def test_draft_is_made_changed_and_published(school: Any, api_for: Any) -> None:
    client = api_for("office")

    made = client.post(API, NEW, format="json").json()
    assert (made["status"], made["currency"], made["places"]) == ("draft", "USD", None)
    url = f"{API}{made['id']}/"
    assert client.patch(url, {"places": 5}, format="json").json()["places"] == 5
    assert client.post(f"{url}publish/").json()["status"] == "published"
    assert client.get(url).json()["title"] == "Chess"


def test_wrong_values_are_named(school: Any, api_for: Any) -> None:
    client = api_for("office")

    early = client.post(API, NEW | {"ends_at": "2029-01-01T00:00:00Z"}, format="json")
    assert (early.status_code, early.json()["errors"][0]["field"]) == (422, "ends_at")
    wrong = client.post(API, NEW | {"places": 0}, format="json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "places")
    assert client.get(f"{API}?when=never").status_code == 400
    assert Activity.objects.count() == 0


def test_filters(school: Any, api_for: Any) -> None:
    ActivityFactory(title="Chess")
    ActivityFactory(title="Choir")
    client = api_for("teacher")

    def titles(query: str) -> list[str]:
        return [row["title"] for row in client.get(API + query).json()["results"]]

    assert titles("?q=che") == ["Chess"]
    assert titles("?when=past") == []
    assert titles("?when=coming") == ["Choir", "Chess"]


def test_a_year_that_cannot_be_read_back_is_refused(client_for):
    """It would be the year 10000 in UTC, and no list with it could be shown any more."""
    client = client_for("office")
    values = {"title": "T", "starts_at": "2026-12-01T10:00Z", "ends_at": "9999-12-31T23:59"}
    without_zone = client.post(API, values, content_type="application/json")
    long_ago = values | {"starts_at": "1500-01-01T00:00Z", "ends_at": "2026-12-01T10:00Z"}
    other = client.post(API, long_ago, content_type="application/json")
    assert (without_zone.status_code, other.status_code) == (400, 422)
