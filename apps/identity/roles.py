"""Roles of the school's world and what they may do. Plain Python: everything may import it."""

from collections.abc import Iterable, Mapping

ADMIN = "admin"
BURSAR = "bursar"
OFFICE = "office"
TEACHER = "teacher"
GUARDIAN = "guardian"
OPERATOR = "operator"

STAFF_ROLES = (ADMIN, BURSAR, OFFICE, TEACHER)
SCHOOL_ROLES = (*STAFF_ROLES, GUARDIAN)
ALL_ROLES = (*SCHOOL_ROLES, OPERATOR)

_codenames_by_role: dict[str, frozenset[str]] = {}


class UnknownRole(Exception):
    """A permissions module grants something to a role that does not exist."""


def learn_grants(grants_by_app: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
    """Replace what every role may do: {app label: {codename: roles}}.

    Raises UnknownRole, naming the app and the codename, so that a typing mistake stops the start
    instead of silently locking people out.
    """
    learnt: dict[str, set[str]] = {role: set() for role in ALL_ROLES}
    for app_label, grants in grants_by_app.items():
        for codename, roles in grants.items():
            for role in _checked(app_label, codename, roles):
                learnt[role].add(codename)
    _codenames_by_role.clear()
    _codenames_by_role.update({role: frozenset(names) for role, names in learnt.items()})


def _checked(app_label: str, codename: str, roles: Iterable[str]) -> tuple[str, ...]:
    if isinstance(roles, str):
        raise UnknownRole(f"{app_label}: {codename} grants a string; write a tuple of roles")
    names = tuple(roles)
    unknown = sorted(set(names) - set(ALL_ROLES))
    if unknown:
        raise UnknownRole(f"{app_label}: {codename} is granted to unknown roles {unknown}")
    return names


def codenames_of(roles: Iterable[str]) -> frozenset[str]:
    """The union of everything these roles may do."""
    return frozenset().union(*(_codenames_by_role.get(role, frozenset()) for role in roles))


def may(roles: Iterable[str], codename: str) -> bool:
    return any(codename in _codenames_by_role.get(role, frozenset()) for role in roles)
