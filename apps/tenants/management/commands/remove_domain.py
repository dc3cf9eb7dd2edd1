"""Let a domain lead to a school no more."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.asking import add_json, add_school, operator
from apps.tenants.selectors import find_school
from apps.tenants.services.domains import remove_domain
from kernel.commands import PlainCommand


class Command(PlainCommand):
    help = (
        "Let a domain lead to its school no more, at once. The primary address cannot be removed: "
        "make another one primary first (add_domain --primary). Exit code 0, or 2 when something "
        "you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_school(parser)
        parser.add_argument("--domain", required=True, help="the host name: www.riverside.example")
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        school = find_school(options["school"])
        remove_domain(school_id=school.id, domain=options["domain"], actor=operator())
        if options["json"]:
            self.stdout.write(json.dumps({"school": school.slug, "removed": options["domain"]}))
        else:
            self.stdout.write(f"{options['domain']} leads to {school.name} no more.")
