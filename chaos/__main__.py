"""Kill everything at random while schools' events are delivered, then count.

Exit code 0 when every promise of the outbox was kept, 1 when one was not. The servers are the
run's own, in a folder of its own, which is kept after a failure.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from chaos.report import Report

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 3_000_000_000
MOST_SECONDS, MOST_SCHOOLS = 3600, 500


def main() -> int:
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with _folder(keep=options.keep) as folder:
            _run_and_tell(options, folder)
    except Broken:
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing was counted.", file=sys.stderr)
        return 130
    return 0


class Broken(Exception):
    """A promise was not kept: the evidence stays."""


def _run_and_tell(options: argparse.Namespace, folder: Path) -> None:
    """Raises Broken after the figures are printed."""
    report = _run(options, folder)
    print(report.as_json() if options.json else report.as_text())
    if report.broken:
        raise Broken


def _run(options: argparse.Namespace, folder: Path) -> Report:
    # Before anything of Django's is imported, and handed on to the workers.
    os.environ["DJANGO_SETTINGS_MODULE"] = "chaos.settings"
    from chaos.servers import running_servers

    logs = folder / "logs"
    logs.mkdir()
    with running_servers(folder, logs) as servers:
        import django

        django.setup()
        from chaos.run import run

        scale = {name: getattr(options, name) for name in ("seconds", "schools", "seed")}
        return run(servers, logs=logs, **scale)


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """In memory where there is room. Gone afterwards, unless it is wanted or something failed."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES
    folder = Path(tempfile.mkdtemp(prefix="homeroom-chaos-", dir=MEMORY if roomy else None))
    try:
        yield folder
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException:
        print(f"What is left of the run: {folder}", file=sys.stderr)
        raise
    if keep:
        print(f"What is left of the run: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=_up_to(MOST_SECONDS), default=180, help="of violence (%(default)s)")
    add("--schools", type=_up_to(MOST_SCHOOLS), default=50, help="how many (%(default)s)")
    add("--seed", type=int, default=secrets.randbelow(10_000), help="what happens when")
    add("--json", action="store_true", help="print one JSON document instead of tables")
    add("--keep", action="store_true", help="leave the folder with data and logs")
    return parser.parse_args()


def _up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not 0 < int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {most}")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
