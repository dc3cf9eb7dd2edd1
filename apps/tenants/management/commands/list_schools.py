"""List the schools of this installation."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.contracts import ACTIVE, PROVISIONING, SUSPENDED, SchoolInfo
from apps.tenants.selectors import address_of, list_schools
from kernel.commands import PlainCommand

HEADINGS = ("SLUG", "NAME", "STATUS", "ADDRESS", "SCHEMA", "CURRENCY", "LANGUAGE", "TIME ZONE")


class Command(PlainCommand):
    help = "List the schools of this installation, in the order they joined."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--status",
            default="",
            choices=(ACTIVE, PROVISIONING, SUSPENDED),
            help="only schools in this status",
        )
        parser.add_argument(
            "--json", action="store_true", help="print a JSON list instead of a table"
        )

    def run(self, options: dict[str, Any]) -> None:
        schools = list_schools(status=options["status"])
        if options["json"]:
            self.stdout.write(json.dumps([_as_dict(school) for school in schools]))
        elif schools:
            self.stdout.write(_as_table(schools))
        else:
            self.stdout.write("No schools yet. Make one: manage.py provision_school --help")


def _as_dict(school: SchoolInfo) -> dict[str, Any]:
    return {
        "id": school.id,
        "slug": school.slug,
        "name": school.name,
        "status": school.status,
        "address": address_of(school.domain),
        "schema_name": school.schema_name,
        "currency": school.currency,
        "language": school.language,
        "time_zone": school.time_zone,
    }


def _as_table(schools: list[SchoolInfo]) -> str:
    rows = [HEADINGS, *(tuple(str(v) for v in list(_as_dict(s).values())[1:]) for s in schools)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
