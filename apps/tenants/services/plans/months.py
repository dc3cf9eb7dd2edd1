"""A calendar month as its first day, and the moments at which it begins and ends."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from kernel.errors import Invalid

_WRITTEN = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
EARLIEST_YEAR = 2000


def month_of(day: date) -> date:
    """The first day of the month that `day` lies in."""
    return date(day.year, day.month, 1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def days_in(month: date) -> int:
    return (next_month(month) - month).days


def parse_month(text: str) -> date:
    """ "2026-11" as its first day. Raises Invalid."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None or int(match[1]) < EARLIEST_YEAR:
        raise Invalid(_("“%(text)s” is not a month. Write it like 2026-11.") % {"text": text[:20]})
    return date(int(match[1]), int(match[2]), 1)


def bounds(month: date, time_zone: str) -> tuple[datetime, datetime]:
    """The moment the month begins in this zone, and the moment it is over (exclusive)."""
    zone = ZoneInfo(time_zone)
    begins, ends = (datetime.combine(day, time(), zone) for day in (month, next_month(month)))
    return begins, ends


def this_month(time_zone: str) -> date:
    """The running month where the school is."""
    return month_of(today_in(time_zone))


def today_in(time_zone: str) -> date:
    return timezone.now().astimezone(ZoneInfo(time_zone)).date()
