"""Every view says who may open it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps

from config.gateway.people import declared_permission
from kernel.access import OPERATOR, PUBLIC, SIGNED_IN, STAFF
from tests.architecture.routes import SCHOOL, Route, all_routes

ROUTES = all_routes()
WORDS = {PUBLIC, SIGNED_IN, STAFF, OPERATOR}
# The schema document and its page describe the API and hold nobody's data.
OPEN_API_VIEWS = {"SpectacularAPIView", "SpectacularSwaggerSplitView"}


def known_permissions() -> set[str]:
    from importlib import import_module

    found = set()
    for config in apps.get_app_configs():
        if config.name.startswith("apps."):
            try:
                found |= set(import_module(f"{config.name}.permissions").GRANTS)
            except ModuleNotFoundError:
                continue
    return found


def declared(route: Route) -> set[str]:
    if not route.is_api:
        return {declared_permission(route.callback)}
    view = route.callback.cls
    table = getattr(view, "permissions", None) or {"*": getattr(view, "permission", "")}
    actions = getattr(route.callback, "actions", None) or {"get": "list"}
    return {table.get(action, table.get("*", "")) for action in set(actions.values())}


def test_there_are_routes_to_check() -> None:
    assert len(ROUTES) > 100


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_view_declares_a_permission_that_exists(route: Route) -> None:
    if route.is_api and route.callback.cls.__name__ in OPEN_API_VIEWS:
        return
    permissions = declared(route)
    assert "" not in permissions, f"{route.callback} declares no permission"
    assert permissions <= known_permissions() | WORDS


@pytest.mark.parametrize("route", [r for r in ROUTES if r.path.startswith("/portal/")], ids=str)
def test_no_portal_page_is_open_to_parents_or_strangers(route: Route) -> None:
    from apps.identity.roles import codenames_of

    assert route.urlconf == SCHOOL
    assert not declared(route) & {PUBLIC, SIGNED_IN}
    assert not declared(route) & set(codenames_of(["guardian"]))


# Views without Django's check for forms of other sites, each with its reason.
NO_CSRF_CHECK = {
    "school:/hooks/payments/<str:webhook_key>/",  # signed by the gateway instead
    "school:/language/",  # changes the reader's own language cookie only
    "platform:/language/",
    "school:/portal/students/import/",  # checks inside, after choosing how to take the upload
}


def test_the_list_of_views_without_csrf_check() -> None:
    exempt = {
        str(route)
        for route in ROUTES
        if getattr(route.callback, "csrf_exempt", False) and not route.is_api
    }
    assert exempt <= NO_CSRF_CHECK


def test_the_import_page_still_refuses_forms_of_other_sites(client_for: Any) -> None:
    client = client_for("admin")
    client.handler.enforce_csrf_checks = True
    assert client.post("/portal/students/import/", {}).status_code == 403
