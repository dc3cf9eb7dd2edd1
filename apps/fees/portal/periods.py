"""The days a report is about: chosen by a preset, or from a day to a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.fees.portal.forms import DateField
from apps.students import facade as students
from kernel.schools import today

Span = tuple[date, date]
EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)
MAX_DAYS = 3 * 366
DEFAULT = "this_month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Both days belong to it. `preset` is empty for days chosen by hand."""

    since: date
    until: date
    preset: str = ""


def _today(on: date) -> Span:
    return on, on


def _week(on: date) -> Span:
    return on - timedelta(days=on.weekday()), on


def _month(on: date) -> Span:
    return on.replace(day=1), on


def _last_month(on: date) -> Span:
    last = on.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _school_year(on: date) -> Span:
    """Up to today; of a year that has not begun, its first day; twelve months without a year."""
    year = students.current_year()
    if year is None:
        return on - timedelta(days=365), on
    return year.starts_on, max(min(on, year.ends_on), year.starts_on)


PRESETS: dict[str, tuple[Any, Callable[[date], Span]]] = {
    "today": (_("Today"), _today),
    "this_week": (_("This week"), _week),
    "this_month": (_("This month"), _month),
    "last_month": (_("Last month"), _last_month),
    "school_year": (_("School year"), _school_year),
}


class PeriodForm(forms.Form):
    """From and to; `period` names a preset, which counts when no day is given."""

    since = DateField(label=_("From"), required=False)
    until = DateField(label=_("To"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day lies before the first."))
        elif since and until and (until - since).days >= MAX_DAYS:
            self.add_error("since", _("Choose at most three years."))
        if any(day and not EARLIEST <= day < LATEST for day in (since, until)):
            raise forms.ValidationError(_("This day lies too far away."))
        return data

    def period(self) -> Period:
        """What was chosen; the default for what cannot be read."""
        on = today()
        if self.is_valid():
            since, until = self.cleaned_data["since"], self.cleaned_data["until"]
            if since or until:
                return _by_hand(since, until, on)
        chosen = self.data.get("period", DEFAULT)
        name = chosen if chosen in PRESETS else DEFAULT
        since, until = PRESETS[name][1](on)
        return Period(since=since, until=until, preset=name)


def _by_hand(since: date | None, until: date | None, on: date) -> Period:
    """One day alone: to today, or from the first of its month."""
    first = since or (until or on).replace(day=1)
    last = until or min(max(on, first), first + timedelta(days=MAX_DAYS - 1))
    return Period(since=first, until=last)


class AsOfForm(forms.Form):
    """The day at whose end the books are looked at."""

    as_of = DateField(label=_("At the end of"), required=False)

    def clean_as_of(self) -> date | None:
        day: date | None = self.cleaned_data["as_of"]
        if day and not EARLIEST <= day < LATEST:
            raise forms.ValidationError(_("This day lies too far away."))
        if day and day > today():
            raise forms.ValidationError(_("The day cannot lie in the future."))
        return day

    def day(self) -> date:
        """What was chosen; today for what cannot be read."""
        chosen: date | None = self.cleaned_data["as_of"] if self.is_valid() else None
        return chosen or today()
