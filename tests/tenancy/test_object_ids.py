"""A's objects asked for at B's door, by B's own people: as if they were nowhere.

Every route with a parameter is asked twice with every method: with the id of an object that
really exists in Lincoln, and with one that exists nowhere. San Martín's answers must be the same
to the letter. That an id is a real one is proven by asking Lincoln itself: there it makes a
difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.students.models import Guardian
from kernel.schools import in_public, in_school
from tests.architecture.routes import PLATFORM, SCHOOL, Route, all_routes
from tests.tenancy.addresses import (
    FIELDS,
    NO_OBJECT,
    builder,
    fill,
    parameters,
    random_like,
    real,
)
from tests.tenancy.answers import difference, told
from tests.tenancy.things import Things

ROUTES = [
    route
    for route in all_routes()
    if parameters(route) and route.path not in NO_OBJECT and "format" not in route.path
]
OF_SCHOOL = [route for route in ROUTES if route.urlconf == SCHOOL]
PAGE_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
JSON = "application/json"
# What a form must hold before its view looks for the object; things are the asker's own.
FORMS: dict[str, Callable[[Things], dict[str, Any]]] = {
    "/api/v1/payments/<uuid:pk>/refunds/": lambda _: {"amount_minor": 100, "reason": "Trip"},
    "/portal/payments/approvals/<uuid:approval_id>/decline/": lambda _: {"note": "Paid twice"},
    "/portal/payments/<uuid:payment_id>/resolve/": lambda _: {"decision": "close", "why": "Seen"},
    "/portal/fees/disputes/<uuid:dispute_id>/decide/": lambda _: {"decision": "owed"},
    "/portal/activities/<uuid:activity_id>/sign-ups/": lambda own: {"student": own.student.pk},
}
OURS = ("/portal/", "/family/", "/api/")


def test_every_route_with_a_parameter_has_a_real_object() -> None:
    """A new route: add what its parameter names to tests/tenancy/addresses.py."""
    missing = [
        (str(route), name)
        for route in ROUTES
        for name in parameters(route)
        if builder(route, name) is None
    ]
    assert missing == []


def people(make: Any, api: Any, school: Any, own: Things) -> dict[str, Any]:
    """An admin, a guardian with an account, a visitor, and a token of the admin."""
    guardian = make("guardian", school, email="own.guardian@example.org")
    with in_school(school.schema_name):
        Guardian.objects.filter(pk=own.guardian.pk).update(user_id=guardian.user.id)
    return {
        "own": own,
        "/portal/": make("admin", school, email="own.admin@example.org"),
        "/family/": guardian,
        "/api/": api("admin", school, email="own.token@example.org"),
        "": Client(headers={"host": school.primary_host}),
    }


def visitor_of(who: dict[str, Any], route: Route) -> Any:
    """Whoever of them has business there, in a fresh browser window."""
    client = next(who[prefix] for prefix in (*OURS, "") if route.path.startswith(prefix))
    window = copy(client)
    window.cookies = deepcopy(client.cookies)
    window.raise_request_exception = False
    return window


def ask(who: dict[str, Any], route: Route, method: str, values: dict[str, str]) -> Any:
    client, address = visitor_of(who, route), fill(route, values)
    form = FORMS.get(route.path, lambda _: {})(who["own"])
    if route.is_api:
        headers = {"Idempotency-Key": "the-only-one"}
        return client.generic(method, address, json.dumps(form), JSON, headers=headers)
    if method == "POST":
        return client.post(address, form)
    return client.generic(method, address)


@pytest.fixture
def undone() -> Callable[[Callable[[], Any]], Any]:
    """undone(call): what the call returns, with everything it wrote taken back."""

    def run(call: Callable[[], Any]) -> Any:
        with transaction.atomic():
            result = call()
            transaction.set_rollback(True)
            return result

    return run


@pytest.fixture
def things(school: Any, clear_cache: None, tmp_path: Any, settings: Any) -> Things:
    settings.MEDIA_ROOT = str(tmp_path)
    return Things()


@pytest.fixture
def at_b(client_for: Any, api_for: Any, other_school: Any) -> dict[str, Any]:
    return people(client_for, api_for, other_school, Things())


@pytest.fixture
def at_a(client_for: Any, api_for: Any, school: Any, things: Things) -> dict[str, Any]:
    return people(client_for, api_for, school, things)


def rows_of(schema_name: str) -> dict[str, str]:
    """A digest of every table of the school."""
    with in_school(schema_name), connection.cursor() as cursor:
        return {
            table: _digest(cursor, table) for table in connection.introspection.table_names(cursor)
        }


def _digest(cursor: Any, table: str) -> str:
    rows = connection.ops.quote_name(table)
    query = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {rows} t"
    cursor.execute(query)
    return str(cursor.fetchone()[0])


def test_b_cannot_tell_an_object_of_a_from_nothing(
    at_b: dict[str, Any], things: Things, undone: Callable[..., Any], school: Any
) -> None:
    wanted = {route: real(route, things) for route in OF_SCHOOL}
    before = rows_of(school.schema_name)
    told_apart: list[str] = []
    opened = []
    for route, values in wanted.items():
        nothing = random_like(values)
        for method in PAGE_METHODS:
            ours = undone(lambda r=route, m=method, v=values: ask(at_b, r, m, v))
            none = undone(lambda r=route, m=method, v=nothing: ask(at_b, r, m, v))
            if found := difference(told(ours, values), told(none, nothing)):
                told_apart.append(f"{route} {method}\n{found}")
            if method != "OPTIONS" and not 300 <= ours.status_code < 500:
                opened.append((str(route), method, ours.status_code))
    assert not told_apart, "\n".join(told_apart)
    assert opened == []
    assert rows_of(school.schema_name) == before


def _differs(
    undone: Any, who: dict[str, Any], route: Route, method: str, values: dict[str, str]
) -> bool:
    nothing = random_like(values)
    ours = undone(lambda: ask(who, route, method, values))
    none = undone(lambda: ask(who, route, method, nothing))
    return told(ours, values) != told(none, nothing)


def test_at_home_the_same_objects_do_make_a_difference(
    at_a: dict[str, Any], things: Things, undone: Callable[..., Any]
) -> None:
    """The control: else a builder whose object does not fit its route would prove nothing."""
    indifferent = []
    for route in OF_SCHOOL:
        values = real(route, things)
        if not any(_differs(undone, at_a, route, method, values) for method in PAGE_METHODS):
            indifferent.append(str(route))
    assert not indifferent, "\n".join(indifferent)


def test_fields_and_filters_take_no_object_of_a(
    at_b: dict[str, Any], things: Things, undone: Callable[..., Any], school: Any
) -> None:
    """The same for ids in a form, in JSON and in a query: on every route without a parameter."""
    values = {name: str(build(things)) for name, build in FIELDS.items()}
    nothing = random_like(values)
    before = rows_of(school.schema_name)
    told_apart: list[str] = []
    for route in all_routes():
        if route.urlconf != SCHOOL or parameters(route) or "(" in route.path:
            continue
        for method in ("GET", "POST", "PATCH"):
            ours = undone(lambda r=route, m=method: _with_fields(at_b, r, m, values))
            none = undone(lambda r=route, m=method: _with_fields(at_b, r, m, nothing))
            if found := difference(told(ours, values), told(none, nothing)):
                told_apart.append(f"{route} {method}\n{found}")
    assert not told_apart, "\n".join(told_apart)
    assert rows_of(school.schema_name) == before


def _with_fields(who: dict[str, Any], route: Route, method: str, values: dict[str, str]) -> Any:
    client = visitor_of(who, route)
    if method == "GET":
        return client.get(route.path, values)
    if route.is_api:
        return getattr(client, method.lower())(route.path, values, format="json")
    return client.post(route.path, values)


def test_a_school_of_the_console_exists_for_operators_only(
    client_for: Any, operator_client: Client, things: Things, school: Any
) -> None:
    """The platform's host: a school's cookie there, and the operator's on a school's host."""
    stray = client_for("admin", email="stray@example.org")
    stray.defaults["HTTP_HOST"] = "testserver"
    visitor = Client(headers={"host": "testserver"})
    lost = Client(headers={"host": school.primary_host})
    lost.cookies = deepcopy(operator_client.cookies)
    for route in (r for r in ROUTES if r.urlconf == PLATFORM and "/operator/" in r.path):
        values = real(route, things)
        nothing = random_like(values)
        for client in (stray, visitor, lost):
            for method in PAGE_METHODS:
                ours = client.generic(method, fill(route, values))
                none = client.generic(method, fill(route, nothing))
                assert not difference(told(ours, values), told(none, nothing)), str(route)
                assert 300 <= ours.status_code < 500, (str(route), method, ours.status_code)
    with in_public():
        assert operator_client.get(f"/operator/schools/{school.id}/").status_code == 200
