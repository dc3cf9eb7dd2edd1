"""Delete a school, after a time in which it can be undone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.tenants.contracts import SchoolInfo
from apps.tenants.management.asking import add_json, add_school, as_json, be_sure, operator
from apps.tenants.management.bars import bar
from apps.tenants.selectors import find_school, get_state
from apps.tenants.services.deletion import (
    check_typed,
    delete_at_once,
    request_deletion,
    undo_deletion,
)
from kernel.commands import PlainCommand
from kernel.errors import Invalid


class Command(PlainCommand):
    help = (
        "Close a school and delete all its data when the grace period (DELETE_GRACE_DAYS) is over: "
        "tables, files, addresses. An export is made first; --undo puts the school back until "
        "then. Asks you to type the short name; a script gives it with --yes-delete. Exit code 0, "
        "1 when deleting at once failed, 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_school(parser)
        parser.add_argument("--reason", default="", help="kept after the school is gone (needed)")
        parser.add_argument(
            "--yes-delete", metavar="SLUG", help="the school's short name, instead of the question"
        )
        parser.add_argument(
            "--now",
            metavar="SLUG",
            help="skip the grace period: the short name once more. Cannot be undone. Needs "
            "DATABASE_OWNER_URL",
        )
        parser.add_argument(
            "--without-export", action="store_true", help="with --now: make no last export"
        )
        parser.add_argument("--undo", action="store_true", help="do not delete it after all")
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        if options["without_export"] and options["now"] is None:
            raise Invalid("--without-export goes with --now")
        school = find_school(options["school"])
        if options["undo"]:
            self._undo(school, options)
        else:
            self._delete(school, options)

    def _undo(self, school: SchoolInfo, options: dict[str, Any]) -> None:
        if options["yes_delete"] is not None or options["now"] is not None:
            raise Invalid("--undo takes neither --yes-delete nor --now")
        back = undo_deletion(school_id=school.id, actor=operator())
        told = f"{back.name} will not be deleted; it is {back.status} as before."
        self.stdout.write(as_json(back) if options["json"] else told)

    def _delete(self, school: SchoolInfo, options: dict[str, Any]) -> None:
        typed = be_sure(
            slug=school.slug,
            given=options["yes_delete"],
            option="--yes-delete",
            question=self._question(school, options),
        )
        check_typed(school.slug, typed)
        if options["now"] is not None:
            check_typed(school.slug, options["now"])
            self._at_once(school, options)
        else:
            self._later(school, typed, options)

    def _question(self, school: SchoolInfo, options: dict[str, Any]) -> str:
        when = f"in {settings.DELETE_GRACE_DAYS} days" if options["now"] is None else "NOW"
        return f"All data of {school.name} ({school.schema_name}) will be deleted {when}."

    def _later(self, school: SchoolInfo, typed: str, options: dict[str, Any]) -> None:
        closed = request_deletion(
            school_id=school.id, typed=typed, reason=options["reason"], actor=operator()
        )
        state = get_state(school_id=school.id)
        day = state.delete_after.isoformat() if state.delete_after else ""
        if options["json"]:
            export = str(state.export_operation) if state.export_operation else None
            self.stdout.write(as_json(closed, delete_after=day, export_operation=export))
            return
        self.stdout.write(
            f"{closed.name} is closed. Its data will be deleted on {day[:10]}; until then: "
            f"manage.py delete_school --school {closed.slug} --undo"
        )

    def _at_once(self, school: SchoolInfo, options: dict[str, Any]) -> None:
        with bar(options, school.slug) as progress:
            result = delete_at_once(
                school_id=school.id,
                reason=options["reason"],
                actor=operator(),
                without_export=options["without_export"],
                on_progress=progress,
            )
        self.stdout.write(
            as_json(school, deleted=True, result=result) if options["json"] else result
        )
