"""The one event of a run, and the names of those who hear it."""

from dataclasses import dataclass
from typing import Any, ClassVar

PLAIN = "chaos.plain"
FLAKY = "chaos.flaky"
PICKY = "chaos.picky"
EXTERNAL = "chaos.external"
NAIVE = "chaos.naive"

# How a change is told: through the outbox, or by a Celery task sent on commit.
OUTBOX_WAY, NAIVE_WAY = "outbox", "naive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The `number`th event of its stream. The picky consumer refuses one with `poison`."""

    name: ClassVar[str] = "chaos.noted"
    version: ClassVar[int] = 1
    number: int
    poison: bool


SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("chaos.noted", 1): {"number": 7, "poison": False},
}
