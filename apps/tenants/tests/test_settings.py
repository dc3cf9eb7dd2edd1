"""The school's settings: by the service, on the portal's page and over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext

from apps.tenants import facade as tenants
from apps.tenants.models import School
from kernel.errors import Invalid, NotFound
from kernel.schools import in_public, in_school

PAGE, API = "/portal/settings/", "/api/v1/school/"
GOOD = {
    "name": "Lincoln Academy",
    "tagline": "Curious together",
    "currency": "USD",
    "language": "es",
    "time_zone": "America/Denver",
    "contact_email": "office@lincoln.example",
    "contact_phone": "+1 312 555 0100",
    "address": "1 Main St\nSpringfield",
}
SAVED = "The settings are saved. They apply from now on."
ClientFor = Callable[..., Any]


def _lincoln() -> School:
    with in_public():
        return School.objects.get(slug="lincoln")


def _saved() -> dict[str, str]:
    school = _lincoln()
    return {field: getattr(school, field) for field in GOOD}


# The service --------------------------------------------------------------------------------


def test_a_change_is_saved_and_told_inside_the_school(
    school: Any, published: Callable[[str], list[Any]]
) -> None:
    info = tenants.update_settings(
        school_id=school.id, actor="head@example.org", name="Lincoln Academy", tagline=""
    )

    assert (info.name, _lincoln().name) == ("Lincoln Academy", "Lincoln Academy")
    renamed = {"setting": "name", "before": "Lincoln Elementary", "after": "Lincoln Academy"}
    assert published("tenants.settings_changed") == [{"school_id": 1, "changes": [renamed]}]


def test_a_change_that_changes_nothing_tells_nobody(
    school: Any, published: Callable[[str], list[Any]]
) -> None:
    tenants.update_settings(school_id=school.id, name=" Lincoln Elementary ")

    assert published("tenants.settings_changed") == []


def test_one_bad_value_changes_nothing(school: Any) -> None:
    before = _saved()

    with pytest.raises(Invalid) as refused:
        tenants.update_settings(school_id=school.id, name="New name", colour="#ffff00")

    assert refused.value.field == "colour"
    assert _saved() == before


def test_an_unknown_school_is_not_found(school: Any) -> None:
    with pytest.raises(NotFound):
        tenants.update_settings(school_id=999, name="New name")


# The page -----------------------------------------------------------------------------------


def test_the_page_shows_what_is_set(client_for: ClientFor) -> None:
    page = client_for("admin").get(PAGE)

    assert page.status_code == 200
    text = page.content.decode()
    assert 'value="Lincoln Elementary"' in text
    assert 'name="currency"' in text


def test_an_admin_changes_everything_at_once(client_for: ClientFor) -> None:
    client = client_for("admin")

    answer = client.post(PAGE, GOOD, follow=True)

    assert answer.redirect_chain == [(PAGE, 302)]
    assert _saved() == GOOD
    # The very next page speaks the new language and shows the new name.
    text = answer.content.decode()
    assert '<html lang="es"' in text
    assert "Lincoln Academy" in text
    with translation.override("es"):
        assert gettext(SAVED) in text
    assert SAVED not in text
    with in_school("t_000002") as other:
        assert other.name == "Colegio San Martín"


def test_who_picked_a_language_keeps_it_whatever_the_school_speaks(client_for: ClientFor) -> None:
    client = client_for("admin")
    client.cookies["language"] = "en"

    answer = client.post(PAGE, GOOD, follow=True)

    assert '<html lang="en"' in answer.content.decode()
    assert SAVED in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x\x00y"),
        ("name", "x" * 121),
        ("currency", "XXX"),
        ("language", "de"),
        ("time_zone", "Mars/Base"),
        ("contact_email", "not an address"),
        ("contact_phone", "call me"),
        ("address", "x" * 401),
    ],
)
def test_a_bad_value_is_shown_at_its_field_and_changes_nothing(
    client_for: ClientFor, field: str, value: str
) -> None:
    before = _saved()

    answer = client_for("admin").post(PAGE, {**GOOD, field: value})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert _saved() == before


@pytest.mark.parametrize("role", ["office", "teacher", "guardian"])
def test_other_roles_neither_see_nor_change_the_page(client_for: ClientFor, role: str) -> None:
    before, client = _saved(), client_for(role)

    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, GOOD).status_code == 403
    assert _saved() == before


def test_a_bursar_is_led_to_the_rules_of_money_and_changes_no_more(client_for: ClientFor) -> None:
    before, client = _saved(), client_for("bursar")

    assert client.get(PAGE).headers["Location"] == "/portal/settings/fees/"
    assert client.get("/portal/settings/fees/").status_code == 200
    assert client.get("/portal/settings/features/").status_code == 403
    assert client.post(PAGE, GOOD).status_code == 403
    assert client.post("/portal/settings/features/", {}).status_code == 403
    assert _saved() == before


def test_a_stranger_is_sent_to_sign_in(anonymous: ClientFor) -> None:
    before = _saved()

    assert anonymous().get(PAGE).headers["Location"].startswith("/sign-in/")
    assert anonymous().post(PAGE, GOOD).headers["Location"].startswith("/sign-in/")
    assert _saved() == before


def test_an_admin_of_another_school_changes_only_their_own(
    client_for: ClientFor, other_school: Any
) -> None:
    before = _saved()

    client_for("admin", other_school).post(PAGE, GOOD)

    assert _saved() == before
    with in_public():
        assert School.objects.get(slug="sanmartin").name == "Lincoln Academy"


# The API ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", "bursar", "office", "teacher"])
def test_staff_read_the_school(api_for: ClientFor, role: str) -> None:
    answer = api_for(role).get(API)

    assert answer.status_code == 200
    assert answer.json() == {
        "name": "Lincoln Elementary",
        "slug": "lincoln",
        "domain": "lincoln.testserver",
        "status": "active",
        "language": "en",
        "currency": "USD",
        "time_zone": "America/Chicago",
        "tagline": "",
        "colour": "#1f5f8b",
        "contact_email": "",
        "contact_phone": "",
        "address": "",
    }


def test_an_admin_changes_part_of_it(api_for: ClientFor) -> None:
    answer = api_for("admin").patch(API, {"tagline": "Curious together"}, format="json")

    assert (answer.status_code, answer.json()["tagline"]) == (200, "Curious together")
    assert _saved()["tagline"] == "Curious together"
    assert _saved()["name"] == "Lincoln Elementary"


@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian"])
def test_other_roles_do_not_change_it(api_for: ClientFor, role: str) -> None:
    answer = api_for(role).patch(API, {"tagline": "Hello"}, format="json")

    assert answer.status_code == 403
    assert _saved()["tagline"] == ""


def test_guardians_and_strangers_do_not_read_it(api_for: ClientFor, anonymous: ClientFor) -> None:
    assert api_for("guardian").get(API).status_code == 403
    assert anonymous().get(API).status_code == 401
    assert anonymous().patch(API, {}, content_type="application/json").status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"currency": "EUR"}, 400, "currency"),
        ({"slug": "other"}, 400, "slug"),
        ({"name": None}, 400, "name"),
        ({"colour": "#ffff00"}, 422, "colour"),
        ({"time_zone": "Mars/Base"}, 422, "time_zone"),
    ],
)
def test_what_cannot_be_set_is_refused_by_field(
    api_for: ClientFor, change: dict[str, Any], status: int, field: str
) -> None:
    before = _saved()

    answer = api_for("admin").patch(API, change, format="json")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert _saved() == before
    assert _lincoln().currency == "USD"


def test_a_token_of_another_school_does_not_open_this_one(
    api_for: ClientFor, other_school: Any
) -> None:
    client = api_for("admin", other_school)
    assert client.get(API).json()["slug"] == "sanmartin"

    client.credentials(**{**client._credentials, "HTTP_HOST": "lincoln.testserver"})

    assert client.get(API).status_code == 401
    assert client.patch(API, {"tagline": "Mine now"}, format="json").status_code == 401
    assert _saved()["tagline"] == ""
