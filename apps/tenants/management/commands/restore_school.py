"""Bring a school back from a backup."""

from __future__ import annotations

import getpass
import json
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.contracts import SchoolInfo
from apps.tenants.management.bars import bar
from apps.tenants.selectors import find_school
from apps.tenants.services.backup import restoring
from apps.tenants.services.backup.sources import find_source
from apps.tenants.services.backup.work import told_of
from kernel.commands import PlainCommand
from kernel.errors import Invalid


class Command(PlainCommand):
    help = (
        "Restore a backup, of this installation or another one, of this version or an older one. "
        "--as-new makes a new, archived school of it that mails nobody and speaks to no payment "
        "gateway; resume_school opens it. --in-place puts the school back to the moment of its "
        "backup: what was entered since is lost, and kept aside for BACKUP_KEEP_REPLACED_DAYS; "
        "--undo brings that back. A restore is checked row by row and by the books before "
        "anything changes. Needs DATABASE_OWNER_URL. Exit code 0, 1 when it failed and nothing "
        "was changed, 2 when something you gave is wrong. See docs/recovery.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", nargs="?", help="id, file, or name in BACKUP_STORAGE")
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--as-new", action="store_true", help="a new school beside the others")
        how.add_argument("--in-place", action="store_true", help="the school itself")
        how.add_argument("--undo", action="store_true", help="back to before the last --in-place")
        parser.add_argument("--slug", help="short name of the new school (--as-new)")
        parser.add_argument("--name", default="", help="its name, if not the old one (--as-new)")
        parser.add_argument("--school", help="which school (--in-place, --undo)")
        parser.add_argument(
            "--confirm",
            metavar="SLUG",
            help="the school's short name, instead of being asked (--in-place, --undo)",
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        _check(options)
        if options["undo"]:
            self._undo(options)
            return
        with bar(options) as progress:
            done = (
                restoring.restore_as_new(
                    source=find_source(options["backup"]),
                    slug=options["slug"],
                    name=options["name"],
                    actor=getpass.getuser(),
                    progress=progress,
                )
                if options["as_new"]
                else restoring.restore_in_place(
                    source=find_source(options["backup"]),
                    school_id=self._confirmed(options).id,
                    actor=getpass.getuser(),
                    progress=progress,
                )
            )
        self._tell(done, options)

    def _tell(self, done: restoring.Restored, options: dict[str, Any]) -> None:
        if options["json"]:
            facts = {
                "school": done.school.slug,
                "school_id": done.school.id,
                "schema_name": done.school.schema_name,
                "status": str(done.school.status),
                "taken_at": done.taken_at.isoformat(),
                "rows": done.rows,
                "files": done.files,
                "kept": done.kept,
                "remarks": list(done.remarks),
            }
            self.stdout.write(json.dumps(facts))
        elif options["verbosity"]:
            self.stdout.write(told_of(done))
            if options["as_new"]:
                slug = done.school.slug
                self.stdout.write(f"It is archived. Open it: manage.py resume_school {slug}")

    def _undo(self, options: dict[str, Any]) -> None:
        school = self._confirmed(options)
        kept = restoring.undo_restore(school_id=school.id, actor=getpass.getuser())
        if options["json"]:
            self.stdout.write(json.dumps({"school": school.slug, "kept": kept}))
        elif options["verbosity"]:
            self.stdout.write(f"{school.name} is as it was before the restore.")

    def _confirmed(self, options: dict[str, Any]) -> SchoolInfo:
        """The school; the operator has typed its short name."""
        school = find_school(options["school"])
        typed = options["confirm"]
        if typed is None:
            self.stderr.write(
                f"What was entered in {school.name} since the backup will be put aside."
            )
            try:
                typed = input(f"Type its short name ({school.slug}) to go on: ")
            except EOFError:
                raise Invalid("Nobody is there to confirm: give --confirm") from None
        restoring.check_confirmed(school.slug, typed)
        return school


def _check(options: dict[str, Any]) -> None:
    if not options["undo"] and not options["backup"]:
        raise Invalid("Say which backup: an id, a file, or a name in BACKUP_STORAGE")
    if options["as_new"] and not options["slug"]:
        raise Invalid("--as-new needs --slug, the short name of the new school")
    if not options["as_new"] and not options["school"]:
        raise Invalid("Say which school with --school")
