"""What other apps see of a school. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ACTIVE = "active"
SUSPENDED = "suspended"
PROVISIONING = "provisioning"
ARCHIVED = "archived"
DELETING = "deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRules:
    """What a school in one status does. Everything that depends on the status asks here."""

    opens: bool = False  # its pages and its API answer, people sign in
    works: bool = False  # events are delivered, mails sent, payments settle, beat's tasks run
    keeps_hooks: bool = False  # a gateway's message is checked and kept, if not acted upon


STATUS_RULES = {
    PROVISIONING: StatusRules(),
    ACTIVE: StatusRules(opens=True, works=True, keeps_hooks=True),
    # Money that is under way arrives; nothing new begins.
    SUSPENDED: StatusRules(works=True, keeps_hooks=True),
    # Both can be undone: a gateway must not give up our address meanwhile.
    ARCHIVED: StatusRules(keeps_hooks=True),
    DELETING: StatusRules(keeps_hooks=True),
}
WORKING = tuple(status for status, rules in STATUS_RULES.items() if rules.works)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolInfo:
    """A school as the rest of the product sees it. Times are UTC."""

    id: int
    schema_name: str
    slug: str
    name: str
    status: str
    currency: str
    language: str
    time_zone: str
    domain: str
    tagline: str = ""
    colour: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    address: str = ""
    created_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningContext:
    """Handed to every provisioning step, which runs inside the new school."""

    school: SchoolInfo
    admin_email: str
    admin_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """The outcome of provisioning: what was done, and how many seconds each step took.

    `already` is true when the school was there before: nothing was changed, no steps ran.
    """

    school: SchoolInfo
    steps: tuple[tuple[str, float], ...] = ()
    already: bool = False

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookReport:
    """What an app's books add up to (minor units, counts), and what is wrong with them."""

    totals: Mapping[str, int]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreContext:
    """Handed to every `after_restore` function, which runs inside the restored school.

    `is_copy`: a new school beside the one that was backed up, which must not mail anybody or
    speak to a gateway. Otherwise it takes that school's place, and `replaced` runs a SELECT on
    the tables that are about to be replaced; it gives None when they cannot tell (a table is
    missing, or this is a copy). `correct` has a statement run as the tables' owner once all
    functions are through, past the triggers that keep histories from being changed. `tell` says
    something to the operator who restores.
    """

    school: SchoolInfo
    is_copy: bool
    taken_at: datetime
    replaced: Callable[[str], list[tuple[Any, ...]] | None]
    correct: Callable[[str], None]
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of the school: an address on its own host, and its size in pixels."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """How the school looks beyond its colour. No logo: all pictures are None."""

    header: Picture | None = None
    icon: Picture | None = None
    email: Picture | None = None
    logo_alt: str = ""
    second_colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFigures:
    """The installation in numbers. Of the active schools: the age of the oldest newest backup, and
    how many have none."""

    schools: dict[str, int]  # by status
    spares: int
    oldest_backup_seconds: float
    schools_without_backup: int
