"""Make a new school from the command line."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.tenants.contracts import Provisioned
from apps.tenants.selectors import address_of
from apps.tenants.services.provision import provision_school
from kernel.commands import PlainCommand
from kernel.schools import platform_url


class Command(PlainCommand):
    help = (
        "Make a new school: its address, its own tables, first settings, and an invitation by "
        "e-mail to its first administrator. Running the same command again changes nothing. "
        "Exit code 2 and one line on stderr when something you gave is wrong; nothing is left "
        "behind then."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="what people call it: “Riverside School”")
        parser.add_argument(
            "--slug",
            required=True,
            help="short name, first part of its address: “riverside” (a-z, 0-9, single hyphens)",
        )
        parser.add_argument(
            "--admin-email", required=True, help="who gets the invitation to set it up"
        )
        parser.add_argument("--admin-name", default="", help="that person's name")
        parser.add_argument(
            "--currency", default="USD", help="ISO 4217 code of its fees (default: %(default)s)"
        )
        parser.add_argument(
            "--language",
            default="en",
            help="en or es, for pages and e-mails (default: %(default)s)",
        )
        parser.add_argument(
            "--time-zone",
            default="America/New_York",
            help="IANA name such as Europe/Madrid (default: %(default)s)",
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )

    def run(self, options: dict[str, Any]) -> None:
        done = provision_school(
            name=options["name"],
            slug=options["slug"],
            admin_email=options["admin_email"],
            admin_name=options["admin_name"],
            currency=options["currency"],
            language=options["language"],
            time_zone=options["time_zone"],
            actor="manage.py",
            on_step=None if options["json"] else self._show_step,
        )
        self.stdout.write(_as_json(done) if options["json"] else _as_text(done, options))

    def _show_step(self, title: str, seconds: float) -> None:
        self.stdout.write(f"{seconds:7.2f} s  {title}")
        self.stdout.flush()


def _as_json(done: Provisioned) -> str:
    school = done.school
    return json.dumps(
        {
            "already": done.already,
            "id": school.id,
            "slug": school.slug,
            "name": school.name,
            "schema_name": school.schema_name,
            "address": address_of(school.domain),
            "steps": [{"title": title, "seconds": seconds} for title, seconds in done.steps],
        }
    )


def _as_text(done: Provisioned, options: dict[str, Any]) -> str:
    school, address = done.school, address_of(done.school.domain)
    if done.already:
        return f"{school.name} is already there: {address}\nNothing was changed."
    return (
        f"{done.seconds:7.2f} s  in all\n\n"
        f"{school.name} is open: {address}\n"
        f"Next: {options['admin_email'].strip()} follows the link in the invitation e-mail, sets "
        "a password and finds a set-up checklist." + _mailbox()
    )


def _mailbox() -> str:
    """Where a developer's machine keeps its mail, which is sent nowhere."""
    return f"\nThe e-mail is at {platform_url('/mailbox/')}" if settings.MAILBOX_DIR else ""
