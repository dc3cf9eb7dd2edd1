"""Every route of a school's host against every credential that is not that school's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.identity import facade as identity
from conftest import make_user
from kernel.access import PUBLIC
from kernel.schools import in_school
from tests.architecture.routes import SCHOOL, Route, all_routes
from tests.architecture.test_views import OPEN_API_VIEWS, declared

SAMPLES = {"uuid": str(uuid4()), "int": "7", "slug": "some-slug", "str": "some-text", "path": "a"}


def address(route: Route) -> str:
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda m: SAMPLES[m.group(1) or "str"], route.path)
    path = re.sub(r"\(\?P<\w+>[^)]*\)", SAMPLES["uuid"], path)
    return re.sub(r"[\\^$]|\\Z", "", path).replace("/?", "/")


def is_open(route: Route) -> bool:
    if route.is_api and route.callback.cls.__name__ in OPEN_API_VIEWS:
        return True
    return PUBLIC in declared(route)


CLOSED = [
    route
    for route in all_routes()
    if route.urlconf == SCHOOL and not is_open(route) and "format" not in route.path
]


def methods(route: Route) -> list[str]:
    actions = getattr(route.callback, "actions", None)
    return sorted(method.upper() for method in actions) if actions else ["GET", "POST"]


def refused(response: Any) -> bool:
    """Turned away for who they are: a 404 for the made-up object of the address would say that
    the view was reached. A redirect counts only when it leads to the sign-in page."""
    if response.status_code in (301, 302):
        return response.url.startswith("/sign-in/")
    return response.status_code in (401, 403)


@pytest.fixture
def strangers(
    client_for: Callable[..., Client], anonymous: Callable[..., Client], school: Any
) -> dict[str, Client]:
    """Who knocks at San Martín's door without being of it: all of them admins at Lincoln."""
    on_b = {"headers": {"host": "sanmartin.testserver"}}
    cookie = client_for("admin", email="cookie@example.org")
    cookie.defaults["HTTP_HOST"] = "sanmartin.testserver"
    with in_school(school.schema_name):
        token = identity.issue_tokens(make_user("admin", email="token@example.org").id).access
    bearer = Client(**on_b)
    bearer.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    forged = client_for("admin", email="forged@example.org")
    forged.defaults.update(
        HTTP_HOST="sanmartin.testserver", HTTP_X_FORWARDED_HOST="lincoln.testserver"
    )
    return {"no token": Client(**on_b), "A's cookie": cookie, "A's token": bearer, "forged": forged}


def test_there_are_closed_routes() -> None:
    assert len(CLOSED) > 60


def test_no_closed_route_of_b_opens_to_a_stranger(strangers: dict[str, Client]) -> None:
    opened = [
        (str(route), method, who, response.status_code)
        for route in CLOSED
        for method in methods(route)
        for who, client in strangers.items()
        if not refused(response := client.generic(method, address(route)))
    ]
    assert opened == []
