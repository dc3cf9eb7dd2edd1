"""Appends a second of the eventsourcing library, eight writers, PostgreSQL recorder: `<seconds>`,
prints the rate. Its own variables (POSTGRES_DBNAME and so on) say where the database is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchmarks.writers import rate

EVENTS_A_STREAM = 50


class Tally(Aggregate):
    @event("Counted")
    def count(self, number: int) -> None:
        self.number = number


def make(_number: int) -> Callable[[], object]:
    application = Application(env={"CREATE_TABLE": "no"})
    tally = Tally()

    def append() -> None:
        nonlocal tally
        if tally.version >= EVENTS_A_STREAM:
            tally = Tally()
        tally.count(number=tally.version)
        application.save(tally)

    return append


if __name__ == "__main__":
    Application().close()  # makes the tables, which eight at once would stumble over
    print(rate(make, seconds=float(sys.argv[1])))
