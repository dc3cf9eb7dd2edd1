"""Open a school again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.asking import add_json, add_school, as_json, operator
from apps.tenants.selectors import address_of, find_school
from apps.tenants.services.status import resume_school
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "Open a suspended or archived school again. A school that is being deleted comes back by "
        "delete_school --undo. Exit code 0, or 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_school(parser)
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        school = resume_school(school_id=find_school(options["school"]).id, actor=operator())
        told = f"{school.name} is open: {address_of(school.domain)}"
        self.stdout.write(as_json(school) if options["json"] else told)
