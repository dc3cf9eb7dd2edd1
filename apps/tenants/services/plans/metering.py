"""Writing down what each school uses, month by month.

Measuring a month again gives the same row its newest value; a month that was billed is closed and
keeps what it showed. The apps count inside the school, as its own database role; the figures are
written to the platform's tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.tenants.contracts import ACTIVE, ARCHIVED, DELETING, SUSPENDED, SchoolInfo
from apps.tenants.models import UsageMonth
from apps.tenants.selectors import get_school, list_schools
from apps.tenants.services.plans.meters import METERS, read_meters
from apps.tenants.services.plans.months import this_month
from kernel.errors import Conflict, Invalid
from kernel.schools import in_public, in_school

# A suspended school still takes up room and keeps its plan.
MEASURED = (ACTIVE, SUSPENDED)
# One that left still owes for its last days.
BILLABLE = (*MEASURED, ARCHIVED, DELETING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a school used in a month. Empty `values`: it was never measured."""

    school: SchoolInfo
    month: date
    values: dict[str, int]
    measured_at: datetime | None
    is_closed: bool


def measured_schools() -> list[SchoolInfo]:
    """The schools whose use is counted: those that are open, and those that are suspended."""
    return [school for school in list_schools() if school.status in MEASURED]


def billed_schools() -> list[SchoolInfo]:
    """The schools that may have a month to be billed for."""
    return [school for school in list_schools() if school.status in BILLABLE]


def measure_school(*, school_id: int, month: date | None = None) -> Usage:
    """Count now and write it down; without a month the running one, where the school is.

    A closed month is returned as it stands. Raises NotFound, Invalid for a month to come,
    Conflict for a school that is being made, and for the running month of one that left.
    """
    school = get_school(school_id=school_id)
    month = _checked(school, month)
    with in_school(school.schema_name):
        values = read_meters(month)
    with in_public(), transaction.atomic():
        lock_school(school_id)
        if not _is_closed(school_id, month):
            _write(school_id, month, values)
    return get_usage(school=school, month=month)


def _checked(school: SchoolInfo, month: date | None) -> date:
    running = this_month(school.time_zone)
    if school.status not in (BILLABLE if month and month < running else MEASURED):
        raise Conflict(
            _("%(school)s is not open, so nothing is counted.") % {"school": school.name}
        )
    if month is not None and month > running:
        raise Invalid(_("This month has not begun yet."), field="month")
    return month or running


def lock_school(school_id: int) -> None:
    """One at a time works on the school's plan, usage and invoices. Held until the transaction
    ends; call it in the public schema."""
    key = f"tenants.plans:{school_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def _is_closed(school_id: int, month: date) -> bool:
    rows = UsageMonth.objects.filter(school_id=school_id, month=month)
    return rows.filter(closed_at__isnull=False).exists()


def _write(school_id: int, month: date, values: dict[str, int]) -> None:
    now = timezone.now()
    UsageMonth.objects.bulk_create(
        [
            UsageMonth(school_id=school_id, month=month, meter=name, value=value, measured_at=now)
            for name, value in values.items()
        ],
        update_conflicts=True,
        unique_fields=["school_id", "month", "meter"],
        update_fields=["value", "measured_at"],
    )


def close_month(*, school_id: int, month: date) -> None:
    """Freeze the month's figures. Call it in the transaction that bills them."""
    rows = UsageMonth.objects.filter(school_id=school_id, month=month, closed_at__isnull=True)
    rows.update(closed_at=timezone.now())


def get_usage(*, school: SchoolInfo, month: date) -> Usage:
    """What was written down for this month; zero where nothing was."""
    with in_public():
        rows = list(UsageMonth.objects.filter(school_id=school.id, month=month))
    return _usage(school, month, rows)


def list_usage(*, month: date | None = None, schools: list[SchoolInfo]) -> list[Usage]:
    """The figures of these schools, each for `month` or for its own running month."""
    wanted = {school.id: month or this_month(school.time_zone) for school in schools}
    found: dict[int, list[UsageMonth]] = {school.id: [] for school in schools}
    with in_public():
        rows = UsageMonth.objects.filter(school_id__in=wanted, month__in=set(wanted.values()))
        for row in rows:
            if wanted[row.school_id] == row.month:
                found[row.school_id].append(row)
    return [_usage(school, wanted[school.id], found[school.id]) for school in schools]


def _usage(school: SchoolInfo, month: date, rows: list[UsageMonth]) -> Usage:
    values = {row.meter: row.value for row in rows}
    return Usage(
        school=school,
        month=month,
        values={name: values.get(name, 0) for name in METERS} if rows else {},
        measured_at=max((row.measured_at for row in rows), default=None),
        is_closed=any(row.closed_at for row in rows),
    )
