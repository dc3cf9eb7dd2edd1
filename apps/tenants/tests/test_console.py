"""The operator console: the life of a school, its addresses, the keeper's work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.tenants.models import DeletedSchool, Domain, Operation, OperatorAction, School
from apps.tenants.services import domains, operations
from apps.tenants.services.operations import OperationContext, operation
from apps.tenants.tests.factories import SchoolFactory
from kernel.errors import Unavailable

LINCOLN = "/operator/schools/1/"
OVERVIEW, SCHOOLS, WORK = "/operator/", "/operator/schools/", "/operator/operations/"


@pytest.fixture(autouse=True)
def _quiet_keeper(db: None) -> Iterator[None]:
    """Nobody is asked; a quick backup in place of the real one."""
    kinds, send = dict(operations._kinds), operations._send
    operations.ask_keeper_with(None)

    @operation("backup", title="Backup")
    def backup(context: OperationContext) -> str:
        return "a backup"

    yield
    operations._kinds.clear()
    operations._kinds.update(kinds)
    operations.ask_keeper_with(send)


def _text(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def _operation(**values: Any) -> Operation:
    usual = {"kind": "backup", "school_id": 1, "actor": "olive@example.org"}
    return Operation.objects.create(**{**usual, **values})


EVERY_PAGE = [
    OVERVIEW,
    SCHOOLS,
    WORK,
    LINCOLN,
    f"{LINCOLN}history/",
    f"{LINCOLN}operations/",
    f"{LINCOLN}domains/",
]
EVERY_CHANGE = [
    f"{LINCOLN}suspend/",
    f"{LINCOLN}resume/",
    f"{LINCOLN}archive/",
    f"{LINCOLN}delete/",
    f"{LINCOLN}delete/undo/",
    f"{LINCOLN}domains/",
    f"{LINCOLN}domains/1/check/",
    f"{LINCOLN}domains/1/primary/",
    f"{LINCOLN}domains/1/remove/",
]


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_is_for_operators(operator_client: Client, path: str) -> None:
    assert operator_client.get(path).status_code == 200
    stranger = Client(headers={"host": "testserver"})
    assert stranger.get(path).headers["Location"] == f"/sign-in/?next={path}"


@pytest.mark.parametrize("path", EVERY_CHANGE)
def test_a_stranger_changes_nothing(path: str) -> None:
    stranger = Client(headers={"host": "testserver"})

    answer = stranger.post(path, {"reason": "x", "domain": "www.x.example"})

    assert answer.headers["Location"].startswith("/sign-in/")
    assert School.objects.get(pk=1).status == "active"
    assert Domain.objects.filter(tenant=1).count() == 1


@pytest.mark.parametrize("path", [p for p in EVERY_CHANGE if not p.endswith("/domains/")])
def test_changes_need_a_post(operator_client: Client, path: str) -> None:
    before = School.objects.values().get(pk=1)

    assert operator_client.get(path).headers["Location"] == LINCOLN

    assert School.objects.values().get(pk=1) == before


# The life of a school -------------------------------------------------------------------------


def test_from_open_to_archived_and_back(operator_client: Client) -> None:
    operator_client.post(f"{LINCOLN}suspend/", {"reason": "Unpaid since March"})
    page = _text(operator_client, LINCOLN)
    assert "Suspended since" in page
    assert "Unpaid since March" in page
    assert 'id="suspend"' not in page

    operator_client.post(f"{LINCOLN}archive/", {"archive-reason": "Moved"})
    page = _text(operator_client, LINCOLN)
    assert "Archived since" in page
    assert 'id="archive"' not in page

    operator_client.post(f"{LINCOLN}resume/")
    page = _text(operator_client, f"{LINCOLN}history/")
    assert "Taken out of the archive and opened" in page
    assert "Archived: the school has left" in page
    assert "operator@example.org" in page
    assert School.objects.get(pk=1).status == "active"


def test_deleting_needs_the_short_name(operator_client: Client) -> None:
    for sent in (
        {"delete-reason": "Closed", "delete-typed": "wrong"},
        {"delete-reason": "", "delete-typed": "lincoln"},
        {},
    ):
        answer = operator_client.post(f"{LINCOLN}delete/", sent)
        assert answer.status_code == 422
        assert answer.context["delete_form"].errors

    assert School.objects.get(pk=1).status == "active"


def test_deleting_and_undoing(operator_client: Client, settings: Any) -> None:
    settings.DELETE_GRACE_DAYS = 12
    assert "After 12 days" in _text(operator_client, LINCOLN)

    sent = {"delete-reason": "Closed down", "delete-typed": "lincoln"}
    answer = operator_client.post(f"{LINCOLN}delete/", sent, follow=True)

    school = School.objects.get(pk=1)
    assert school.status == "deleting"
    page = " ".join(answer.content.decode().split())
    assert "All data will be deleted on" in page
    assert f"/operator/operations/{school.export_operation}/" in page
    assert "Lincoln Elementary" in _text(operator_client, OVERVIEW)

    operator_client.post(f"{LINCOLN}delete/undo/")

    assert School.objects.get(pk=1).status == "active"
    history = _text(operator_client, f"{LINCOLN}history/")
    assert "Deletion undone" in history
    assert "Deletion requested, for" in history


def test_a_deleted_schools_page_says_that_it_was_here(operator_client: Client) -> None:
    DeletedSchool.objects.create(
        school_id=77,
        schema_name="t_000077",
        slug="riverside",
        name="Riverside School",
        domains=["riverside.testserver"],
        reason="Closed down",
        requested_by="olive@example.org",
        export="schools/77/backup",
        created_at=timezone.now(),
    )

    page = _text(operator_client, "/operator/schools/77/")

    for part in ("Riverside School", "Closed down", "olive@example.org", "schools/77/backup"):
        assert part in page
    assert "Riverside School" in _text(operator_client, OVERVIEW)
    assert operator_client.get("/operator/schools/78/").status_code == 404


def test_an_action_of_another_release_is_shown_by_its_code(operator_client: Client) -> None:
    for action, detail in (("future.thing", {}), ("domain.added", {}), ("school.resumed", {})):
        OperatorAction.objects.create(school_id=1, actor="olive", action=action, detail=detail)

    page = _text(operator_client, f"{LINCOLN}history/")

    assert "future.thing" in page
    assert "domain.added" in page
    assert "Opened again" in page


# Addresses ------------------------------------------------------------------------------------


def test_a_domain_from_noting_it_down_to_primary_and_away(
    operator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator_client.post(f"{LINCOLN}domains/", {"domain": "WWW.Riverside.example"})
    row = Domain.objects.get(domain="www.riverside.example")
    assert "Not checked yet" in _text(operator_client, f"{LINCOLN}domains/")

    def away(domain: str, challenge: str) -> None:
        raise Unavailable("It has no DNS record yet.")

    monkeypatch.setattr(domains, "check_reaches_us", away)
    answer = operator_client.post(f"{LINCOLN}domains/{row.id}/check/", follow=True)
    assert "It has no DNS record yet." in answer.content.decode()

    monkeypatch.setattr(domains, "check_reaches_us", lambda domain, challenge: None)
    operator_client.post(f"{LINCOLN}domains/{row.id}/check/")
    operator_client.post(f"{LINCOLN}domains/{row.id}/primary/")
    assert School.objects.get(pk=1).primary_host == "www.riverside.example"

    before = Domain.objects.get(domain="lincoln.testserver")
    operator_client.post(f"{LINCOLN}domains/{before.id}/remove/")
    assert not Domain.objects.filter(pk=before.id).exists()
    history = _text(operator_client, f"{LINCOLN}history/")
    assert "Primary address changed from lincoln.testserver to www.riverside.example" in history


def test_a_bad_domain_is_told_at_its_field(operator_client: Client) -> None:
    for domain in ("", "not a domain", "sanmartin.testserver"):
        answer = operator_client.post(f"{LINCOLN}domains/", {"domain": domain})
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["domain"]


def test_another_schools_address_is_not_changed_here(operator_client: Client) -> None:
    other = Domain.objects.get(domain="sanmartin.testserver")

    for change in ("check", "primary", "remove"):
        answer = operator_client.post(f"{LINCOLN}domains/{other.id}/{change}/")
        assert answer.status_code == 404

    assert Domain.objects.filter(pk=other.id, tenant=2).exists()


# The keeper's work ----------------------------------------------------------------------------


def test_progress_is_shown_and_asked_for_again(operator_client: Client) -> None:
    row = _operation(
        state="running",
        done=3,
        total=12,
        note="Tables",
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )

    page = _text(operator_client, f"{WORK}{row.id}/")

    assert 'data-poll="2"' in page
    assert 'value="3"' in page
    assert "25 %" in page
    assert "Tables" in page
    assert "Look again" in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "done", "result": "12 rows"}, "12 rows"),
        ({"state": "failed", "error": "The disk is full."}, "The disk is full."),
    ],
)
def test_what_has_ended_is_not_asked_for_again(
    operator_client: Client, values: dict[str, str], words: str
) -> None:
    row = _operation(finished_at=timezone.now(), **values)

    page = _text(operator_client, f"{WORK}{row.id}/")

    assert words in page
    assert "data-poll=" not in page


def test_a_keeper_that_does_not_come_or_falls_silent_is_told(operator_client: Client) -> None:
    long_ago = timezone.now() - timedelta(minutes=10)
    waiting = _operation(created_at=long_ago)
    silent = _operation(state="running", started_at=long_ago, heartbeat_at=long_ago)

    assert "does not run" in _text(operator_client, f"{WORK}{waiting.id}/")
    assert "No sign of life" in _text(operator_client, f"{WORK}{silent.id}/")


def test_what_went_wrong_is_on_the_first_page(operator_client: Client) -> None:
    _operation(state="failed", error="The disk is full.")
    _operation(state="running", heartbeat_at=timezone.now())

    page = _text(operator_client, OVERVIEW)

    assert "The disk is full." in page
    assert "Running" in page


def test_the_lists_by_state_and_school(operator_client: Client) -> None:
    _operation(state="failed")
    _operation(state="done", school_id=2)
    _operation(state="done", school_id=None)

    every = operator_client.get(WORK)
    failed = operator_client.get(f"{WORK}?state=failed")
    own = operator_client.get(f"{LINCOLN}operations/")

    assert [len(page.context["rows"]) for page in (every, failed, own)] == [3, 1, 1]
    assert len(operator_client.get(f"{WORK}?state=nonsense").context["rows"]) == 3


# Thousands of schools -------------------------------------------------------------------------


@pytest.mark.parametrize("path", [OVERVIEW, f"{SCHOOLS}?page=3&sort=-since", WORK])
def test_queries_do_not_grow_with_schools(
    operator_client: Client, django_assert_max_num_queries: Callable[..., Any], path: str
) -> None:
    made = SchoolFactory.create_batch(80)
    for school in made:
        _operation(school_id=school.id)

    # session, operator and roles; counts, lists and names
    with django_assert_max_num_queries(13):
        assert operator_client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("", "Aachen School"),
        ("name", "Aachen School"),
        ("-name", "Zürich School"),
        ("since", "Lincoln Elementary"),
        ("-since", "Zürich School"),
        ("nonsense", "Aachen School"),
    ],
)
def test_the_list_is_sorted_as_asked(operator_client: Client, sort: str, first: str) -> None:
    SchoolFactory(name="Aachen School")
    SchoolFactory(name="Zürich School")

    page = operator_client.get(f"{SCHOOLS}?sort={sort}")

    assert page.context["rows"][0]["school"].name == first


def test_a_school_is_found_by_any_of_its_addresses(operator_client: Client) -> None:
    domains.add_domain(school_id=2, domain="www.madrid.example", actor="olive", trusted=True)

    page = operator_client.get(f"{SCHOOLS}?q=madrid.ex")

    assert [row["school"].name for row in page.context["rows"]] == ["Colegio San Martín"]
