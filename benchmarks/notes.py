"""When each event was handled: a line "<number> <seconds of the machine's monotonic clock>".

All processes of a machine share that clock. Needs nothing but the standard library.
"""

from __future__ import annotations

import time
from pathlib import Path


def note(path: Path, number: int) -> None:
    """That this event is handled now. One write a line: lines of two processes never mix."""
    line = f"{number} {time.monotonic()}\n"
    with open(path, "ab", buffering=0) as file:
        file.write(line.encode())


def noted(path: Path) -> dict[int, float]:
    """Moments by number. A line that is being written does not count yet."""
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    pairs = (line.split() for line in whole.splitlines())
    return {int(number): float(moment) for number, moment in pairs}
