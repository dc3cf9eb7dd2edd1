"""Close a school for a while."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.asking import add_json, add_school, as_json, operator
from apps.tenants.selectors import find_school
from apps.tenants.services.status import suspend_school
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "Close an active school for a while: its site shows a notice, nobody signs in, nothing new "
        "begins. Payments that are under way still arrive, their receipts too. Nothing is deleted; "
        "resume_school opens it again. Exit code 0, or 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_school(parser)
        parser.add_argument(
            "--reason", required=True, help="kept in the school's history: “Unpaid since March”"
        )
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        school = suspend_school(
            school_id=find_school(options["school"]).id,
            reason=options["reason"],
            actor=operator(),
        )
        told = f"{school.name} is suspended. Open it again: manage.py resume_school --school "
        self.stdout.write(as_json(school) if options["json"] else told + school.slug)
