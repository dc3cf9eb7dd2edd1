"""Times in templates."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import timezone, translation

# Before AM and PM stands a narrow space that does not break, as the language's own data has it.
NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "zone", "shown"),
    [
        ("en", "America/Chicago", f"2:00{NARROW}PM"),
        ("es", "America/Chicago", "14:00"),
        ("es", "Europe/Madrid", "21:00"),
    ],
)
def test_the_clock_shows_the_time_of_day_in_language_and_zone(
    language: str, zone: str, shown: str
) -> None:
    template = engines["django"].from_string("{{ starts_at|clock }}")

    with translation.override(language), timezone.override(ZoneInfo(zone)):
        assert template.render({"starts_at": datetime(2026, 11, 23, 20, 0, tzinfo=UTC)}) == shown


def test_no_time_shows_nothing() -> None:
    assert engines["django"].from_string("{{ starts_at|clock }}").render({"starts_at": None}) == ""
