"""What tenants tells the other apps. Standard library only.

What happens to a school lands in the public schema's outbox (it outlives the school),
`tenants.settings_changed` in the school's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolProvisioned:
    """A new school is open: its tables, first settings and invitation are there.

    The school's own name is `school_name`, since `name` is the event's name.
    """

    name: ClassVar[str] = "tenants.school_provisioned"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One setting before and after."""

    setting: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged:
    """The school changed how it presents itself, or its language or time zone."""

    name: ClassVar[str] = "tenants.settings_changed"
    version: ClassVar[int] = 1
    school_id: int
    changes: tuple[SettingChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolSuspended:
    """An operator closed the school. What is under way goes on: payments settle, letters are
    sent."""

    name: ClassVar[str] = "tenants.school_suspended"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolResumed:
    """The school is open again, after a suspension or from the archive (`status_before`)."""

    name: ClassVar[str] = "tenants.school_resumed"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str
    status_before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolArchived:
    """The school has left. Its data stay, nothing happens in it any more."""

    name: ClassVar[str] = "tenants.school_archived"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolDeletionRequested:
    """The school's data go after `delete_after` (UTC), unless somebody undoes it before."""

    name: ClassVar[str] = "tenants.school_deletion_requested"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str
    reason: str
    delete_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolDeletionUndone:
    """The school is what it was before: `status`."""

    name: ClassVar[str] = "tenants.school_deletion_undone"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolDeleted:
    """The school's data are gone: tables, files, addresses."""

    name: ClassVar[str] = "tenants.school_deleted"
    version: ClassVar[int] = 1
    school_id: int
    schema_name: str
    school_name: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAdded:
    """A host name leads to the school from now on."""

    name: ClassVar[str] = "tenants.domain_added"
    version: ClassVar[int] = 1
    school_id: int
    domain: str
    is_primary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRemoved:
    """A host name leads to the school no more."""

    name: ClassVar[str] = "tenants.domain_removed"
    version: ClassVar[int] = 1
    school_id: int
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached:
    """In the school's outbox: a meter stands at `level` percent of what the plan allows."""

    name: ClassVar[str] = "tenants.limit_reached"
    version: ClassVar[int] = 1
    school_id: int
    meter: str
    level: int
    value: int
    limit: int
    plan_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnding:
    """In the school's outbox: the trial ends on that day (its first charged one), or has ended."""

    name: ClassVar[str] = "tenants.trial_ending"
    version: ClassVar[int] = 1
    school_id: int
    plan_name: str
    ends_on: date
    price_minor: int
    currency: str
    has_ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformInvoiceIssued:
    """In the school's outbox: the platform's invoice to the school for a month. Minor units."""

    name: ClassVar[str] = "tenants.platform_invoice_issued"
    version: ClassVar[int] = 1
    invoice_id: UUID
    number: str
    month: date
    total_minor: int
    currency: str
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpRequested:
    """In the platform's outbox: somebody asked for a school and must confirm their address."""

    name: ClassVar[str] = "tenants.sign_up_requested"
    version: ClassVar[int] = 1
    sign_up_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFailed:
    """A backup of a school could not be taken; the school itself is well."""

    name: ClassVar[str] = "tenants.backup_failed"
    version: ClassVar[int] = 1
    school_id: int
    school_name: str
    backup_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolRestored:
    """A school came back from a backup: as a new school, or (`in_place`) instead of what was."""

    name: ClassVar[str] = "tenants.school_restored"
    version: ClassVar[int] = 1
    school_id: int
    school_name: str
    taken_at: datetime
    in_place: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpConfirmed:
    """In the platform's outbox: the address is proven, the school can be made."""

    name: ClassVar[str] = "tenants.sign_up_confirmed"
    version: ClassVar[int] = 1
    sign_up_id: UUID


_RIVERSIDE: dict[str, Any] = {
    "school_id": 3,
    "schema_name": "t_000003",
    "school_name": "Riverside School",
    "slug": "riverside",
}
SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("tenants.limit_reached", 1): {
        "school_id": 3,
        "meter": "students",
        "level": 80,
        "value": 401,
        "limit": 500,
        "plan_name": "Basic",
    },
    ("tenants.trial_ending", 1): {
        "school_id": 3,
        "plan_name": "Basic",
        "ends_on": "2026-12-22",
        "price_minor": 3900,
        "currency": "USD",
        "has_ended": False,
    },
    ("tenants.platform_invoice_issued", 1): {
        "invoice_id": "019a0c5e-7d10-7000-8000-000000000005",
        "number": "H2026-00001",
        "month": "2026-11-01",
        "total_minor": 4300,
        "currency": "USD",
        "due_on": "2026-12-15",
    },
    ("tenants.sign_up_confirmed", 1): {"sign_up_id": "019a0c5e-7d10-7000-8000-000000000006"},
    ("tenants.sign_up_requested", 1): {"sign_up_id": "019a0c5e-7d10-7000-8000-000000000006"},
    ("tenants.school_suspended", 1): {**_RIVERSIDE, "reason": "Unpaid since March"},
    ("tenants.school_resumed", 1): {**_RIVERSIDE, "status_before": "suspended"},
    ("tenants.school_archived", 1): {**_RIVERSIDE, "reason": "Moved to another platform"},
    ("tenants.school_deletion_requested", 1): {
        **_RIVERSIDE,
        "reason": "Moved to another platform",
        "delete_after": "2026-12-22T09:30:00+00:00",
    },
    ("tenants.school_deletion_undone", 1): {**_RIVERSIDE, "status": "archived"},
    ("tenants.school_deleted", 1): _RIVERSIDE,
    ("tenants.domain_added", 1): {
        "school_id": 3,
        "domain": "www.riverside.example",
        "is_primary": True,
    },
    ("tenants.domain_removed", 1): {"school_id": 3, "domain": "www.riverside.example"},
    ("tenants.school_provisioned", 1): {
        "school_id": 3,
        "schema_name": "t_000003",
        "school_name": "Riverside School",
        "slug": "riverside",
    },
    ("tenants.settings_changed", 1): {
        "school_id": 3,
        "changes": [{"setting": "tagline", "before": "", "after": "Curious together"}],
    },
    ("tenants.backup_failed", 1): {
        "school_id": 3,
        "school_name": "Riverside School",
        "backup_id": "0193e1b2-7d5c-7c3a-9f4e-2b6a1c8d0e11",
        "reason": "No space left on device",
    },
    ("tenants.school_restored", 1): {
        "school_id": 3,
        "school_name": "Riverside School",
        "taken_at": "2026-11-22T03:15:00+00:00",
        "in_place": True,
    },
}
