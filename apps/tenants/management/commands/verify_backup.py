"""Whether a backup is good."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.bars import bar
from apps.tenants.services.backup.sources import find_source
from apps.tenants.services.backup.verify import verify_backup
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "Read a backup from front to back: decrypt it, check every sum and count, and that "
        "nothing is missing at its end. With --deep restore it into a schema of its own, compare "
        "row by row and by the books, and drop that again (needs DATABASE_OWNER_URL). Exit code "
        "0 when it is good, 1 when it is damaged or its key is missing, 2 when there is none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", help="id, file, or name in BACKUP_STORAGE")
        parser.add_argument("--deep", action="store_true", help="restore it on trial")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        source = find_source(options["backup"])
        with bar(options) as progress:
            found = verify_backup(source=source, deep=options["deep"], progress=progress)
        if options["json"]:
            facts = dataclasses.asdict(found) | {"taken_at": found.taken_at.isoformat()}
            self.stdout.write(json.dumps(facts))
        elif options["verbosity"]:
            self.stdout.write(
                f"Good: {found.school}, {found.taken_at:%Y-%m-%d %H:%M:%S} UTC, "
                f"{found.tables} tables, {found.rows} rows, {found.files} files"
                + (", encrypted" if found.encrypted else ", not encrypted")
                + (", restored on trial" if found.deep else "")
            )
