"""Settings that apps declare: their pages, their API, their history, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.activities.models import Activity
from apps.fees.models import Fee, FeeCategory
from apps.fees.preferences import DUE_DAYS, GRACE_DAYS, PART_PAYMENTS, SMALLEST_PART
from apps.tenants import facade as tenants
from apps.tenants.facade import Setting, declare, kinds
from apps.tenants.models import School, SettingChange
from apps.tenants.services import rules
from apps.tenants.services.history import history
from apps.tenants.tests.factories import reopen
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.schools import NoSchool, in_public, in_school

API = "/api/v1/school/settings/"
ClientFor = Callable[..., Any]


def page(group: str) -> str:
    return f"/portal/settings/{group}/"


def change(**values: Any) -> None:
    names = {name.replace("__", "."): value for name, value in values.items()}
    tenants.change_settings(school_id=1, values=names, actor="head@example.org")
    reopen()


def values_of(client: Any, group: str) -> dict[str, Any]:
    """The form as the browser would send it back."""
    form = client.get(page(group)).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    return {
        name: value for name, value in shown.items() if value is not None and value is not False
    }


# Declarations -------------------------------------------------------------------------------


def test_a_value_is_its_default_until_somebody_sets_it(school: Any) -> None:
    assert DUE_DAYS.value == 14

    change(fees__due_days="30")

    assert DUE_DAYS.value == 30
    assert tenants.setting("fees.due_days") == 30
    assert school.settings == {}  # the School of a running request is never changed under it


def test_a_value_set_back_to_its_default_is_not_kept(school: Any) -> None:
    change(fees__due_days=30)
    change(fees__due_days=14)

    with in_public():
        assert School.objects.get(pk=1).settings == {}


def test_a_stored_value_that_is_no_longer_allowed_counts_as_the_default(school: Any) -> None:
    with in_public():
        School.objects.filter(pk=1).update(settings={"fees.due_days": 9999, "gone.setting": 1})
    reopen()

    assert DUE_DAYS.value == 14


def test_no_setting_can_be_read_with_no_school_open(db: None) -> None:
    with in_public(), pytest.raises(NoSchool):
        print(DUE_DAYS.value)


def test_a_name_is_declared_once_and_in_a_known_group() -> None:
    more = {"kind": kinds.Switch(), "default": True, "label": "x"}
    with pytest.raises(ValueError, match="declared twice"):
        declare(Setting(name="fees.due_days", group="fees", **more))
    with pytest.raises(ValueError, match="its group is unknown"):
        declare(Setting(name="fees.other", group="nowhere", **more))


def test_every_default_is_a_value_its_own_rule_allows(school: Any) -> None:
    for one in tenants.all_settings():
        if not one.column:
            assert one.kind.load(one.kind.dump(one.default)) == one.default, one.name


def test_every_key_is_unique_in_its_group() -> None:
    keys = [(one.group, one.key) for one in tenants.all_settings()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fees.due_days", "x"),
        ("fees.due_days", 366),
        ("fees.due_days", True),
        ("fees.due_days", 1.5),
        ("fees.due_days", None),
        ("fees.due_days", "1" * 5000),
        ("fees.invoice_prefix", "A1"),
        ("fees.invoice_prefix", "TOOLONGX"),
        ("fees.smallest_part_minor", -1),
        ("fees.smallest_part_minor", "ten"),
        ("fees.smallest_part_minor", True),
        ("fees.smallest_part_minor", 10**13),
        ("fees.part_payments", "yes"),
        ("texts.welcome", "x\x00"),
        ("texts.welcome", "x" * 401),
        ("texts.welcome", "\n".join("1234567")),
        ("texts.welcome", ["x"]),
        ("branding.second_colour", "#ffff00"),
        ("branding.second_colour", "red"),
        ("branding.logo", "http://evil.example/logo.png"),
        ("branding.logo", {"hash": "../../../../etc"}),
        ("no.such_setting", 1),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_changes_nothing(
    school: Any, name: str, value: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        tenants.change_settings(school_id=1, values={"tagline": "New", name: value})

    assert refused.value.field == name
    with in_public():
        assert (School.objects.get(pk=1).settings, School.objects.get(pk=1).tagline) == ({}, "")
        assert not SettingChange.objects.exists()


def test_a_person_changes_only_what_their_permission_allows(school: Any) -> None:
    with pytest.raises(Forbidden):
        tenants.change_settings(
            school_id=1,
            values={"fees.due_days": 30, "name": "Mine"},
            permissions={"fees.manage_fees"},
        )
    reopen()
    assert DUE_DAYS.value == 14


# The currency -------------------------------------------------------------------------------


def test_the_currency_changes_while_nothing_is_booked(school: Any) -> None:
    change(fees__smallest_part_minor=500)

    change(currency="JPY")

    with in_public():
        assert School.objects.get(pk=1).currency == "JPY"
    # Five dollars are not five hundred yen.
    assert SMALLEST_PART.value == 0


@pytest.mark.parametrize("what", ["fee", "activity"])
def test_the_currency_stays_once_there_are_amounts(school: Any, what: str) -> None:
    if what == "fee":
        category = FeeCategory.objects.create(name="Tuition")
        Fee.objects.create(category=category, name="Tuition", amount_minor=100, currency="USD")
    else:
        from apps.activities.tests.factories import ActivityFactory

        ActivityFactory(fee_minor=100)
        assert Activity.objects.filter(fee_minor=100).exists()

    with pytest.raises(Conflict) as refused:
        change(currency="EUR")

    assert refused.value.field == "currency"
    with in_public():
        assert School.objects.get(pk=1).currency == "USD"


def test_a_currency_that_is_in_use_is_shown_with_the_reason(client_for: ClientFor) -> None:
    client = client_for("admin")
    with in_school("t_000001"):
        category = FeeCategory.objects.create(name="Tuition")
        Fee.objects.create(category=category, name="Tuition", amount_minor=100, currency="USD")

    page = client.get("/portal/settings/")

    text = page.content.decode()
    assert "<dd>USD<br>" in text
    assert "Fixed, since there are fees in it." in text
    assert 'name="currency"' not in text


# The pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [g for g in rules.GROUPS if g != "general"])
def test_every_page_can_be_sent_back_as_it_is(client_for: ClientFor, group: str) -> None:
    client = client_for("admin")

    answer = client.post(page(group), values_of(client, group))

    assert (answer.status_code, answer.headers.get("Location")) == (302, page(group))
    with in_public():
        assert School.objects.get(pk=1).settings == {}


def test_a_bursar_changes_the_rules_of_fees(client_for: ClientFor) -> None:
    client = client_for("bursar")
    values = values_of(client, "fees")
    values |= {"fees.due_days": "21", "fees.smallest_part_minor": "10.50", "fees.grace_days": "3"}
    del values["fees.part_payments"]

    assert client.post(page("fees"), values).status_code == 302

    reopen()
    assert (DUE_DAYS.value, GRACE_DAYS.value) == (21, 3)
    assert (SMALLEST_PART.value, PART_PAYMENTS.value) == (1050, False)


def test_all_mistakes_of_a_page_show_at_their_fields(client_for: ClientFor) -> None:
    client = client_for("admin")
    values = values_of(client, "fees") | {"fees.due_days": "-1", "fees.invoice_prefix": "1"}

    answer = client.post(page("fees"), values)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["fees.due_days", "fees.invoice_prefix"]


@pytest.mark.parametrize("role", ["office", "teacher", "guardian"])
def test_other_roles_open_no_page(client_for: ClientFor, role: str) -> None:
    client = client_for(role)
    for address in (page("fees"), page("branding"), page("history")):
        assert client.get(address).status_code == 403
    assert client.post(page("fees"), {"fees.due_days": "1"}).status_code == 403


def test_an_unknown_group_is_not_there(client_for: ClientFor) -> None:
    assert client_for("admin").get(page("nothing")).status_code == 404


def test_the_history_tells_who_changed_what(client_for: ClientFor) -> None:
    client = client_for("admin", name="Head")
    change(fees__due_days=30)
    change(fees__part_payments=False)
    change(texts__welcome="Good morning")
    change(texts__welcome="")
    change(language="es")

    text = client.get(page("history")).content.decode()

    for sentence in (
        "“Days to pay” changed from 14 days to 30 days",
        "“Families may pay a part of what they chose” switched off",
        "“Welcome on the sign-in page” set to Good morning",
        "“Welcome on the sign-in page” cleared; it was Good morning",
        "“Language” changed from English to Español",
    ):
        assert sentence in text or sentence in _english_history(), sentence
    assert "head@example.org" in text


def _english_history() -> str:
    from django.utils import translation

    with translation.override("en"):
        return "\n".join(row.sentence for row in history())


def test_the_history_of_another_school_is_not_shown(
    school: Any, in_other_school: Callable[..., Any]
) -> None:
    change(fees__due_days=30)

    with in_other_school():
        assert history() == []


# The API ------------------------------------------------------------------------------------


def test_the_api_shows_every_setting_by_group(api_for: ClientFor) -> None:
    found = api_for("teacher").get(API).json()

    assert list(found) == [g for g in rules.GROUPS if g in found]
    assert found["general"]["name"] == "Lincoln Elementary"
    assert found["fees"]["due_days"] == 14
    assert found["branding"]["logo"] is None
    assert found["features"]["activities"] is True
    assert sum(map(len, found.values())) == len(tenants.all_settings())


def test_the_api_changes_several_groups_at_once(api_for: ClientFor) -> None:
    answer = api_for("admin").patch(
        API, {"fees": {"due_days": 30}, "texts": {"welcome": "Hello"}}, format="json"
    )

    assert answer.status_code == 200
    assert answer.json()["fees"]["due_days"] == 30
    assert answer.json()["texts"]["welcome"] == "Hello"
    reopen()
    assert DUE_DAYS.value == 30


@pytest.mark.parametrize(
    ("role", "body", "status", "fields"),
    [
        ("bursar", {"fees": {"due_days": 30}}, 200, []),
        ("bursar", {"general": {"name": "Mine"}}, 403, ["general.name"]),
        ("office", {"fees": {"due_days": 30}}, 403, []),
        ("guardian", {"fees": {"due_days": 30}}, 403, []),
        ("admin", {"fees": {"due_days": 400}}, 400, ["fees.due_days"]),
        ("admin", {"fees": {"due_weeks": 4}}, 400, ["fees.due_weeks"]),
        ("admin", {"feeds": {}}, 400, ["feeds"]),
        ("admin", {"fees": 1}, 400, ["fees.non_field_errors"]),
        ("admin", {"branding": {"logo": "x"}}, 400, ["branding.logo"]),
        ("admin", {"branding": {"colour": "#ffff00"}}, 422, ["branding.colour"]),
        ("admin", {"fees": {"invoice_prefix": "1"}}, 422, ["fees.invoice_prefix"]),
    ],
)
def test_the_api_refuses_by_field(
    api_for: ClientFor, role: str, body: Any, status: int, fields: list[str]
) -> None:
    answer = api_for(role).patch(API, body, format="json")

    assert answer.status_code == status, answer.json()
    assert [error["field"] for error in answer.json().get("errors", [])] == fields


def test_the_openapi_document_names_every_setting(api_for: ClientFor) -> None:
    document = api_for("admin").get("/api/schema/?format=json").json()

    schemas = document["components"]["schemas"]
    assert "due_days" in schemas["FeesSettings"]["properties"]
    patch = document["paths"]["/api/v1/school/settings/"]["patch"]
    assert patch["operationId"] == "school_settings_update"


# What it costs ------------------------------------------------------------------------------


@pytest.fixture
def quiet(school: Any) -> None:
    tenants.find_school_by_host("lincoln.testserver")


def test_reading_settings_costs_no_query(
    quiet: None, django_assert_num_queries: Callable[..., Any]
) -> None:
    with django_assert_num_queries(0):
        for one in tenants.all_settings():
            assert one.value is not None


def test_the_sign_in_page_costs_no_query_for_its_words_and_logo(
    quiet: None, anonymous: ClientFor, django_assert_num_queries: Callable[..., Any]
) -> None:
    client = anonymous()
    client.get("/sign-in/")
    with django_assert_num_queries(0):
        assert client.get("/sign-in/").status_code == 200

    change(texts__welcome="Good morning", branding__second_colour="#aa0000")
    client.get("/sign-in/")

    with django_assert_num_queries(0):
        text = client.get("/sign-in/").content.decode()
    assert "Good morning" in text
    assert re.search(r"theme\.css\?v=[0-9a-f]{6}aa0000", text)
    assert connection.schema_name == "t_000001"
