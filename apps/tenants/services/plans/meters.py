"""What is counted, and the functions of the apps that count it (their meters.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel.numbers import format_decimal
from django.utils import translation
from django.utils.translation import gettext_lazy, ngettext

from apps.tenants.services.plans.months import bounds
from kernel.schools import current_school

STUDENTS, STORAGE, MESSAGES = "students", "storage_bytes", "messages"
STAFF, GUARDIANS = "staff_accounts", "guardian_accounts"
VOLUME, PAYMENTS = "payments_volume", "payments_count"

# (beginning of the month, its end) -> how much, inside the school that is open.
MeterFunction = Callable[[datetime, datetime], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """`flow`: counted from zero each month; else what is there at a moment."""

    name: str
    label: Any  # lazily translated
    flow: bool = False


METERS: dict[str, Meter] = {
    meter.name: meter
    for meter in (
        Meter(name=STUDENTS, label=gettext_lazy("Students")),
        Meter(name=STORAGE, label=gettext_lazy("Storage")),
        Meter(name=MESSAGES, label=gettext_lazy("Messages sent"), flow=True),
        Meter(name=STAFF, label=gettext_lazy("Staff accounts")),
        Meter(name=GUARDIANS, label=gettext_lazy("Family accounts")),
        Meter(name=VOLUME, label=gettext_lazy("Payments received"), flow=True),
        Meter(name=PAYMENTS, label=gettext_lazy("Number of payments"), flow=True),
    )
}
# What a plan can set an allowance for, in the order in which it is shown.
LIMITED = (STUDENTS, STORAGE, MESSAGES)

_registered: dict[str, list[MeterFunction]] = {}


def meter(name: str) -> Callable[[MeterFunction], MeterFunction]:
    """Register a function of an app's meters.py: how much of `name` the open school uses.

    It is given the beginning and the end of a month and must be cheap. Several functions of one
    name add up. Raises ValueError for a name that METERS does not know.
    """
    if name not in METERS:
        raise ValueError(f"There is no meter {name!r}: METERS in {__name__} lists them.")

    def register(function: MeterFunction) -> MeterFunction:
        _registered.setdefault(name, []).append(function)
        return function

    return register


def read_meter(name: str, month: date) -> int:
    """What the meter shows for this month in the open school. Counts now; nothing is cached."""
    begins, ends = bounds(month, current_school().time_zone)
    return sum(function(begins, ends) for function in _registered.get(name, ()))


def read_meters(month: date) -> dict[str, int]:
    """Every meter of the open school."""
    return {name: read_meter(name, month) for name in METERS}


def amount_text(name: str, value: int) -> str:
    """A figure of this meter for people: "12 students", "1.4 GB"."""
    if name == STORAGE:
        return bytes_text(value)
    number = number_text(value)
    if name == STUDENTS:
        return ngettext("%(count)s student", "%(count)s students", value) % {"count": number}
    if name == MESSAGES:
        return ngettext("%(count)s message", "%(count)s messages", value) % {"count": number}
    return number


def number_text(value: int) -> str:
    return format_decimal(value, locale=translation.to_locale(translation.get_language() or "en"))


def bytes_text(size: int) -> str:
    """A size in the unit that reads best, with one decimal where it helps: "1.4 GB"."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            whole, tenth = divmod(size * 10 // factor, 10)
            return f"{whole}.{tenth} {unit}" if tenth and whole < 100 else f"{whole} {unit}"
    return f"{size} B"
