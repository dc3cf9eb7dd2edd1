"""`make bench`: all figures, on a database of their own made like the suite's.

`python -m benchmarks routing` runs those whose name contains the word, and saves nothing.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

FIGURES = sorted(p.stem for p in Path(__file__).parent.glob("figure_*.py"))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()
    from benchmarks.harness import save, show
    from config import testdb

    testdb.make("homeroom_bench")
    words = sys.argv[1:]
    chosen = [name for name in FIGURES if not words or any(word in name for word in words)]
    if not chosen:
        sys.exit(f"No figure is called that. There are: {', '.join(FIGURES)}")
    results = []
    for name in chosen:
        result = import_module(f"benchmarks.{name}").measure()
        show(result)
        results.append(result)
    if not words:
        save(results)


if __name__ == "__main__":
    main()
