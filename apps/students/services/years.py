"""School years: the current one is where classes and imports go."""

from datetime import date

from django.db import transaction

from apps.students.models import SchoolYear
from kernel import schools

FIRST_MONTH = 8  # a school year starts on 1 August and ends on 31 July


def lock_current_year() -> SchoolYear:
    """The current school year, made if the school has none, locked until the transaction ends.

    Everything that changes many families at once takes this lock first, so that two imports (or
    an import and an undo) of one school run one after the other.
    """
    ensure_current_year()
    return SchoolYear.objects.select_for_update().get(is_current=True)


def ensure_current_year() -> SchoolYear:
    """The current school year; a school without one gets the year that holds today."""
    current = SchoolYear.objects.filter(is_current=True).first()
    if current is not None:
        return current
    with transaction.atomic():
        starts_on = _year_start(schools.today())
        SchoolYear.objects.bulk_create(
            [_year_from(starts_on)], ignore_conflicts=True
        )  # a second request at the same moment finds the first one's year
    return SchoolYear.objects.get(is_current=True)


def _year_start(day: date) -> date:
    year = day.year if day.month >= FIRST_MONTH else day.year - 1
    return date(year, FIRST_MONTH, 1)


def _year_from(starts_on: date) -> SchoolYear:
    following = starts_on.year + 1
    return SchoolYear(
        name=f"{starts_on.year}/{following % 100:02d}",
        starts_on=starts_on,
        ends_on=date(following, FIRST_MONTH - 1, 31),
        is_current=True,
    )
