"""Which span of time a run looks at. Three UTC days that slide on by one each night: what reached
the gateway's books late, or was put right since, is compared again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = timedelta(days=3)
# The hour of the school's day at which the night's work is done before anybody looks.
HOUR = time(7)
Span = tuple[datetime, datetime]


def nightly(now: datetime, *, time_zone: str) -> Span:
    """The three whole UTC days before the school's last morning."""
    until = _midnight(last_morning(now, time_zone=time_zone))
    return until - DAYS, until


def until_now(now: datetime) -> Span:
    """The three UTC days before today, and today to the end of this very minute."""
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    return _midnight(now) - DAYS, minute + timedelta(minutes=1)


def last_morning(now: datetime, *, time_zone: str) -> datetime:
    """The last time it was HOUR at the school (UTC)."""
    return _morning(now, time_zone=time_zone, days=0)


def next_morning(now: datetime, *, time_zone: str) -> datetime:
    """The next time it will be HOUR at the school (UTC)."""
    return _morning(now, time_zone=time_zone, days=1)


def _morning(now: datetime, *, time_zone: str, days: int) -> datetime:
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone)
    day = local.date() if local.time() >= HOUR else local.date() - timedelta(days=1)
    return datetime.combine(day + timedelta(days=days), HOUR, zone).astimezone(UTC)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
