"""Every view says who may open it. The gateway enforces it and refuses a view that says nothing."""

from collections.abc import Callable
from typing import Any, TypeVar

PUBLIC = "public"  # anybody
SIGNED_IN = "signed_in"  # any signed-in person of this host
STAFF = "staff"  # any staff role of the school
OPERATOR = "operator"  # the platform's own people, on the platform's host only

STAFF_ROLES = frozenset({"admin", "bursar", "office", "teacher"})

View = TypeVar("View", bound=Callable[..., Any])


def access(permission: str) -> Callable[[View], View]:
    """Declare the permission a function view needs: a codename or one of the words above."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare


def allowed(user: Any, permission: str) -> bool:
    """Whether this user (anonymous included) may open a view declared with `permission`."""
    if permission == PUBLIC:
        return True
    if not user.is_authenticated:
        return False
    if permission == SIGNED_IN:
        return True
    roles = set(user.roles)
    if permission == STAFF:
        return bool(roles & STAFF_ROLES)
    if permission == OPERATOR:
        return "operator" in roles
    return bool(user.can(permission))


class Anonymous:
    """The person who has not signed in."""

    id = None
    pk = None
    email = ""
    name = ""
    language = ""
    roles: frozenset[str] = frozenset()
    is_authenticated = False
    is_anonymous = True
    is_active = False

    def can(self, permission: str) -> bool:
        return False

    def __str__(self) -> str:
        return "anonymous"
