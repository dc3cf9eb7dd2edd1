"""Making, changing and deleting calendar entries."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from apps.activities.models import CalendarEntry
from apps.activities.services.moments import check_moments
from kernel.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetails:
    """What is on the form of a calendar entry. Times are aware. An all-day entry runs from the
    school's midnight to the midnight after its last day."""

    title: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool = False
    place: str = ""
    audience: str = CalendarEntry.Audience.PUBLIC


def create_entry(*, details: EntryDetails) -> UUID:
    """Raises Invalid."""
    _check(details)
    return CalendarEntry.objects.create(**asdict(details)).id


def create_entries(*, entries: list[EntryDetails]) -> int:
    """Many entries in one statement (a year's holidays); returns how many. Raises Invalid."""
    for details in entries:
        _check(details)
    rows = [CalendarEntry(**asdict(details)) for details in entries]
    return len(CalendarEntry.objects.bulk_create(rows))


def update_entry(*, entry_id: UUID, details: EntryDetails) -> None:
    """Raises NotFound, Invalid."""
    _check(details)
    if not CalendarEntry.objects.filter(pk=entry_id).update(**asdict(details)):
        raise NotFound(_("There is no such calendar entry."))


def delete_entry(*, entry_id: UUID) -> None:
    """Raises NotFound."""
    deleted, _kinds = CalendarEntry.objects.filter(pk=entry_id).delete()
    if not deleted:
        raise NotFound(_("There is no such calendar entry."))


def _check(details: EntryDetails) -> None:
    if not details.title.strip():
        raise Invalid(_("This field is required."), field="title")
    check_moments(starts_on=details.starts_at, ends_on=details.ends_at)
    if details.ends_at < details.starts_at:
        raise Invalid(_("The end is before the start."), field="ends_on")
