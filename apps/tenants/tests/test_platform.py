"""The platform's host: the landing page and the operator console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.tenants.models import OperatorAction, School
from apps.tenants.tests.factories import SchoolFactory

CONSOLE, NEW = "/operator/", "/operator/schools/new/"
SCHOOLS = "/operator/schools/"
FORM = {
    "name": "Riverside School",
    "slug": "riverside",
    "admin_name": "Jo Lee",
    "admin_email": "jo@example.org",
    "currency": "EUR",
    "language": "es",
    "time_zone": "Europe/Madrid",
}
Footprint = Callable[[], dict[str, int]]


def test_anybody_sees_the_landing_page(stranger: Client) -> None:
    page = stranger.get("/")

    assert page.status_code == 200
    assert "Homeroom" in page.content.decode()
    assert "lincoln" not in page.content.decode().lower()


@pytest.mark.parametrize(
    "path", [CONSOLE, SCHOOLS, NEW, "/operator/schools/1/", "/operator/schools/1/provisioned/"]
)
def test_the_console_is_for_operators(stranger: Client, operator_client: Client, path: str) -> None:
    assert operator_client.get(path).status_code == 200
    assert stranger.get(path).headers["Location"] == f"/sign-in/?next={path}"


@pytest.mark.parametrize("role", ["admin", "guardian"])
def test_the_console_is_not_on_a_schools_host(client_for: Callable[..., Client], role: str) -> None:
    client = client_for(role)

    assert client.get(CONSOLE).status_code == 404
    # nor does a school's session count on the platform's host
    client.defaults["HTTP_HOST"] = "testserver"
    moved = client.get(CONSOLE, headers={"host": "testserver"})
    assert moved.headers["Location"].startswith("/sign-in/")


def test_a_stranger_changes_nothing(stranger: Client, footprint: Footprint) -> None:
    before = footprint()

    for path in (NEW, "/operator/schools/1/suspend/", "/operator/schools/1/resume/"):
        assert (
            stranger.post(path, {**FORM, "reason": "x"}).headers["Location"].startswith("/sign-in/")
        )

    assert footprint() == before
    assert School.objects.get(slug="lincoln").status == "active"


def test_the_list_shows_schools_with_address_and_status(operator_client: Client) -> None:
    SchoolFactory(slug="closed", name="Closed School", status="suspended")

    text = operator_client.get(SCHOOLS).content.decode()

    assert "Lincoln Elementary" in text
    assert "lincoln.testserver" in text
    assert "Suspended" in text


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("?q=martín", ["Colegio San Martín"]),
        ("?q=lincoln.test", ["Lincoln Elementary"]),
        ("?q=head@closed", ["Closed School"]),
        ("?status=suspended", ["Closed School"]),
        ("?status=suspended&q=lincoln", []),
        ("?status=nonsense&q=%00lincoln", ["Lincoln Elementary"]),
        ("?q=%25", []),
    ],
)
def test_search_and_status_narrow_the_list(
    operator_client: Client, search: str, names: list[str]
) -> None:
    SchoolFactory(slug="closed", name="Closed School", status="suspended")

    page = operator_client.get(SCHOOLS + search)

    assert [row["school"].name for row in page.context["rows"]] == names
    assert ("No school matches" in page.content.decode()) == (not names)


def test_the_list_costs_the_same_for_many_schools(
    operator_client: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    SchoolFactory.create_batch(60)

    # session, operator and roles, counts by status, count of the list, the page itself
    with django_assert_max_num_queries(7):
        page = operator_client.get(SCHOOLS + "?page=2")

    assert len(page.context["rows"]) == 25


def test_a_new_school_is_made_and_its_steps_are_shown(
    operator_client: Client, steps: list[str]
) -> None:
    answer = operator_client.post(NEW, FORM, follow=True)

    school = School.objects.get(slug="riverside")
    assert answer.redirect_chain == [(f"/operator/schools/{school.id}/provisioned/", 302)]
    assert steps == ["settle True", "invite Jo Lee <jo@example.org>"]
    text = answer.content.decode()
    for part in ("Settled in", "School opened", "In all", "jo@example.org"):
        assert part in text
    assert OperatorAction.objects.get(school_id=school.id).actor == "operator@example.org"
    # The list and the school's page know it at once.
    assert "Riverside School" in operator_client.get(SCHOOLS).content.decode()
    assert (
        "steps and times" in operator_client.get(f"/operator/schools/{school.id}/").content.decode()
    )


def test_the_same_form_once_more_says_it_is_already_there(
    operator_client: Client, steps: list[str], footprint: Footprint
) -> None:
    operator_client.post(NEW, FORM)
    before = footprint()

    answer = operator_client.post(NEW, FORM, follow=True)

    assert "already there" in answer.content.decode()
    assert footprint() == before


def test_an_empty_short_name_is_made_from_the_name(
    operator_client: Client, steps: list[str]
) -> None:
    operator_client.post(NEW, {**FORM, "name": "École Ñandú  Nº 3", "slug": ""})

    assert School.objects.get(slug="ecole-nandu-no-3").name == "École Ñandú  Nº 3"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"slug": "no good"}, "slug"),
        ({"slug": "www"}, "slug"),
        ({"slug": "lincoln"}, "slug"),
        ({"name": "中文学校", "slug": ""}, "slug"),
        ({"admin_email": "jo"}, "admin_email"),
        ({"currency": "BTC"}, "currency"),
        ({"language": "tlh"}, "language"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
    ],
)
def test_a_bad_field_is_shown_and_leaves_nothing_behind(
    operator_client: Client, footprint: Footprint, change: dict[str, str], field: str
) -> None:
    before = footprint()

    answer = operator_client.post(NEW, {**FORM, **change})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert footprint() == before


def test_a_step_that_fails_is_told_on_the_form(
    operator_client: Client,
    failing_step: Callable[[BaseException], None],
    footprint: Footprint,
) -> None:
    failing_step(RuntimeError("mail server on fire"))
    before = footprint()

    answer = operator_client.post(NEW, FORM)

    assert answer.status_code == 422
    assert "Nothing was left behind" in answer.content.decode()
    assert "on fire" not in answer.content.decode()
    assert footprint() == before


def test_suspending_closes_the_school_at_once_and_resuming_opens_it(
    operator_client: Client,
) -> None:
    visitor = Client(headers={"host": "lincoln.testserver"})
    assert visitor.get("/sign-in/").status_code == 200

    operator_client.post("/operator/schools/1/suspend/", {"reason": "Unpaid since March"})

    assert visitor.get("/sign-in/").status_code == 503
    detail = operator_client.get("/operator/schools/1/").content.decode()
    assert "Unpaid since March" in detail

    operator_client.post("/operator/schools/1/resume/")

    assert visitor.get("/sign-in/").status_code == 200
    actions = OperatorAction.objects.filter(school_id=1).order_by("at")
    assert [action.action for action in actions] == ["school.suspended", "school.resumed"]


def test_suspending_needs_a_reason(operator_client: Client) -> None:
    answer = operator_client.post("/operator/schools/1/suspend/", {"reason": "  "})

    assert answer.status_code == 422
    assert School.objects.get(pk=1).status == "active"


def test_resuming_an_open_school_is_refused(operator_client: Client) -> None:
    answer = operator_client.post("/operator/schools/1/resume/")

    assert answer.status_code == 409
    assert not OperatorAction.objects.filter(school_id=1).exists()


@pytest.mark.parametrize("path", ["/operator/schools/999/", "/operator/schools/999/provisioned/"])
def test_an_unknown_school_is_not_found(operator_client: Client, path: str) -> None:
    assert operator_client.get(path).status_code == 404
