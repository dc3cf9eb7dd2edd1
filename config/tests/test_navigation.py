"""The menus: each person sees the places they may open, and where they are."""

from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from django.urls import resolve

from config.gateway import checklist, context, navigation
from kernel.access import Anonymous


def person(*roles: str, granted: tuple[str, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(
        is_authenticated=True,
        roles=frozenset(roles),
        name="Ana Pérez",
        email="ana@example.org",
        can=lambda permission: permission in granted,
    )


def urls(groups: list[navigation.Group]) -> list[str]:
    return [item.url for group in groups for item in group.items]


def test_the_portal_menu_holds_only_what_the_person_may_open() -> None:
    teacher = person("teacher", granted=("students.view_students",))

    groups = navigation.portal(teacher, "/portal/")

    assert urls(groups) == [
        "/portal/",
        "/portal/students/",
        "/portal/students/guardians/",
        "/portal/students/classes/",
    ]
    assert [group.title for group in groups] == ["", "People"]


def test_a_stranger_has_no_portal_menu() -> None:
    assert navigation.portal(Anonymous(), "/portal/") == []


@pytest.mark.parametrize(
    ("path", "active"),
    [
        ("/portal/", "/portal/"),
        ("/portal/students/", "/portal/students/"),
        ("/portal/students/add/", "/portal/students/"),
        ("/portal/students/classes/", "/portal/students/classes/"),
        ("/portal/students/guardians/1/", "/portal/students/guardians/"),
    ],
)
def test_exactly_one_place_is_marked(path: str, active: str) -> None:
    groups = navigation.portal(person("teacher", granted=("students.view_students",)), path)

    marked = [item for group in groups for item in group.items if item.active]

    assert [item.url for item in marked] == [active]
    assert marked[0].exact == (path == active)


def test_a_family_sees_its_two_places_and_a_link_reader_none() -> None:
    items = navigation.family(person("guardian"), "/family/activities/")

    assert [(item.url, item.active) for item in items] == [
        ("/family/", False),
        ("/family/activities/", True),
    ]
    assert navigation.family(Anonymous(), "/family/") == []


def test_every_place_and_every_step_exists() -> None:
    menus = [place.url for _title, places in navigation.PORTAL for place in places]
    menus += [place.url for place in (*navigation.FAMILY, *navigation.SITE)]

    for url in (*menus, *(rule.url for rule in checklist.RULES)):
        assert resolve(url, urlconf="config.urls_school"), url


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ana María Pérez", "AP"),
        ("ana", "A"),
        ("ana@example.org", "AE"),
        ("", "?"),
        ("(none) 7", "?"),
        ("Öz de la Cruz", "ÖC"),
    ],
)
def test_initials(name: str, initials: str) -> None:
    assert context.initials(name) == initials


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        (("operator",), "/operator/"),
        (("admin", "guardian"), "/portal/"),
        (("guardian",), "/family/"),
    ],
)
def test_home_of_a_person(roles: tuple[str, ...], home: str) -> None:
    assert context.home_url(person(*roles)) == home


def test_the_shell_needs_neither_person_nor_session() -> None:
    """Error pages are rendered before anybody is known."""
    values = context.shell(RequestFactory().get("/nowhere/"))

    assert values["school"] is None
    assert values["nav"]() == []
    assert values["user_initials"]() == "?"


def test_role_labels_follow_the_order_of_the_house() -> None:
    assert navigation.role_labels({"guardian", "admin"}) == "Administrator, Parent or guardian"
