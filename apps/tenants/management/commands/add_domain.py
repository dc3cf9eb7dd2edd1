"""Let a domain lead to a school."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.tenants.management.asking import add_json, add_school, operator
from apps.tenants.models import Domain
from apps.tenants.selectors import address_of, find_school
from apps.tenants.services.domains import add_domain, check_domain, make_primary
from kernel.commands import PlainCommand
from kernel.errors import Unavailable


class Command(PlainCommand):
    help = (
        "Let a domain of the school's own lead to it. The domain is noted down and asked over HTTP "
        "whether it reaches this installation; if not yet, point its DNS here and run the command "
        "again. Running it again changes nothing more. Exit code 0 when the domain leads to the "
        "school, 1 when it does not reach us yet, 2 when something you gave is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_school(parser)
        parser.add_argument("--domain", required=True, help="the host name: www.riverside.example")
        parser.add_argument(
            "--primary",
            action="store_true",
            help="links carry it from now on, and the school's other addresses lead to it",
        )
        parser.add_argument(
            "--unchecked",
            action="store_true",
            help="do not ask the domain; you vouch for it (kept in the history)",
        )
        add_json(parser)

    def run(self, options: dict[str, Any]) -> None:
        school, actor = find_school(options["school"]), operator()
        row = add_domain(
            school_id=school.id,
            domain=options["domain"],
            actor=actor,
            trusted=options["unchecked"],
        )
        if row.challenge:
            row = self._check(row, school.id, actor)
        if options["primary"]:
            row = make_primary(school_id=school.id, domain=row.domain, actor=actor)
        self.stdout.write(_as_json(row, school.slug) if options["json"] else _as_text(row))

    def _check(self, row: Domain, school_id: int, actor: str) -> Domain:
        try:
            return check_domain(school_id=school_id, domain=row.domain, actor=actor)
        except Unavailable as error:
            again = f"{error} It is noted down: run this command again when its DNS leads to "
            raise Unavailable(again + settings.PLATFORM_DOMAIN) from error


def _as_json(row: Domain, slug: str) -> str:
    return json.dumps({"school": slug, "domain": row.domain, "is_primary": row.is_primary})


def _as_text(row: Domain) -> str:
    kind = "the primary address" if row.is_primary else "an address"
    return f"{row.domain} is {kind} of the school: {address_of(row.domain)}"
