"""`make bench`: all figures, on a database of their own made like the suite's.

`python -m benchmarks routing` runs those whose name contains the word; with `--save` their results
take the place of the earlier ones, without it nothing is saved.
`--schools 3000` says how many schools the figures about many schools have (default 1,000, or the
variable BENCH_SCHOOLS).
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

from benchmarks.harness import Result, Skipped, show

FIGURES = sorted(p.stem for p in Path(__file__).parent.glob("figure_*.py"))
LEAST_SCHOOLS = 11  # the figures about few schools have 10


def main() -> None:
    options = _options()
    os.environ["BENCH_SCHOOLS"] = str(options.schools)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()
    from benchmarks.harness import save
    from benchmarks.schools import drop_schools
    from config import testdb

    testdb.make("homeroom_bench")
    failed: list[str] = []
    try:
        results = [result for name in options.figures for result in _tried(name, failed)]
    finally:
        drop_schools()
    if options.save or not options.words:
        save(results, keep=bool(options.words))
    if failed:
        sys.exit(f"Failed, the others are measured: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    """Before anything is started, so that help and mistakes are answered at once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("words", nargs="*", help="only figures whose name contains one of these")
    parser.add_argument("--save", action="store_true", help="keep what was measured")
    default = os.environ.get("BENCH_SCHOOLS", "1000")
    at_least = f"at least {LEAST_SCHOOLS}; default: %(default)s"
    parser.add_argument("--schools", type=_schools, metavar="N", default=default, help=at_least)
    options = parser.parse_args()
    for word in options.words:
        if not any(word in name for name in FIGURES):
            there_are = ", ".join(name.removeprefix("figure_") for name in FIGURES)
            parser.error(f"no figure's name contains {word!r}. There are: {there_are}")
    options.figures = [name for name in FIGURES if _is_meant(name, options.words)]
    return options


def _schools(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < LEAST_SCHOOLS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {LEAST_SCHOOLS} up")
    return number


def _is_meant(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def _tried(name: str, failed: list[str]) -> list[Result]:
    """One that fails does not cost the others, after what may have been an hour."""
    try:
        return _measured(name)
    except Skipped as reason:
        print(f"{name.removeprefix('figure_')}: SKIPPED, {reason}", flush=True)
        return []
    except Exception:
        traceback.print_exc()
        failed.append(name)
        return []


def _measured(name: str) -> list[Result]:
    """A figure's module measures one result, or several."""
    found = import_module(f"benchmarks.{name}").measure()
    results = found if isinstance(found, list) else [found]
    for result in results:
        show(result)
    return results


if __name__ == "__main__":
    main()
