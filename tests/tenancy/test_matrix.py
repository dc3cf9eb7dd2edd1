"""Every closed route of both hosts against every credential that does not belong there."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from django.test import Client

from apps.identity import facade as identity
from conftest import make_user
from kernel.access import PUBLIC
from kernel.schools import in_public, in_school
from tests.architecture.routes import PLATFORM, SCHOOL, Route, all_routes
from tests.architecture.test_views import OPEN_API_VIEWS, declared
from tests.tenancy.addresses import fill, parameters, real
from tests.tenancy.answers import body
from tests.tenancy.things import Things

LINCOLN, SAN_MARTIN, PLATFORM_HOST = "lincoln.testserver", "sanmartin.testserver", "testserver"
PAGE_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# Hosts that look like a school's, and are none.
NEARLY = [
    "lincoln.testserver.evil.example",
    "evil-lincoln.testserver",
    "lincoln",
    "t_000001.testserver",
    "lincoln.testserver@evil.example",
    "lincoln.testserver\\@evil.example",
    "",
    "127.0.0.1",
]


def is_open(route: Route) -> bool:
    if route.is_api and route.callback.cls.__name__ in OPEN_API_VIEWS:
        return True
    return PUBLIC in declared(route)


def closed(urlconf: str) -> list[Route]:
    return [
        route
        for route in all_routes()
        if route.urlconf == urlconf and not is_open(route) and "format" not in route.path
    ]


def methods(route: Route) -> list[str]:
    actions = getattr(route.callback, "actions", None)
    return sorted(method.upper() for method in actions) if actions else PAGE_METHODS


def refused(response: Any) -> bool:
    """Turned away for who they are: a 404 for the made-up object of the address would say that
    the view was reached. A redirect counts only when it leads to the sign-in page."""
    if response.status_code in (301, 302):
        return bool(response.url.startswith("/sign-in/"))
    return response.status_code in (401, 403)


def at(host: str, cookies: Any = None, **more: str) -> Client:
    client = Client(headers={"host": host})
    if cookies is not None:
        client.cookies = deepcopy(cookies)
    client.defaults.update(more)
    return client


def opened_by(routes: list[Route], values: dict[str, dict[str, str]], who: dict[str, Any]) -> Any:
    return [
        (str(route), method, name, response.status_code)
        for route in routes
        for method in methods(route)
        for name, client in who.items()
        if not refused(response := client.generic(method, fill(route, values.get(route.path, {}))))
    ]


@pytest.fixture
def keys(client_for: Callable[..., Client], operator_client: Client, school: Any) -> dict[str, Any]:
    """Lincoln's administrator by cookie and by token, and the operator's cookie."""
    admin = client_for("admin", email="cookie@example.org")
    with in_school(school.schema_name):
        token = identity.issue_tokens(make_user("admin", email="token@example.org").id).access
    return {"cookie": admin.cookies, "token": token, "operator": operator_client.cookies}


@pytest.fixture
def addresses(school: Any, clear_cache: None) -> dict[str, dict[str, str]]:
    """For every route the ids of Lincoln's own objects."""
    things = Things()
    return {route.path: real(route, things) for route in all_routes() if parameters(route)}


def test_there_are_closed_routes() -> None:
    assert len(closed(SCHOOL)) > 60
    assert len(closed(PLATFORM)) >= 5


def test_no_closed_route_of_b_opens_to_a_stranger(
    keys: dict[str, Any], addresses: dict[str, dict[str, str]]
) -> None:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {keys['token']}"}
    forwarded = {"HTTP_X_FORWARDED_HOST": LINCOLN, "HTTP_FORWARDED": f"host={LINCOLN}"}
    strangers = {
        "nobody": at(SAN_MARTIN),
        "A's cookie": at(SAN_MARTIN, keys["cookie"]),
        "A's token": at(SAN_MARTIN, **bearer),
        "A's cookie, forwarded": at(SAN_MARTIN, keys["cookie"], **forwarded),
        "A's token, forwarded": at(SAN_MARTIN, **bearer, **forwarded),
        "the operator": at(SAN_MARTIN, keys["operator"]),
    }
    assert opened_by(closed(SCHOOL), addresses, strangers) == []


def test_no_closed_route_of_the_platform_opens_to_a_school(
    keys: dict[str, Any], addresses: dict[str, dict[str, str]]
) -> None:
    strangers = {
        "nobody": at(PLATFORM_HOST),
        "a school's cookie": at(PLATFORM_HOST, keys["cookie"]),
        "a school's token": at(PLATFORM_HOST, HTTP_AUTHORIZATION=f"Bearer {keys['token']}"),
    }
    assert opened_by(closed(PLATFORM), addresses, strangers) == []


@pytest.mark.parametrize("host", NEARLY)
def test_a_host_of_no_school_serves_nothing(
    host: str, keys: dict[str, Any], addresses: dict[str, dict[str, str]]
) -> None:
    """With the right cookie and the right name in every header but the one that counts."""
    visitor = at(host, keys["cookie"], HTTP_X_FORWARDED_HOST=LINCOLN)
    visitor.defaults["HTTP_AUTHORIZATION"] = f"Bearer {keys['token']}"
    for route in all_routes():
        if route.urlconf == SCHOOL and "(" not in route.path:
            response = visitor.get(fill(route, addresses.get(route.path, {})))
            assert response.status_code == 404, str(route)
            assert "Lincoln" not in body(response)


@pytest.mark.parametrize("host", ["lincoln.testserver:8000", "LINCOLN.TestServer", f"{LINCOLN}."])
def test_a_forwarded_host_changes_no_school(host: str, keys: dict[str, Any]) -> None:
    """The control: spelled otherwise it is still Lincoln, whatever a proxy's header says."""
    response = at(host, keys["cookie"], HTTP_X_FORWARDED_HOST=SAN_MARTIN).get("/portal/")
    assert response.status_code == 200
    assert "Lincoln Elementary" in body(response)
    assert "San Martín" not in body(response)


def test_the_operators_cookie_is_worth_something_at_home(keys: dict[str, Any]) -> None:
    with in_public():
        assert at(PLATFORM_HOST, keys["operator"]).get("/operator/").status_code == 200
    assert at(LINCOLN, keys["cookie"]).get("/portal/").status_code == 200
