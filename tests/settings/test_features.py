"""What a school switches off is gone: from the menus, the pages and the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from apps.fees.services import links
from apps.payments import facade as payments
from apps.payments.tests.factories import order
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from config.gateway import navigation
from config.gateway.features import missing_feature, path_of
from kernel.errors import Forbidden
from kernel.schools import current_school
from tests.architecture.routes import SCHOOL, Route, all_routes

ClientFor = Callable[..., Any]
ROUTES = [route for route in all_routes() if route.urlconf == SCHOOL]
# Whole apps that are a feature: each of their views has to be covered by it.
APPS = {"apps.activities": "activities", "apps.website": "website"}
# Asked for by machines on every host.
ALWAYS = {"apps.website.public.machines.robots"}


def switch_off(*names: str) -> None:
    values = {f"features.{name}": False for name in names}
    tenants.change_settings(school_id=1, values=values)
    reopen()


def address(route: Route) -> str:
    """An address that leads to this route."""
    path = re.sub(r"<uuid:\w+>", str(uuid4()), route.path)
    path = re.sub(r"<(?:slug|str):\w+>", "abc", path)
    path = re.sub(r"<int:\w+>", "1", path)
    path = re.sub(r"\(\?P<format>[^)]*\)\/?\??", "", path.replace("\\.", "."))
    return re.sub(r"\(\?P<\w+>[^)]*\)", str(uuid4()), path)


def routes_of(feature: tenants.Feature) -> list[Route]:
    return [r for r in ROUTES if feature in tenants.features_of(path_of(r.callback))]


@pytest.mark.parametrize("app", APPS)
def test_every_view_of_the_app_belongs_to_its_feature(app: str) -> None:
    routes = [route for route in ROUTES if path_of(route.callback).startswith(f"{app}.")]

    assert len(routes) > 5
    for route in routes:
        names = {one.name for one in tenants.features_of(path_of(route.callback))}
        assert APPS[app] in names, route


def test_what_a_feature_covers_exists() -> None:
    for feature in tenants.all_features():
        for prefix in feature.covers:
            found = [r for r in ROUTES if f"{path_of(r.callback)}.".startswith(f"{prefix}.")]
            assert found, prefix


@pytest.mark.parametrize("name", ["activities", "website", "online_payments", "family_link"])
def test_no_route_of_it_answers(school: Any, client_for: ClientFor, name: str) -> None:
    """Also for an administrator, by any method, and in the API."""
    (feature,) = [one for one in tenants.all_features() if one.name == name]
    client = client_for("admin")
    switch_off(name)

    for route in routes_of(feature):
        if path_of(route.callback) in ALWAYS:
            continue
        for send in (client.get, client.post):
            answer = send(address(route))
            if route.path == "/":
                assert answer.headers["Location"] == "/sign-in/"
                continue
            assert answer.status_code == 404, route
            if route.path.startswith("/api/"):
                assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_api_is_refused_as_a_whole(school: Any, api_for: ClientFor) -> None:
    client = api_for("admin")
    assert client.get("/api/v1/students/").status_code == 200
    switch_off("api")

    for route in ROUTES:
        if route.path.startswith("/api/"):
            answer = client.get(address(route))
            assert answer.status_code == 403, route
            assert answer.json()["detail"] == "This school has switched its API off."


def test_switched_on_nothing_is_missing(school: Any) -> None:
    for route in ROUTES:
        assert missing_feature(route.callback, current_school()) is None


def test_the_menus_show_what_is_left(school: Any, client_for: ClientFor) -> None:
    user = client_for("admin").user
    everything = _urls(user)
    switch_off("activities", "website")

    gone = everything - _urls(user)

    assert gone == {
        "/portal/activities/",
        "/portal/website/",
        "/family/activities/",
        "/",
        "/news/",
        "/calendar/",
        "/staff/",
        "/documents/",
    }


def _urls(user: Any) -> set[str]:
    school = current_school()
    groups = navigation.portal(user, "/portal/", school)
    menus = (navigation.family(user, "/", school), navigation.site("/", school))
    lists = [group.items for group in groups] + list(menus)
    return {item.url for items in lists for item in items}


def test_another_school_keeps_what_this_one_switched_off(
    school: Any, other_school: Any, anonymous: ClientFor
) -> None:
    switch_off("website")

    assert anonymous(other_school).get("/news/").status_code == 200
    assert anonymous().get("/news/").status_code == 404


def test_no_payment_starts_while_payments_online_are_off(school: Any) -> None:
    switch_off("online_payments")

    assert payments.can_take_payments() is False
    with pytest.raises(Forbidden):
        payments.start_payment(order())


def test_links_that_were_sent_open_nothing_while_they_are_off(
    school: Any, anonymous: ClientFor
) -> None:
    from apps.fees.tests.factories import make_class, make_family

    family = make_family(make_class())
    guardian_id = family.guardian.pk
    path = links.family_link_path(guardian_id=guardian_id)
    client = anonymous()
    assert client.get(path).status_code == 302
    assert client.get("/family/").status_code == 200

    switch_off("family_link")

    assert client.get(path).status_code == 404
    # The page that the link had opened before is closed too.
    assert client.get("/family/").headers["Location"].startswith("/sign-in/")
    url = links.family_link_url(guardian_id=guardian_id)
    assert url == "http://lincoln.testserver/family/"
