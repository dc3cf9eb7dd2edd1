"""Suspended, archived, open again: what changes, what is told, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.tenants import facade as tenants
from apps.tenants.contracts import STATUS_RULES, WORKING
from apps.tenants.models import OperatorAction, School
from apps.tenants.services.status import archive_school, resume_school, suspend_school
from kernel.errors import Conflict, Invalid, NotFound

Published = Callable[[str], list[Any]]


def suspend(**more: Any) -> Any:
    return suspend_school(**{"school_id": 1, "reason": "Unpaid", "actor": "olive", **more})


def archive(**more: Any) -> Any:
    return archive_school(**{"school_id": 1, "reason": "Moved", "actor": "olive", **more})


def resume(**more: Any) -> Any:
    return resume_school(**{"school_id": 1, "actor": "olive", **more})


def _history() -> list[OperatorAction]:
    """What operators did to this school; the suite's own set-up has no school."""
    return list(OperatorAction.objects.filter(school_id=1).order_by("at"))


def _status() -> str:
    return School.objects.get(pk=1).status


def test_every_status_has_its_rules() -> None:
    assert set(STATUS_RULES) == set(School.Status.values)
    assert set(WORKING) == {"active", "suspended"}


def test_suspending_is_told_and_written_down(db: None, published: Published) -> None:
    assert suspend(reason="  Unpaid since March ").status == "suspended"

    school = School.objects.get(pk=1)
    assert school.status_reason == "Unpaid since March"
    assert school.status_since is not None
    [action] = _history()
    assert (action.action, action.actor) == ("school.suspended", "olive")
    assert action.detail == {"reason": "Unpaid since March"}
    assert published("tenants.school_suspended") == [
        {
            "school_id": 1,
            "schema_name": "t_000001",
            "school_name": "Lincoln Elementary",
            "slug": "lincoln",
            "reason": "Unpaid since March",
        }
    ]


def test_archiving_and_coming_back(db: None, published: Published) -> None:
    suspend()
    assert archive().status == "archived"
    assert resume().status == "active"

    assert School.objects.get(pk=1).status_reason == ""
    assert published("tenants.school_archived")[0]["reason"] == "Moved"
    assert published("tenants.school_resumed")[0]["status_before"] == "archived"
    assert [action.action for action in _history()] == [
        "school.suspended",
        "school.archived",
        "school.resumed",
    ]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "a\x00b"])
@pytest.mark.parametrize("change", [suspend, archive])
def test_a_reason_is_needed_and_fits_on_a_line(
    db: None, change: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(Invalid) as refused:
        change(reason=reason)

    assert refused.value.field == "reason"
    assert _status() == "active"
    assert _history() == []


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("active", resume),
        ("suspended", suspend),
        ("archived", suspend),
        ("archived", archive),
        ("deleting", suspend),
        ("deleting", resume),
        ("deleting", archive),
        ("provisioning", suspend),
        ("provisioning", resume),
        ("provisioning", archive),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    db: None, published: Published, status: str, change: Callable[..., Any]
) -> None:
    School.objects.filter(pk=1).update(status=status)

    with pytest.raises(Conflict):
        change()

    assert _status() == status
    assert _history() == []
    assert published("tenants.school_suspended") == []


@pytest.mark.parametrize("change", [suspend, resume, archive])
def test_an_unknown_school_is_not_found(db: None, change: Callable[..., Any]) -> None:
    with pytest.raises(NotFound):
        change(school_id=999)


@pytest.mark.parametrize(("change", "status"), [(suspend, "suspended"), (archive, "archived")])
def test_it_shows_in_the_next_request(db: None, change: Callable[..., Any], status: str) -> None:
    assert tenants.find_school_by_host("lincoln.testserver").status == "active"  # type: ignore[union-attr]

    change()

    assert tenants.find_school_by_host("lincoln.testserver").status == status  # type: ignore[union-attr]
