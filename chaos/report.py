"""The figures of a run, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from chaos.counting import Count, Tally, broken_promises
from chaos.events import EXTERNAL, NAIVE, PLAIN

COLUMNS = ("events", "lost", "doubled", "out of order", "uncalled for")
ENOUGH_EVENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`kills` by kind; `restarts` of what ended by itself; `left` events and calls waited after
    the `seconds` of violence, and were delivered in `settling` seconds more."""

    seconds: float
    left: int
    settling: float
    schools: int
    seed: int
    kills: Mapping[str, int]
    restarts: int
    count: Count

    @property
    def broken(self) -> list[str]:
        """Why the run failed, a sentence each; empty when every promise was kept."""
        return [*broken_promises(self.count), *self._proved_nothing()]

    def _proved_nothing(self) -> list[str]:
        events = self.count.consumers[PLAIN].due
        unseen = [kind for kind, number in self.kills.items() if not number]
        found = [f"nothing proved: no case of “{kind}”" for kind in unseen]
        if events < ENOUGH_EVENTS:
            found.append(f"nothing proved: {events} events are too few")
        return found

    def as_json(self) -> str:
        values = {**asdict(self), "broken": self.broken}
        return json.dumps(values, indent=2)

    def as_text(self) -> str:
        lines = [
            f"{self.seconds:.0f} s of violence among {self.schools} schools, seed {self.seed}; then"
            f" {self.settling:.0f} s for the {self.left:,} events and calls that still waited",
            "",
            *self._violence(),
            "",
            *self._consumers(),
            "",
            *self._footnotes(),
            "",
            *(f"BROKEN  {sentence}" for sentence in self.broken),
        ]
        return "\n".join([*lines, "All promises kept."] if not self.broken else lines)

    def _violence(self) -> list[str]:
        kills = [f"{number:>8,}  {kind}" for kind, number in self.kills.items()]
        return [*kills, f"{sum(self.kills.values()):>8,}  in all"]

    def _consumers(self) -> list[str]:
        head = f"{'consumer':<16}" + "".join(f"{column:>14}" for column in COLUMNS)
        return [head, *(_line(name, tally) for name, tally in self.count.consumers.items())]

    def _footnotes(self) -> list[str]:
        letters, naive = self.count.letters, self.count.consumers[NAIVE]
        repeated = self.count.consumers[EXTERNAL].doubled
        return [
            f"dead letters: {letters.due:,} expected, {letters.missing:,} missing,"
            f" {letters.surplus:,} that should not be",
            f"* {repeated:,} calls to the outside were repeated with the same key, as announced",
            f"* the naive way, one task an event with a receipt, lost {naive.lost:,} of"
            f" {naive.due:,} and swapped {naive.out_of_order:,}: why there is an outbox",
            f"* {self.restarts:,} processes ended by themselves and were started again",
        ]


def _line(name: str, tally: Tally) -> str:
    numbers = (tally.due, tally.lost, tally.doubled, tally.out_of_order, tally.uncalled_for)
    mark = " *" if name in (EXTERNAL, NAIVE) else ""
    return f"{name + mark:<16}" + "".join(f"{number:>14,}" for number in numbers)
