"""Put a school that has left into the archive."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.asking import add_json, add_school, as_json, operator
from apps.tenants.selectors import find_school
from apps.tenants.services.status import archive_school
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "For a school that has left: its host says so, nobody signs in, nothing is sent and no "
        "task runs for it. All its data are kept; resume_school opens it again. Exit code 0, or 2 "
        "when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_school(parser)
        parser.add_argument("--reason", required=True, help="kept in the school's history")
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        school = archive_school(
            school_id=find_school(options["school"]).id,
            reason=options["reason"],
            actor=operator(),
        )
        told = f"{school.name} is archived. Open it again: manage.py resume_school --school "
        self.stdout.write(as_json(school) if options["json"] else told + school.slug)
