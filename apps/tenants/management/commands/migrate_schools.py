"""Bring the platform and all schools to the migrations of this release."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from apps.tenants.services.schemas.catalogue import compare_with_template
from apps.tenants.services.schemas.migrating import WORKERS, Report, migrate_schools
from apps.tenants.services.schemas.pending import Pending, describe, what_is_pending
from apps.tenants.services.schemas.rollback import roll_back
from kernel.commands import FAILED, Error, PlainCommand

_SHOWN = 20


class Command(PlainCommand):
    help = (
        "Bring the platform's tables, then every school's, to the migrations of this release. "
        "Each migration runs once on a template; what it did there is replayed in each school, in "
        "one transaction a school. Schools that fail do not stop the others: they are listed at "
        "the end with the reason, and running the command again takes them up, as it does after "
        "it was killed. Needs DATABASE_OWNER_URL. Exit code 0 when every school is up to date, 1 "
        "when one is not (or, with --check, when something is pending), 2 when an option is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        look = parser.add_mutually_exclusive_group()
        look.add_argument(
            "--plan", action="store_true", help="show what would run where, and change nothing"
        )
        look.add_argument(
            "--check",
            action="store_true",
            help="exit code 1 when anything is pending or any school is behind; change nothing",
        )
        look.add_argument(
            "--rollback-to",
            nargs=2,
            metavar=("APP", "NAME"),
            help="take back what came after this migration of the app, in every school and on "
            "the platform; NAME may be its number (0003). Run it with the release that still has "
            "the migrations to take back",
        )
        look.add_argument(
            "--compare",
            default="",
            metavar="SLUG",
            help="how this school's tables differ from what the migrations make; exit code 1 when "
            "they do. Changes nothing",
        )
        parser.add_argument("--school", default="", metavar="SLUG", help="this school alone")
        parser.add_argument(
            "--canary",
            action="append",
            default=[],
            metavar="SLUG",
            help="a school to go first; when it fails, nothing else is touched. May be repeated "
            "(default: the setting CANARY_SCHOOLS)",
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=WORKERS,
            choices=range(1, 17),
            metavar="N",
            help="schools migrated at the same time, 1 to 16 (default: %(default)s)",
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        if options["plan"] or options["check"]:
            self._look(options)
            return
        if options["compare"]:
            self._compare(options)
            return
        # None: tqdm itself looks whether stderr is a terminal.
        quiet = True if options["json"] or not options["verbosity"] else None
        with tqdm(unit="school", disable=quiet) as bar:
            report = self._work(options, partial(_show, bar))
        if options["json"]:
            self.stdout.write(json.dumps(_as_dict(report)))
        elif options["verbosity"]:
            self._tell(report)
        if not report.ok:
            raise Error(_verdict(report), returncode=FAILED)

    def _work(self, options: dict[str, Any], advance: Any) -> Report:
        common = {"actor": "manage.py", "workers": options["workers"], "on_progress": advance}
        if options["rollback_to"]:
            app, name = options["rollback_to"]
            return roll_back(app=app, name=name, **common)
        return migrate_schools(school=options["school"], canaries=options["canary"], **common)

    def _look(self, options: dict[str, Any]) -> None:
        pending = what_is_pending(school=options["school"])
        if options["json"]:
            self.stdout.write(json.dumps(describe(pending)))
        elif options["verbosity"]:
            self._tell_plan(pending)
        if options["check"] and not pending.nothing:
            raise Error(_how_far_behind(pending), returncode=FAILED)

    def _compare(self, options: dict[str, Any]) -> None:
        found = compare_with_template(slug=options["compare"])
        if options["json"]:
            self.stdout.write(json.dumps({"differences": found}))
        elif found:
            self.stdout.write("\n".join(found))
        else:
            name = options["compare"]
            self.stdout.write(f"{name} has exactly the tables that the migrations make.")
        if found:
            count = len(found)
            raise Error(f"{count} difference{'s' if count > 1 else ''}.", returncode=FAILED)

    def _tell_plan(self, pending: Pending) -> None:
        plan = describe(pending)
        if pending.nothing:
            self.stdout.write("Nothing to migrate: the platform and all schools are up to date.")
            return
        self._list("On the platform:", plan["platform"])
        self._list("To be recorded on the template, then replayed everywhere:", plan["template"])
        for group in plan["schools"]:
            names = ", ".join(_shortened(group["names"]))
            self._list(f"{len(group['names'])} behind ({names}):", group["migrations"])

    def _list(self, heading: str, names: list[str]) -> None:
        if names:
            self.stdout.write("\n  ".join([heading, *names]))

    def _tell(self, report: Report) -> None:
        if report.rebuilt:
            self.stdout.write(f"The template was made again: {report.rebuilt}.")
        for title, names in (
            ("Platform", report.platform),
            ("Recorded", report.recorded),
            ("Taken back", report.taken_back),
        ):
            if names:
                self.stdout.write(f"{title}: {', '.join(names)}")
        self.stdout.write(
            f"{report.migrated} of {report.total} schools and spares changed, "
            f"{len(report.failures)} failed, in {report.seconds:.1f} s"
        )


def _as_dict(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "platform": report.platform,
        "recorded": report.recorded,
        "taken_back": report.taken_back,
        "rebuilt": report.rebuilt,
        "schools": report.total,
        "migrated": report.migrated,
        "failures": [
            {"school": str(each.target), "schema": each.target.schema_name, "reason": each.reason}
            for each in report.failures
        ],
        "stopped": report.stopped,
        "seconds": report.seconds,
    }


def _verdict(report: Report) -> str:
    head = f"{len(report.failures)} failed; the others are done."
    if report.stopped:
        head = f"The canary {report.stopped} failed, so no other school was touched."
    reasons = [
        f"{each.target} ({each.target.schema_name}): {each.reason}" for each in report.failures
    ]
    how = (
        "What failed is as it was before. Put right what the reason says and run the command "
        "again: it takes up only what is left (one alone: --school SLUG)."
    )
    return "\n".join([head, *[f"  {line}" for line in _shortened(reasons)], how])


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return lines if more <= 0 else [*lines[:_SHOWN], f"… and {more} more"]


def _show(bar: tqdm, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _how_far_behind(pending: Pending) -> str:
    return (
        f"Behind: {len(pending.platform)} migrations on the platform, {len(pending.template)} to "
        f"be recorded, {len(pending.behind)} schools and spares. Run manage.py migrate_schools"
    )
