"""Take one person out of a school."""

from __future__ import annotations

import getpass
import json
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.management.person import add_person_arguments, as_dict, person_meant, told
from apps.tenants.services.privacy import (
    Erased,
    ErasureRefused,
    Person,
    erase_person,
    preview_erasure,
)
from apps.tenants.services.privacy.audit import ERASED, note_action
from kernel.commands import PlainCommand
from kernel.errors import Invalid


class Command(PlainCommand):
    help = (
        "Erase one person from a school, all or nothing: names, addresses, messages, accounts and "
        "links go; what the law asks the school to keep stays and is listed with its reason and "
        "its end. --dry-run shows exactly that and changes nothing. Refused while money is owed "
        "or under way, while a student is enrolled, for the only guardian of an enrolled student "
        "and for staff who still work here. Asks you to type the person's name. There is no way "
        "back. Exit code 2 when it is refused or something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_person_arguments(parser)
        parser.add_argument("--reason", default="", help="why; kept with the record (no names)")
        parser.add_argument("--dry-run", action="store_true", help="show it and change nothing")
        parser.add_argument("--yes", metavar="NAME", help="the person's name, instead of asking")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def run(self, options: dict[str, Any]) -> None:
        with person_meant(options) as person:
            preview = preview_erasure(person)
            if options["dry_run"]:
                self._tell(options, person, preview, done=False)
                return
            if not options["reason"].strip():
                raise Invalid("Say why: --reason is kept with the record of the erasure")
            if preview.refusals:
                raise ErasureRefused(preview.refusals)
            self._confirm(options, person, preview)
            actor = getpass.getuser()
            result = erase_person(person, actor=actor, reason=options["reason"])
            detail = {"erasure_id": str(result.erasure_id), "reason": options["reason"][:300]}
            note_action(ERASED, actor=actor, detail=detail)
            self._tell(options, person, result, done=True)

    def _confirm(self, options: dict[str, Any], person: Person, preview: Erased) -> None:
        typed = options["yes"]
        if typed is None:
            self.stderr.write("\n".join(told(preview, done=False)))
            typed = input(f"Type the name to erase ({person.name}): ")
        if typed.strip() != person.name:
            raise Invalid("The name does not match: nothing was erased")

    def _tell(self, options: dict[str, Any], person: Person, result: Erased, *, done: bool) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"done": done, **as_dict(person, result)}))
            return
        self.stdout.write("\n".join(told(result, done=done)))
        for refusal in result.refusals:
            self.stdout.write(f"Refused now: {refusal}")
