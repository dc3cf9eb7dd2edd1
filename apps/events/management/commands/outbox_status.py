"""`manage.py outbox_status`: what waits, how long, and what has been given up on."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from apps.events.contracts import OutboxStatus
from apps.events.selectors import outbox
from apps.events.selectors.schemas import opened
from kernel.commands import PlainCommand
from kernel.errors import NotFound

COLUMNS = ("school", "pending", "retrying", "oldest s", "calls", "parked", "dead letters")


class Command(PlainCommand):
    help = "Show each school's outbox: events that wait, the age of the oldest, dead letters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--school", help="slug or schema name; all schools when left out")
        parser.add_argument("--json", action="store_true", help="one JSON array, for machines")

    def run(self, options: dict[str, Any]) -> None:
        rows = [(name, _status(schema)) for schema, name in _chosen(options["school"])]
        if options["json"]:
            found = [{"school": name, **asdict(status)} for name, status in rows]
            self.stdout.write(json.dumps(found))
        else:
            self._write_table(rows)

    def _write_table(self, rows: list[tuple[str, OutboxStatus]]) -> None:
        width = max(len(COLUMNS[0]), *(len(name) for name, _ in rows))
        heads = "  ".join(f"{column:>12}" for column in COLUMNS[1:])
        self.stdout.write(f"{COLUMNS[0]:<{width}}  {heads}")
        for name, status in rows:
            figures = (
                status.pending,
                status.retrying,
                status.oldest_seconds,
                status.deliveries,
                status.parked,
                status.dead_letters,
            )
            line = "  ".join(f"{figure:>12}" for figure in figures)
            self.stdout.write(f"{name:<{width}}  {line}")


def _status(schema_name: str) -> OutboxStatus:
    with opened(schema_name):
        return outbox.get_status()


def _chosen(school: str | None) -> list[tuple[str, str]]:
    schemas = outbox.list_schemas()
    if school is None:
        return schemas
    chosen = [(schema, name) for schema, name in schemas if school in (schema, name)]
    if not chosen:
        raise NotFound(f"There is no school “{school}”.")
    return chosen
