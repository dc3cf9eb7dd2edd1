"""Everything a school holds about one person."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.person import add_person_arguments, person_meant
from apps.tenants.services.privacy import export_person
from apps.tenants.services.privacy.audit import EXPORTED, note_action
from kernel.commands import PlainCommand
from kernel.errors import Invalid


class Command(PlainCommand):
    help = (
        "Write everything a school holds about one person to a zip file: data.json for machines, "
        "index.html to read and print, and documents such as receipts. Nothing of anybody else is "
        "in it, and no password, link or token. Several matches are listed and nothing is "
        "written. Exit code 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_person_arguments(parser)
        parser.add_argument("--to", required=True, help="the zip file to write; must not exist")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def run(self, options: dict[str, Any]) -> None:
        target = Path(options["to"])
        if target.exists():
            raise Invalid(f"{target} exists already")
        if not target.parent.is_dir():
            raise Invalid(f"There is no folder {target.parent}")
        with person_meant(options) as person:
            export = export_person(person)
            _write(target, export.content)
            detail = {"kind": person.kind, "ids": [str(key) for key in person.ids]}
            note_action(EXPORTED, actor=getpass.getuser(), detail=detail)
        if options["json"]:
            facts = {"file": str(target), "bytes": len(export.content), "files": export.files}
            self.stdout.write(json.dumps({**facts, "sections": dict(export.sections)}))
            return
        rows = sum(export.sections.values())
        self.stdout.write(f"{target}: {rows} rows in {len(export.sections)} tables")


def _write(target: Path, content: bytes) -> None:
    """Only for the eyes of whoever runs the command."""
    target.touch(mode=0o600, exist_ok=False)
    target.write_bytes(content)
