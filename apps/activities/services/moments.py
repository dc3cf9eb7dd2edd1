"""The times that an activity or a calendar entry may have.

PostgreSQL stores what Python cannot read back: the last evening of 9999 in Chicago is the year
10000 in UTC, and one such row would break every list that holds it.
"""

from datetime import date, datetime

from django.utils.translation import gettext as _

from kernel.errors import Invalid

FIRST_YEAR, LAST_YEAR = 1900, 2200


def is_possible(moment: date | datetime) -> bool:
    """True for a day or time that a school may mean."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def check_moments(**moments: datetime | None) -> None:
    """Raise Invalid, naming the field, for a time that is out of all bounds."""
    for field, moment in moments.items():
        if moment is not None and not is_possible(moment):
            raise Invalid(_("Enter a valid date/time."), field=field)
