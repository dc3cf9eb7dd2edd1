"""The first administrator's way in, known to a higher app: a link to choose a password."""

from __future__ import annotations

from collections.abc import Callable

from apps.tenants.contracts import SchoolInfo
from kernel.schools import in_school

# The administrator's e-mail address -> an absolute link, "" when there is none (any more).
WelcomeLink = Callable[[str], str]

_registered: list[WelcomeLink] = []


def welcome_link(function: WelcomeLink) -> WelcomeLink:
    """Register the function, in an app's provisioning.py; it runs inside the school."""
    _registered[:] = [function]
    return function


def welcome_link_of(school: SchoolInfo, admin_email: str) -> str:
    """The link for the school's first administrator; "" once a password was chosen."""
    with in_school(school.schema_name):
        return _registered[0](admin_email) if _registered else ""
