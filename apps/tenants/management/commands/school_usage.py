"""What each school uses."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from apps.tenants.contracts import SchoolInfo
from apps.tenants.selectors import find_school
from apps.tenants.services.plans.metering import (
    Usage,
    list_usage,
    measure_school,
    measured_schools,
)
from apps.tenants.services.plans.meters import METERS, STORAGE, VOLUME, bytes_text
from apps.tenants.services.plans.months import parse_month
from kernel.commands import PlainCommand
from kernel.money import format_money

HEADINGS = ("SCHOOL", "MONTH", *METERS, "MEASURED")


class Command(PlainCommand):
    help = (
        "Show how much each school uses in a month: students, accounts, storage, messages and "
        "payments. The figures are counted every night; --refresh counts them now. A month that "
        "was billed is closed and keeps the figures it was billed with. Exit code 2 when "
        "something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", default="", help="short name of one school (default: all)")
        parser.add_argument(
            "--month", default="", help="such as 2026-11 (default: the running month)"
        )
        parser.add_argument("--refresh", action="store_true", help="count now, school after school")
        parser.add_argument(
            "--json", action="store_true", help="print a JSON list instead of a table"
        )

    def run(self, options: dict[str, Any]) -> None:
        month = parse_month(options["month"]) if options["month"] else None
        schools = [find_school(options["school"])] if options["school"] else measured_schools()
        if options["refresh"]:
            quiet = options["json"] or not self.stderr.isatty()
            for school in tqdm(schools, unit="school", disable=quiet):
                measure_school(school_id=school.id, month=month)
        rows = list_usage(month=month, schools=schools)
        self.stdout.write(
            json.dumps([_as_dict(row) for row in rows]) if options["json"] else _as_table(rows)
        )


def _as_dict(row: Usage) -> dict[str, Any]:
    return {
        "school": row.school.slug,
        "school_id": row.school.id,
        "month": f"{row.month:%Y-%m}",
        "currency": row.school.currency,
        "measured_at": row.measured_at.isoformat() if row.measured_at else None,
        "closed": row.is_closed,
        "usage": row.values,
    }


def _as_table(rows: list[Usage]) -> str:
    if not rows:
        return "No schools yet. Make one: manage.py provision_school --help"
    table = [tuple(heading.upper() for heading in HEADINGS), *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    )


def _cells(row: Usage) -> tuple[str, ...]:
    figures = [_figure(row.school, name, row.values.get(name)) for name in METERS]
    measured = f"{row.measured_at:%Y-%m-%d %H:%M}" if row.measured_at else "never"
    state = f"{measured}, closed" if row.is_closed else measured
    return (row.school.slug, f"{row.month:%Y-%m}", *figures, state)


def _figure(school: SchoolInfo, name: str, value: int | None) -> str:
    if value is None:
        return "-"
    if name == STORAGE:
        return bytes_text(value)
    return format_money(value, school.currency) if name == VOLUME else str(value)
