"""Put a school on another plan."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.selectors import find_school
from apps.tenants.services.plans.subscriptions import change_plan
from kernel.commands import PlainCommand
from kernel.errors import Invalid
from kernel.money import format_money


class Command(PlainCommand):
    help = (
        "Put a school on a plan, from today or a later day: "
        "manage.py change_plan --school riverside plus. The newest version of the plan is used; "
        "the month is charged by days. Plans are listed in the operator console. Exit "
        "code 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", required=True, help="its short name: riverside")
        parser.add_argument("plan", help="the plan's code: free, basic, plus")
        parser.add_argument("--from", dest="starts_on", default="", help="a day: 2026-12-01")
        parser.add_argument(
            "--currency",
            default="",
            help="of the plan (default: that of the present plan, else the school's own)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def run(self, options: dict[str, Any]) -> None:
        school = find_school(options["school"])
        row = change_plan(
            school_id=school.id,
            code=options["plan"],
            currency=options["currency"].upper(),
            starts_on=_day(options["starts_on"]),
            actor="manage.py",
        )
        facts = {
            "school": school.slug,
            "plan": row.plan.code,
            "version": row.plan.version,
            "from": row.starts_on.isoformat(),
            "price_minor": row.plan.price_minor,
            "currency": row.plan.currency,
        }
        price = format_money(row.plan.price_minor, row.plan.currency)
        text = f"{school.name} has the plan {row.plan.name} ({price} a month) from {row.starts_on}."
        self.stdout.write(json.dumps(facts) if options["json"] else text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(f"“{text[:20]}” is not a day. Write it like 2026-12-01.") from None
