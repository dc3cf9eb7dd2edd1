"""The first and the last entry of a backup: whose it is, and what all of it must add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.tenants.contracts import BookReport
from apps.tenants.models import School
from apps.tenants.services.backup.errors import Damaged
from apps.tenants.services.plans.months import today_in
from apps.tenants.services.plans.subscriptions import current_subscription
from kernel.schools import in_public

# What of a school's row in public says what the school is. Its key, schema, status and place in
# this installation's plans are not part of it.
_PLATFORM_ONLY = {
    *("id", "schema_name", "schema_version", "schema_error", "primary_host"),
    *("status", "status_reason", "status_since", "status_before"),
    *("delete_after", "export_operation"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Whose backup it is and what it takes to read it."""

    schema_name: str
    school: Mapping[str, Any]
    domains: Sequence[str]
    migrations: Sequence[tuple[str, str]]
    taken_at: str
    taken_by: str = ""
    release: str = ""
    postgresql: str = ""
    # What the school had here, to be read by people: a restore gives no plan to anybody.
    plan: Mapping[str, str] = field(default_factory=dict)
    kind: str = "head"

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.taken_at)

    def as_entry(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True, kw_only=True)
class Sum:
    """What one table or file came to."""

    sha256: str
    size: int
    rows: int = 0


@dataclass(slots=True, kw_only=True)
class Tail:
    """Written when everything else has been: rows, sums, counters, and the apps' books."""

    tables: dict[str, Sum] = field(default_factory=dict)
    files: dict[str, Sum] = field(default_factory=dict)
    sequences: dict[str, tuple[int, bool]] = field(default_factory=dict)
    books: dict[str, BookReport] = field(default_factory=dict)
    kind: str = "tail"

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def as_entry(self) -> dict[str, Any]:
        return asdict(self)


def read_head(entry: Mapping[str, Any]) -> Head:
    """Raises Damaged."""
    try:
        migrations = [(app, name) for app, name in entry["migrations"]]
        known = {column.name: entry[column.name] for column in fields(Head) if column.name in entry}
        return Head(**{**known, "migrations": migrations})
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(_("it does not say whose it is")) from error


def read_tail(entry: Mapping[str, Any]) -> Tail:
    """Raises Damaged."""
    try:
        return Tail(
            tables={name: Sum(**each) for name, each in entry["tables"].items()},
            files={name: Sum(**each) for name, each in entry["files"].items()},
            sequences={name: (at, used) for name, (at, used) in entry["sequences"].items()},
            books={
                name: BookReport(totals=each["totals"], problems=tuple(each["problems"]))
                for name, each in entry["books"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(_("its list of contents makes no sense")) from error


def describe(school: School, *, migrations: Any, taken_at: datetime, **told: str) -> Head:
    """The head of a backup of this school. Reads the platform's tables."""
    with in_public():
        rows = school.domains.order_by("-is_primary", "id")
        domains = list(rows.values_list("domain", flat=True))
    return Head(
        schema_name=school.schema_name,
        school=_row(school),
        domains=domains,
        migrations=migrations,
        taken_at=taken_at.isoformat(),
        release=getattr(settings, "RELEASE", ""),
        plan=_plan(school),
        **told,
    )


def _plan(school: School) -> dict[str, str]:
    mine = current_subscription(school_id=school.id, on=today_in(school.time_zone))
    if mine is None:
        return {}
    return {"code": mine.plan.code, "name": mine.plan.name, "currency": mine.plan.currency}


def _row(school: School) -> dict[str, Any]:
    """Every column as text or number, by its own rules of writing itself down."""
    row = {}
    for column in School._meta.concrete_fields:
        if column.name not in _PLATFORM_ONLY:
            value = column.value_from_object(school)
            plain = isinstance(value, (str, int, float, bool, list, dict)) or value is None
            row[column.name] = value if plain else column.value_to_string(school)
    return row


def as_school(head: Head, **values: Any) -> School:
    """An unsaved School that looks like the one in the backup. Unknown columns are left out: an
    older version wrote other ones."""
    known = {column.name: column for column in School._meta.concrete_fields}
    row = {
        name: known[name].to_python(value)
        for name, value in head.school.items()
        if name in known and name not in _PLATFORM_ONLY
    }
    return School(**{**row, **values})
