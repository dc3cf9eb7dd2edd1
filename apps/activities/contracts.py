"""What other apps may hold of the activities app: plain, frozen data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarItem:
    """Something in the calendar: an activity or an entry. Times are UTC.

    An all-day item runs from the school's midnight to the midnight after its last day. `url` is a
    path on the school's host, "" for an item without a page of its own.
    """

    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    place: str
    kind: str  # "activity" or "entry"
    url: str
    audience: str = "public"
    audience_label: str = ""

    @property
    def last_day(self) -> datetime | None:
        """A moment of the last day of an all-day item of several days; None for all others."""
        if not self.all_day or self.ends_at - self.starts_at <= timedelta(hours=25):
            return None
        return self.ends_at - timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityInfo:
    """A club, trip or event with sign-up. Times are UTC, the fee is in minor units.

    `places` is None when there is no limit.
    """

    id: UUID
    title: str
    description: str
    place: str
    starts_at: datetime
    ends_at: datetime
    signup_opens_at: datetime | None
    signup_closes_at: datetime | None
    places: int | None
    fee_minor: int
    currency: str
    status: str
    status_label: str
    needs_permission: bool
    confirmed_count: int = 0
    waiting_count: int = 0

    @property
    def free_places(self) -> int | None:
        return None if self.places is None else max(0, self.places - self.confirmed_count)

    @property
    def is_full(self) -> bool:
        return self.free_places == 0

    def takes_sign_ups(self, at: datetime) -> bool:
        """Whether families may sign up at that moment; the end of sign-up is the start of the
        activity unless it is set."""
        opens = self.signup_opens_at
        closes = self.signup_closes_at or self.starts_at
        return self.status == "published" and (opens is None or opens <= at) and at < closes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpInfo:
    """A student's place in an activity, or in its waiting list.

    `place_in_line` counts from 1 among those who wait; it is 0 for all others.
    """

    id: UUID
    activity_id: UUID
    student_id: UUID
    guardian_id: UUID | None
    status: str
    status_label: str
    position: int
    note: str
    signed_up_at: datetime
    permission_given_at: datetime | None = None
    place_in_line: int = 0
