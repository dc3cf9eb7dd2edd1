"""What tenants tells the other apps. Standard library only.

`tenants.school_provisioned` lands in the public schema's outbox,
`tenants.settings_changed` in the school's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


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


SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
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
}
