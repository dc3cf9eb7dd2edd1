"""Schools in stock: tables made in advance, so that a new school waits for nothing."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from apps.tenants.models import SpareSchool, schema_name_for
from apps.tenants.services.schemas.spares import count_ready, keep_spares, list_spares
from apps.tenants.services.schemas.versions import current_version
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "List the schools in stock: schemas with all tables and no school yet, which "
        "provision_school claims. The keeper tops them up to the setting SPARE_SCHOOLS; with "
        "--make this command does so now, which needs DATABASE_OWNER_URL. Exit code 0, 1 when the "
        "database does not answer or nobody migrated it, 2 when an option is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--make",
            type=_whole_number,
            metavar="N",
            help="make as many as are missing to N that are ready",
        )
        parser.add_argument("--list", action="store_true", help="list them (the default)")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        made = 0
        if options["make"] is not None:
            quiet = True if options["json"] or not options["verbosity"] else None
            with tqdm(unit="spare", disable=quiet) as bar:
                made = keep_spares(wanted=options["make"], on_made=partial(_show, bar))
        spares, version = list_spares(), current_version()
        if options["json"]:
            rows = [_as_dict(spare, version) for spare in spares]
            self.stdout.write(json.dumps({"made": made, "ready": count_ready(), "spares": rows}))
        elif options["verbosity"]:
            self._tell(spares, version, made)

    def _tell(self, spares: list[SpareSchool], version: str, made: int) -> None:
        if made:
            self.stdout.write(f"{made} made.")
        for spare in spares:
            row = _as_dict(spare, version)
            state = "ready" if row["ready"] else row["error"] or "being made, or behind"
            self.stdout.write(f"{row['schema_name']}  {row['made_at'][:16]}  {state}")
        ready = sum(spare.schema_version == version for spare in spares)
        self.stdout.write(f"{ready} ready to be claimed")


def _as_dict(spare: SpareSchool, version: str) -> dict[str, Any]:
    return {
        "schema_name": schema_name_for(spare.id),
        "ready": bool(version) and spare.schema_version == version,
        "made_at": spare.made_at.isoformat(),
        "error": spare.schema_error,
    }


def _whole_number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 10_000:
        raise ValueError
    return number


def _show(bar: tqdm, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)
