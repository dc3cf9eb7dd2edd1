"""Interleaved rounds of ours and a peer, medians, one ratio."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
_curves: dict[str, object] = {}


class Skipped(RuntimeError):
    """A figure cannot be measured here, for the reason given; that is no failure of the run."""


@dataclass(frozen=True)
class Result:
    """`ratio` is how many times better ours is than the peer; `goal` the least it should be."""

    figure: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    ratio: float
    goal: float
    met: bool
    rounds: int


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(
    figure: str,
    *,
    ours: Callable[[], float],
    peer: Callable[[], float],
    peer_name: str,
    unit: str,
    goal: float,
    more_is_better: bool,
    rounds: int = 7,
) -> Result:
    """Each callable measures one round. They take turns, so that a noisy moment of the machine
    falls on both; the first round warms up and does not count."""
    pairs = [(ours(), peer()) for _ in range(rounds + 1)][1:]
    return judge(
        figure,
        ours=[pair[0] for pair in pairs],
        peer=[pair[1] for pair in pairs],
        peer_name=peer_name,
        unit=unit,
        goal=goal,
        more_is_better=more_is_better,
    )


def judge(
    figure: str,
    *,
    ours: list[float],
    peer: list[float],
    peer_name: str,
    unit: str,
    goal: float,
    more_is_better: bool = False,
) -> Result:
    """Measured rounds as one result: medians, and their ratio beside the goal."""
    our_median, peer_median = statistics.median(ours), statistics.median(peer)
    ratio = our_median / peer_median if more_is_better else peer_median / our_median
    return Result(
        figure=figure,
        ours=round(our_median, 3),
        peer=round(peer_median, 3),
        peer_name=peer_name,
        unit=unit,
        ratio=round(ratio, 2),
        goal=goal,
        met=ratio >= goal,
        rounds=len(ours),
    )


def save(results: list[Result], *, keep: bool = False) -> None:
    """The results, and beside them each curve in a file of its own. With `keep` the results of
    earlier runs stay where none of the new ones takes their place."""
    rows = [asdict(result) for result in results]
    if keep:
        rows = merged(json.loads(RESULTS.read_text()), rows)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    for name, curve in _curves.items():
        RESULTS.with_name(f"{name}.json").write_text(json.dumps(curve, indent=2) + "\n")


def merged(
    earlier: list[dict[str, object]], later: list[dict[str, object]]
) -> list[dict[str, object]]:
    """Each figure once, the later one where there are two, in the place of the earlier one."""
    figures = {(row["figure"], row["peer_name"]): row for row in [*earlier, *later]}
    return list(figures.values())


def keep_curve(name: str, curve: object) -> None:
    """Have this saved as `<name>.json` with the results of the run."""
    _curves[name] = curve


def show(result: Result) -> None:
    met = "met" if result.met else "NOT MET"
    print(
        f"{result.figure}: {result.ours:g} {result.unit}; {result.peer_name}: {result.peer:g}"
        f" {result.unit}; {result.ratio:g} x (goal {result.goal:g} x, {met})",
        flush=True,
    )
