"""What goes by itself once nobody needs it any more."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from apps.tenants.contracts import ACTIVE, SchoolInfo
from apps.tenants.selectors import find_school, list_schools
from apps.tenants.services.privacy.audit import RETIRED, note_action
from apps.tenants.services.privacy.retention import Retired, retire
from kernel.commands import PlainCommand
from kernel.owner import has_owner
from kernel.schools import in_school


class Command(PlainCommand):
    help = (
        "Let go what nobody needs any more: expired sign-ins and links, old texts of messages, "
        "import files, audit entries after seven years and more. Beat does this every night; "
        "--dry-run shows every rule with its period, its reason and how many rows are due, and "
        "changes nothing. Periods are set with RETENTION_DAYS and RETENTION_MONEY_YEARS. Exit "
        "code 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", default="", help="short name of one school (default: all)")
        parser.add_argument("--rule", default="", help="only this rule")
        parser.add_argument("--dry-run", action="store_true", help="show it and change nothing")
        parser.add_argument("--json", action="store_true", help="print a JSON list, not a table")

    def run(self, options: dict[str, Any]) -> None:
        one = options["school"]
        schools = [find_school(one)] if one else list_schools(status=ACTIVE)
        quiet = options["json"] or not self.stderr.isatty()
        shown = tqdm(schools, unit="school", disable=quiet)
        found = [(school, _retire(school, options)) for school in shown]
        if options["json"]:
            rows = [{"school": s.slug, **asdict(rule)} for s, rules in found for rule in rules]
            self.stdout.write(json.dumps(rows))
            return
        for school, rules in found:
            self.stdout.write("\n".join(_as_lines(school, rules, options["dry_run"])))


def _retire(school: SchoolInfo, options: dict[str, Any]) -> list[Retired]:
    with in_school(school.schema_name):
        owner = None if options["dry_run"] or has_owner() else False
        result = retire(dry_run=options["dry_run"], owner=owner, only=options["rule"])
        done = {rule.rule: rule.done for rule in result if rule.done}
        if done:
            note_action(RETIRED, actor=getpass.getuser(), detail=done)
    return result


def _as_lines(school: SchoolInfo, rules: list[Retired], dry_run: bool) -> list[str]:
    lines = [f"{school.slug}: {'would go' if dry_run else 'gone'}"]
    for rule in rules:
        period = "off" if rule.keep_days is None else f"{rule.keep_days} days"
        count = rule.due if dry_run else rule.done
        lines.append(f"  {count:>7}  {rule.rule:<26} {period:>9}  {rule.title}")
    return lines
