"""Make the database keep schools apart: the app's login, roles and rights."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from kernel.commands import Error, PlainCommand
from kernel.prepare import Prepared, prepare_database

_LEFT = (
    "Left to do by a superuser of this database (or give --admin-url). Until then an injected "
    "SELECT could change its role:"
)


class Command(PlainCommand):
    help = (
        "Make the login of DATABASE_URL (rows only, no tables of its own), and give it and every "
        "school's role exactly the rights they need. Needs DATABASE_OWNER_URL. Run it before and "
        "after the first migration, and after each later one; running it again changes nothing. "
        "Exit code 0 when done, 1 when the database does not answer or, with --strict, when "
        "something is left for a superuser, 2 when the two logins do not fit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--admin-url",
            default="",
            help="address of a superuser, for what PostgreSQL lets nobody else do "
            "(default: the variable DATABASE_ADMIN_URL)",
        )
        parser.add_argument(
            "--strict", action="store_true", help="fail when something is left for a superuser"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        done = prepare_database(admin_url=options["admin_url"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
        elif options["verbosity"]:
            self._tell(done)
        if done.left and options["strict"]:
            raise Error(f"{len(done.left)} statements are left for a superuser.", returncode=1)

    def _tell(self, done: Prepared) -> None:
        made = "made" if done.login_made else "checked"
        self.stdout.write(f"Login {done.login}: {made}. Tables belong to {done.owner}.")
        self.stdout.write(f"Schools given a role: {len(done.schools)}")
        if done.hardened:
            self.stdout.write(f"Rights taken from PUBLIC: {len(done.hardened)}")
        if done.left:
            self.stderr.write("\n".join([_LEFT, *(f"  {line};" for line in done.left)]))
