"""A progress bar on stderr for long work that reports (done, total, note)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm


@contextmanager
def bar(options: dict[str, Any], title: str = "") -> Iterator[Callable[[int, int, str], None]]:
    """Gives the function to report to. Silent with --json, without verbosity, and where stderr
    is no terminal."""
    quiet = True if options.get("json") or not options["verbosity"] else None
    with tqdm(desc=title, unit="step", disable=quiet, leave=False) as shown:

        def report(done: int, total: int, note: str) -> None:
            shown.total = total or None
            shown.set_postfix_str(note[:30], refresh=False)
            shown.update(done - shown.n)

        yield report
