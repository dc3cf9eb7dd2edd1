"""The platform's invoices to its schools for a month."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from apps.tenants.contracts import SchoolInfo
from apps.tenants.selectors import find_school
from apps.tenants.services.plans.invoices import ALREADY, BILL, NO_PLAN, NOTHING, Bill, bill_school
from apps.tenants.services.plans.metering import measured_schools
from apps.tenants.services.plans.months import month_before, parse_month, this_month
from kernel.commands import FAILED, Error, PlainCommand
from kernel.errors import DomainError, Invalid
from kernel.money import format_money

# Where a month is over first.
EARLIEST_ZONE = "Pacific/Kiritimati"
WORDS = {ALREADY: "has invoice", NOTHING: "nothing to charge", NO_PLAN: "no plan"}


class Command(PlainCommand):
    help = (
        "Issue the platform's invoices to its schools for a month that is over. Running it again "
        "changes nothing: a school has one invoice a month. --dry-run shows what would be issued. "
        "Exit code 2 when something you gave is wrong, 1 when a school could not be billed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", default="", help="such as 2026-11 (default: the last one)")
        parser.add_argument("--school", default="", help="short name of one school (default: all)")
        parser.add_argument("--dry-run", action="store_true", help="issue nothing, show the sums")
        parser.add_argument(
            "--again",
            action="store_true",
            help="bill a month again whose invoice was taken back; needs --school",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def run(self, options: dict[str, Any]) -> None:
        if options["again"] and not options["school"]:
            raise Error("--again needs --school", returncode=2)
        month = (
            parse_month(options["month"]) if options["month"] else month_before(this_month("UTC"))
        )
        if month >= this_month(EARLIEST_ZONE):
            raise Invalid(f"{month:%Y-%m} is not over yet.")
        schools = [find_school(options["school"])] if options["school"] else measured_schools()
        bills, problems = [], []
        quiet = options["json"] or not self.stderr.isatty()
        for school in tqdm(schools, unit="school", disable=quiet):
            try:
                bills.append(
                    bill_school(
                        school_id=school.id,
                        month=month,
                        actor="manage.py",
                        dry_run=options["dry_run"],
                        again=options["again"],
                    )
                )
            except DomainError as error:
                if options["school"]:
                    raise
                problems.append(f"{school.slug}: {error}".rstrip("."))
        self._show(bills, options)
        if problems:
            raise Error("Not billed: " + "; ".join(problems), returncode=FAILED)

    def _show(self, bills: list[Bill], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps([_as_dict(bill) for bill in bills]))
            return
        for bill in bills:
            self.stdout.write(f"{bill.school.slug:<24}{_told(bill, options['dry_run'])}")
        for currency, total in sorted(_sums(bills).items()):
            self.stdout.write(f"{'in all':<24}{format_money(total, currency)}")


def _told(bill: Bill, dry_run: bool) -> str:
    if bill.outcome in (NOTHING, NO_PLAN):
        return WORDS[bill.outcome]
    total = format_money(bill.total_minor, bill.currency)
    if bill.outcome == ALREADY:
        return f"{total:>14}  {WORDS[ALREADY]} {bill.number}"
    return f"{total:>14}  {'would be billed' if dry_run else bill.number}"


def _sums(bills: list[Bill]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for bill in bills:
        if bill.outcome == BILL:
            sums[bill.currency] = sums.get(bill.currency, 0) + bill.total_minor
    return sums


def _school(school: SchoolInfo) -> dict[str, Any]:
    return {"school": school.slug, "school_id": school.id}


def _as_dict(bill: Bill) -> dict[str, Any]:
    return {
        **_school(bill.school),
        "month": f"{bill.month:%Y-%m}",
        "outcome": bill.outcome,
        "number": bill.number,
        "total_minor": bill.total_minor,
        "currency": bill.currency,
        "lines": [
            {"code": line.code, "amount_minor": line.amount_minor, "detail": line.detail}
            for line in bill.lines
        ],
    }
