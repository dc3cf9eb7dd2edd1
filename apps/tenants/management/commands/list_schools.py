"""List the schools of this installation."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.contracts import STATUS_RULES
from apps.tenants.management.asking import add_json
from apps.tenants.models import School
from apps.tenants.selectors import address_of, domains_of, search_schools
from apps.tenants.services.schemas.versions import current_version
from kernel.commands import PlainCommand
from kernel.schools import in_public

HEADINGS = ("SLUG", "NAME", "STATUS", "ADDRESS", "SCHEMA", "CURRENCY", "LANGUAGE", "TIME ZONE")
COLUMNS = (
    "slug",
    "name",
    "status",
    "address",
    "schema_name",
    "currency",
    "language",
    "time_zone",
)


class Command(PlainCommand):
    help = (
        "List the schools of this installation, in the order they joined, with a mark (*) at those "
        "whose tables are behind this release. Exit code 0, or 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--status",
            default="",
            choices=sorted(STATUS_RULES),
            help="only schools in this status",
        )
        parser.add_argument(
            "--search",
            default="",
            metavar="TEXT",
            help="only schools with this in their name, an address or their administrator's e-mail",
        )
        parser.add_argument(
            "--behind",
            action="store_true",
            help="only schools whose tables are behind this release (see migrate_schools)",
        )
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        rows = _rows(options)
        if options["json"]:
            self.stdout.write(json.dumps(rows))
        elif rows:
            self.stdout.write(_as_table(rows))
            self.stdout.write(_in_all(rows))
        elif any(options[name] for name in ("status", "search", "behind")):
            self.stdout.write("No school matches.")
        else:
            self.stdout.write("No schools yet. Make one: manage.py provision_school --help")


def _rows(options: dict[str, Any]) -> list[dict[str, Any]]:
    with in_public():
        found = search_schools(text=options["search"].strip(), status=options["status"])
        schools = list(found.order_by("id"))
        domains = domains_of(school_ids=[school.id for school in schools])
        newest = current_version()
    rows = [_as_dict(school, domains.get(school.id, []), newest) for school in schools]
    return [row for row in rows if row["is_behind"] or not options["behind"]]


def _as_dict(school: School, domains: list[str], newest: str) -> dict[str, Any]:
    return {
        "id": school.id,
        "slug": school.slug,
        "name": school.name,
        "status": school.status,
        "address": address_of(school.primary_host),
        "domains": domains,
        "schema_name": school.schema_name,
        "currency": school.currency,
        "language": school.language,
        "time_zone": school.time_zone,
        "created_at": school.created_at.isoformat(),
        "delete_after": school.delete_after.isoformat() if school.delete_after else None,
        "schema_version": school.schema_version,
        "is_behind": school.schema_version != newest,
    }


def _as_table(rows: list[dict[str, Any]]) -> str:
    lines = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    cells = {**row, "schema_name": row["schema_name"] + ("*" if row["is_behind"] else "")}
    return tuple(str(cells[column]) for column in COLUMNS)


def _in_all(rows: list[dict[str, Any]]) -> str:
    """3 schools: 2 active, 1 suspended"""
    counts = Counter(row["status"] for row in rows)
    each = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"\n{len(rows)} school{'' if len(rows) == 1 else 's'}: {each}"
