"""The school's calendar: a month to look at, and a feed to subscribe to."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from icalendar import Calendar, Event

from apps.activities import facade as activities
from apps.activities.contracts import CalendarItem
from apps.website.public.shell import public_page, site_page
from kernel.schools import current_school, school_url, today

FEED_LOOKS_BACK = timedelta(days=60)
FEED_LOOKS_AHEAD = timedelta(days=400)
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(slots=True)
class Day:
    """One square of the month."""

    date: date
    in_month: bool
    is_today: bool
    items: list[CalendarItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list of events; `last_day` is None for what ends on the day it starts."""

    item: CalendarItem
    last_day: date | None


def rows_of(items: Iterable[CalendarItem]) -> list[Row]:
    """The items as lines of a list."""
    spans = ((item, *_days_of(item)) for item in items)
    return [Row(item, last if last > first else None) for item, first, last in spans]


@public_page
def month(request: HttpRequest) -> HttpResponse:
    first = _asked_month(request.GET.get("month", ""))
    weeks = _weeks(first)
    until = weeks[-1][-1].date + timedelta(days=1)
    items = activities.upcoming(
        since=_midnight(weeks[0][0].date), until=_midnight(until), public_only=True
    )
    _place(weeks, items)
    following = _following(first)
    context = {
        "first": first,
        "title": _month_name(first),
        "weekdays": _weekdays(weeks[0]),
        "weeks": weeks,
        "rows": rows_of(item for item in items if _touches(item, first, following)),
        "previous": f"{first - timedelta(days=1):%Y-%m}" if first.year > FIRST_YEAR else "",
        "next": f"{following:%Y-%m}" if following.year < LAST_YEAR else "",
        "feed_url": school_url("/calendar.ics"),
    }
    return site_page(request, "website/public/calendar.html", context)


def _asked_month(text: str) -> date:
    """The first day of the month asked for; of this month when the text is not a month."""
    this_month = today().replace(day=1)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        return this_month
    year, number = int(text[:4]), int(text[5:])
    if FIRST_YEAR <= year < LAST_YEAR and 1 <= number <= 12:
        return date(year, number, 1)
    return this_month


def _following(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _locale() -> Locale:
    return Locale.parse(translation.to_locale(translation.get_language() or "en"))


def _first_weekday() -> int:
    """The day on which weeks start in the school's country (0 is Monday), told by its time zone:
    Sunday in Chicago, Monday in Madrid, in English as in Spanish."""
    country = get_global("zone_territories").get(current_school().time_zone, "001")
    try:
        return Locale(_locale().language, country).first_week_day
    except UnknownLocaleError:
        return _locale().first_week_day


def _weeks(first: date) -> list[list[Day]]:
    """The weeks that show the month."""
    now = today()
    weeks = calendar.Calendar(_first_weekday()).monthdatescalendar(first.year, first.month)
    return [
        [Day(day, in_month=day.month == first.month, is_today=day == now) for day in week]
        for week in weeks
    ]


def _weekdays(week: list[Day]) -> list[tuple[str, str]]:
    names = _locale().days["stand-alone"]
    return [
        (names["abbreviated"][day.date.weekday()], names["wide"][day.date.weekday()])
        for day in week
    ]


def _month_name(first: date) -> str:
    name = _locale().months["stand-alone"]["wide"][first.month]
    return f"{name.capitalize()} {first.year}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(current_school().time_zone))


def _days_of(item: CalendarItem) -> tuple[date, date]:
    """First and last day of an item, in the school's zone."""
    starts = timezone.localtime(item.starts_at).date()
    # An end at midnight belongs to the day before.
    ends = timezone.localtime(item.ends_at - timedelta(seconds=1)).date()
    return starts, max(starts, ends)


def _touches(item: CalendarItem, first: date, following: date) -> bool:
    starts, ends = _days_of(item)
    return starts < following and ends >= first


def _place(weeks: list[list[Day]], items: list[CalendarItem]) -> None:
    days = {day.date: day for week in weeks for day in week}
    for item in items:
        current, last = _days_of(item)
        current, last = max(current, min(days)), min(last, max(days))
        while current <= last:
            days[current].items.append(item)
            current += timedelta(days=1)


@public_page
def feed(request: HttpRequest) -> HttpResponse:
    """iCalendar (RFC 5545) of the public events, for phones and calendar programs."""
    now = timezone.now()
    items = activities.upcoming(
        since=now - FEED_LOOKS_BACK, until=now + FEED_LOOKS_AHEAD, public_only=True
    )
    school = current_school()
    book = Calendar()
    book.add("prodid", "-//Homeroom//School calendar//EN")
    book.add("version", "2.0")
    book.add("method", "PUBLISH")
    book.add("x-wr-calname", school.name)
    book.add("x-wr-timezone", school.time_zone)
    for item in items:
        book.add_component(_entry(item, str(school.primary_host).split(":")[0], now))
    response = HttpResponse(book.to_ical(), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return response


def _entry(item: CalendarItem, host: str, now: datetime) -> Event:
    entry = Event()
    entry.add("uid", f"{item.id}@{host}")
    entry.add("dtstamp", now)
    entry.add("summary", item.title)
    if item.all_day:
        first, last = _days_of(item)
        entry.add("dtstart", first)
        entry.add("dtend", last + timedelta(days=1))  # the day after the last one (RFC 5545 3.6.1)
    else:
        entry.add("dtstart", item.starts_at)
        entry.add("dtend", item.ends_at)
    if item.place:
        entry.add("location", item.place)
    if item.url:
        entry.add("url", item.url if "://" in item.url else school_url(item.url))
    return entry
