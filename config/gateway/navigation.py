"""The menus: which places exist, and which of them this person may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.activities import permissions as activities
from apps.fees import permissions as fees
from apps.identity import permissions as identity
from apps.notifications import permissions as notifications
from apps.payments import permissions as payments
from apps.students import permissions as students
from apps.tenants import permissions as tenants
from apps.website import permissions as website
from config.gateway.features import is_open
from kernel.access import OPERATOR, PUBLIC, STAFF, allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    label: Any  # lazily translated
    url: str
    icon: str
    permission: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a menu. `active`: the page is here or below; `exact`: it is this page."""

    label: str
    url: str
    icon: str
    active: bool
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    title: str
    items: list[Item]


PORTAL: tuple[tuple[Any, tuple[Place, ...]], ...] = (
    (
        "",
        (
            Place(
                label=pgettext_lazy("first page", "Home"),
                url="/portal/",
                icon="home",
                permission=STAFF,
            ),
        ),
    ),
    (
        gettext_lazy("People"),
        (
            Place(
                label=gettext_lazy("Students"),
                url="/portal/students/",
                icon="students",
                permission=students.VIEW_STUDENTS,
            ),
            Place(
                label=gettext_lazy("Guardians"),
                url="/portal/students/guardians/",
                icon="users",
                permission=students.VIEW_STUDENTS,
            ),
            Place(
                label=gettext_lazy("Classes"),
                url="/portal/students/classes/",
                icon="class",
                permission=students.VIEW_STUDENTS,
            ),
        ),
    ),
    (
        gettext_lazy("Money"),
        (
            Place(
                label=gettext_lazy("Fees and billing"),
                url="/portal/fees/",
                icon="receipt",
                permission=fees.VIEW_FEES,
            ),
            Place(
                label=gettext_lazy("Payments"),
                url="/portal/payments/",
                icon="card",
                permission=payments.VIEW_PAYMENTS,
            ),
            Place(
                label=gettext_lazy("Reports"),
                url="/portal/fees/reports/",
                icon="chart",
                permission=fees.VIEW_REPORTS,
            ),
        ),
    ),
    (
        gettext_lazy("School life"),
        (
            Place(
                label=gettext_lazy("Activities"),
                url="/portal/activities/",
                icon="calendar",
                permission=activities.VIEW_ACTIVITIES,
            ),
            Place(
                label=gettext_lazy("Messages"),
                url="/portal/messages/",
                icon="mail",
                permission=notifications.VIEW_MESSAGES,
            ),
            Place(
                label=gettext_lazy("Website and news"),
                url="/portal/website/",
                icon="news",
                permission=website.EDIT_SITE,
            ),
        ),
    ),
    (
        gettext_lazy("Administration"),
        (
            Place(
                label=gettext_lazy("Staff accounts"),
                url="/portal/people/",
                icon="shield",
                permission=identity.MANAGE_PEOPLE,
            ),
            Place(
                label=gettext_lazy("School settings"),
                url="/portal/settings/",
                icon="settings",
                permission=tenants.OPEN_SETTINGS,
            ),
        ),
    ),
)

FAMILY = (
    Place(label=gettext_lazy("To pay"), url="/family/", icon="receipt", permission=PUBLIC),
    Place(
        label=gettext_lazy("Activities"),
        url="/family/activities/",
        icon="calendar",
        permission=PUBLIC,
    ),
)

SITE = (
    Place(label=pgettext_lazy("first page", "Home"), url="/", icon="home", permission=PUBLIC),
    Place(label=gettext_lazy("News"), url="/news/", icon="news", permission=PUBLIC),
    Place(label=gettext_lazy("Calendar"), url="/calendar/", icon="calendar", permission=PUBLIC),
    Place(label=gettext_lazy("Staff"), url="/staff/", icon="users", permission=PUBLIC),
    Place(label=gettext_lazy("Documents"), url="/documents/", icon="file", permission=PUBLIC),
)

PLATFORM = (
    Place(label=gettext_lazy("Console"), url="/operator/", icon="home", permission=OPERATOR),
    Place(
        label=gettext_lazy("Schools"),
        url="/operator/schools/",
        icon="building",
        permission=OPERATOR,
    ),
    Place(
        label=gettext_lazy("Sign-ups"),
        url="/operator/sign-ups/",
        icon="flag",
        permission=OPERATOR,
    ),
    Place(label=gettext_lazy("Plans"), url="/operator/plans/", icon="tag", permission=OPERATOR),
    Place(
        label=gettext_lazy("Invoices"),
        url="/operator/invoices/",
        icon="receipt",
        permission=OPERATOR,
    ),
    Place(
        label=gettext_lazy("Work"),
        url="/operator/operations/",
        icon="clock",
        permission=OPERATOR,
    ),
    Place(
        label=gettext_lazy("Events"),
        url="/operator/events/",
        icon="send",
        permission=OPERATOR,
    ),
)

# The order of a person's roles in the menu.
ROLES = {
    "admin": gettext_lazy("Administrator"),
    "bursar": gettext_lazy("Bursar"),
    "office": gettext_lazy("Office"),
    "teacher": gettext_lazy("Teacher"),
    "guardian": gettext_lazy("Parent or guardian"),
    "operator": gettext_lazy("Operator"),
}


def portal(user: Any, path: str, school: Any = None) -> list[Group]:
    """The staff menu, with the groups that are empty for this person left out."""
    groups = [
        Group(title=str(title), items=_items(_open(places, school), user, path))
        for title, places in PORTAL
    ]
    return [group for group in groups if group.items]


def family(user: Any, path: str, school: Any = None) -> list[Item]:
    """Nothing for a reader who came by a signed link: the link opens the balance only."""
    return _items(_open(FAMILY, school), user, path) if user.is_authenticated else []


def site(path: str, school: Any = None) -> list[Item]:
    return [_item(place, path, SITE) for place in _open(SITE, school)]


def _open(places: tuple[Place, ...], school: Any) -> tuple[Place, ...]:
    """Without what this school switched off."""
    return tuple(place for place in places if is_open(place.url, school))


def platform(user: Any, path: str) -> list[Item]:
    return _items(PLATFORM, user, path)


def role_labels(roles: Any) -> str:
    """ "Administrator, Bursar" in the active language."""
    return ", ".join(str(label) for role, label in ROLES.items() if role in roles)


def _items(places: tuple[Place, ...], user: Any, path: str) -> list[Item]:
    return [_item(place, path, places) for place in places if allowed(user, place.permission)]


def _item(place: Place, path: str, siblings: tuple[Place, ...]) -> Item:
    """Active on its own page and below it, unless a longer address of the same menu fits better:
    /family/activities/ is not "To pay", and nothing is below the first page."""
    rivals = [other.url for other in siblings if len(other.url) > len(place.url)]
    below = path.startswith(place.url) and not any(path.startswith(url) for url in rivals)
    is_first_page = place.url in ("/", "/portal/", "/operator/")
    return Item(
        label=str(place.label),
        url=place.url,
        icon=place.icon,
        active=path == place.url or (below and not is_first_page),
        exact=path == place.url,
    )
