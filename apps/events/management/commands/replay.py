"""`manage.py replay`: work read models out anew from the stored events."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any
from uuid import UUID

from tqdm import tqdm

from apps.events.management.choosing import actor, add_school, moment, schema_of
from apps.events.selectors.schemas import PUBLIC
from apps.events.services import audit
from apps.events.services.projections import all_projections, find_projection
from apps.events.services.replay.comparing import CHANGED, MISSING, Difference
from apps.events.services.replay.ground import Choice
from apps.events.services.replay.running import Replayed, replay
from kernel.commands import FAILED, Error, PlainCommand
from kernel.errors import Invalid

SHOWN = 20


class Command(PlainCommand):
    help = (
        "Go through a school's stored events again and work its derived tables out anew, beside "
        "the real ones; name every difference and put it right, or only name it with --dry-run. "
        "Nothing is published: no mail is sent, no gateway called. A run that was killed goes on "
        "where it stood when it is started again in the same way. Exit code 0, 1 when a "
        "difference is left, 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_school(parser)
        names = ", ".join(each.name for each in all_projections())
        parser.add_argument("--projection", help=f"one of: {names}; all when left out")
        parser.add_argument("--from", dest="since", type=moment, help="ISO, UTC")
        parser.add_argument("--to", dest="until", type=moment, help="ISO, UTC, not included")
        parser.add_argument("--type", default="", help="name of an event, payments.captured")
        parser.add_argument("--stream", type=_stream, help="id of one stream, a payment's say")
        parser.add_argument("--dry-run", action="store_true", help="change nothing")
        parser.add_argument(
            "--workers", type=_workers, default=os.cpu_count() or 1, help="processes (%(default)s)"
        )
        parser.add_argument(
            "--restart", action="store_true", help="forget a run that did not end, begin anew"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def run(self, options: dict[str, Any]) -> None:
        schema_name = schema_of(options["school"])
        if schema_name == PUBLIC:
            raise Invalid("The platform has no projections: give a school.")
        choice = _choice(options)
        results = [self._one(schema_name, name, choice, options) for name in _names(options)]
        self._tell(results, options)
        if left := sum(result.left for result in results):
            raise Error(f"{left} differences are left.", returncode=FAILED)

    def _one(
        self, schema_name: str, name: str, choice: Choice, options: dict[str, Any]
    ) -> Replayed:
        quiet = True if options["json"] or not options["verbosity"] else None
        with tqdm(desc=name, unit="event", unit_scale=True, disable=quiet, leave=False) as shown:

            def report(done: int, total: int, note: str) -> None:
                shown.total = total or shown.total
                shown.set_postfix_str(note[:30], refresh=False)
                shown.update(done - shown.n if total else 0)

            result = replay(
                school=schema_name,
                projection=name,
                choice=choice,
                dry_run=options["dry_run"],
                workers=options["workers"],
                restart=options["restart"],
                progress=report,
            )
        if not options["dry_run"]:
            facts = {"differences": len(result.differences), "put_right": result.put_right}
            audit.note(schema_name, actor(), audit.REPLAYED, projection=name, **facts)
        return result

    def _tell(self, results: list[Replayed], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps([asdict(result) for result in results], default=str))
            return
        for result in results:
            again = ", part of it by a run that did not end" if result.resumed else ""
            self.stdout.write(
                f"{result.projection}: {result.events} events in {result.seconds:.1f} s{again}; "
                f"{len(result.differences)} differences, {result.put_right} put right."
            )
            for difference in result.differences[:SHOWN]:
                self.stdout.write(f"  {_line(difference)}")
            if len(result.differences) > SHOWN:
                self.stdout.write("  … all of them with --json")


def _names(options: dict[str, Any]) -> list[str]:
    if options["projection"]:
        return [find_projection(options["projection"]).name]
    return [projection.name for projection in all_projections()]


def _choice(options: dict[str, Any]) -> Choice:
    read = {name for projection in all_projections() for name in projection.events}
    if options["type"] and options["type"] not in read:
        raise Invalid(f"No projection reads “{options['type']}”.")
    if options["since"] and options["until"] and options["since"] >= options["until"]:
        raise Invalid("--from must be before --to.")
    return Choice(
        since=options["since"],
        until=options["until"],
        event_type=options["type"],
        stream=options["stream"],
    )


def _line(difference: Difference) -> str:
    where = f"{difference.table} {difference.key}"
    if difference.kind == CHANGED:
        changes = (f"{name} {old!s} -> {new!s}" for name, (old, new) in difference.columns.items())
        return f"{where}: {'; '.join(changes)}"
    if difference.kind == MISSING:
        return f"{where}: history tells of it, and it is not there"
    return f"{where}: it is there, and history does not tell of it"


def _stream(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no id of a stream") from error


def _workers(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 64:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return number
