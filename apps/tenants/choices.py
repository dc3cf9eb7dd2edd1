"""What can be chosen for a school, in the reader's language."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from zoneinfo import available_timezones

from babel.numbers import get_currency_name
from django.utils import translation

from kernel.money import CURRENCIES


def currency_choices() -> list[tuple[str, str]]:
    """("EUR", "EUR, Euro") for every currency we can bill in."""
    locale = translation.to_locale(translation.get_language() or "en")
    return [(code, f"{code}, {get_currency_name(code, locale=locale)}") for code in CURRENCIES]


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Every place a school can be in, as IANA names: "Europe/Madrid"."""
    regions = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe"}
    regions |= {"Indian", "Pacific"}
    return tuple(sorted(z for z in available_timezones() if z.partition("/")[0] in regions))


def time_zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """By region: ("Europe", [("Europe/Madrid", "Madrid"), …]); UTC stands first."""
    regions = groupby(time_zones(), key=lambda zone: zone.partition("/")[0])
    groups = [(region, [(zone, _place(zone)) for zone in zones]) for region, zones in regions]
    return [("UTC", [("UTC", "UTC")]), *groups]


def _place(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ").replace("/", ", ")
