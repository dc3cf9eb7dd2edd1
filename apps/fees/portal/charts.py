"""A column chart as numbers for components/columns.html: no script, no style, no other host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100  # of the drawing, in its own units; it is stretched to the page
STEP = 10  # a column and the gap behind it
GAP = 2
LABELS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A rectangle: what came in stands on the line, what went back hangs below it."""

    x: int
    y: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`line`: where zero is. `labels` stand below: of few columns all, else of the two ends."""

    columns: tuple[Column, ...]
    width: int
    line: float
    labels: tuple[str, ...]
    height: int = HEIGHT
    column_width: int = STEP - GAP


def column_chart(rows: Sequence[tuple[str, str, int, int]]) -> Chart | None:
    """Of (label, text, in, out) from left to right; amounts from zero up. None without any."""
    most_in = max((row[2] for row in rows), default=0)
    most_out = max((row[3] for row in rows), default=0)
    if most_in + most_out <= 0:
        return None
    scale = HEIGHT / (most_in + most_out)
    line = most_in * scale
    labels = [row[0] for row in rows]
    columns = []
    for number, (label, text, money_in, money_out) in enumerate(rows):
        x, title = number * STEP, f"{label}: {text}"
        if money_in:
            height = money_in * scale
            columns.append(Column(x, round(line - height, 2), round(height, 2), "in", title))
        if money_out:
            columns.append(Column(x, round(line, 2), round(money_out * scale, 2), "out", title))
    return Chart(
        columns=tuple(columns),
        width=len(rows) * STEP - GAP,
        line=round(line, 2),
        labels=tuple(labels if len(labels) <= LABELS else [labels[0], labels[-1]]),
    )
