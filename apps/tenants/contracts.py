"""What other apps see of a school. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

ACTIVE = "active"
SUSPENDED = "suspended"
PROVISIONING = "provisioning"


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
