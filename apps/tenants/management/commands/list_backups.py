"""Which backups there are, and whether every school has a recent one."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from django.template.defaultfilters import filesizeformat

from apps.tenants.management.commands.backup_school import as_dict
from apps.tenants.models import Backup
from apps.tenants.selectors import find_school, school_names
from apps.tenants.services.backup import schedule, shelf
from kernel.commands import FAILED, Error, PlainCommand
from kernel.schools import in_public


class Command(PlainCommand):
    help = (
        "List backups, newest first. With --check, say instead whether every school has a good "
        "backup of the last 30 hours: exit code 0 when all is well and 1 when not, for "
        "monitoring. With --storage, list the files in BACKUP_STORAGE, also those that another "
        "installation put there. Exit code 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", metavar="NAME", help="short name, schema or address")
        parser.add_argument("--limit", type=int, default=50, help="at most so many (50)")
        parser.add_argument("--check", action="store_true", help="is all well?")
        parser.add_argument("--storage", action="store_true", help="the files themselves")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        if options["check"]:
            self._check(options)
        elif options["storage"]:
            keys = list(shelf.keys())
            self.stdout.write(json.dumps({"files": keys}) if options["json"] else "\n".join(keys))
        else:
            self._list(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = _rows(options)
        if options["json"]:
            self.stdout.write(json.dumps({"backups": [as_dict(row) for row in rows]}))
            return
        for row in rows:
            size = filesizeformat(row.size).replace("\xa0", " ")
            self.stdout.write(
                f"{row.pk}  {row.started_at:%Y-%m-%d %H:%M}  {row.school_name}  {size}  "
                f"{_state(row)}"
            )

    def _check(self, options: dict[str, Any]) -> None:
        health = schedule.backup_health()
        names = school_names(school_ids={*health.stale, *health.failed})
        problems = [f"no good backup of the last 30 hours: {names[key]}" for key in health.stale]
        problems += [f"the last backup failed: {names.get(key, key)}" for key in health.failed]
        if health.damaged:
            problems.append(f"damaged backups: {health.damaged}")
        if options["json"]:
            found = {"schools": health.schools, "well": health.is_well, "problems": problems}
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write("\n".join(problems) or f"{health.schools} schools, all backed up.")
        if problems:
            raise Error("Not all is well with the backups.", returncode=FAILED)


def _rows(options: dict[str, Any]) -> list[Backup]:
    backups = Backup.objects.order_by("-started_at")
    if options["school"]:
        backups = backups.filter(school_id=find_school(options["school"]).id)
    with in_public():
        return list(backups[: max(options["limit"], 1)])


def _state(row: Backup) -> str:
    words = [row.get_state_display().lower()]
    words += ["encrypted"] if row.encrypted else []
    words += ["verified"] if row.verified_at and not row.error else []
    words += ["pinned"] if row.pinned else []
    return ", ".join(words) + (f": {row.error}" if row.error else "")
