"""What the commands about one school share: naming it, the operator's name, being sure."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.contracts import SchoolInfo
from apps.tenants.selectors import address_of
from kernel.errors import Invalid


def add_school(parser: CommandParser) -> None:
    parser.add_argument(
        "--school",
        required=True,
        metavar="NAME",
        help="its short name (riverside), schema (t_000003) or any of its addresses",
    )


def add_json(parser: CommandParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of text"
    )


def operator() -> str:
    """Who stands in the history: the person signed in to this machine."""
    return f"{getpass.getuser()} (manage.py)"


def be_sure(*, slug: str, given: str | None, option: str, question: str) -> str:
    """The short name as typed: with the option, or now at the terminal.

    Raises Invalid when neither is there; whether it is the right one is the service's to say.
    """
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise Invalid(f"Nobody is here to ask. Confirm with {option} {slug}")
    return input(f"{question}\nType {slug} to go on: ")


def as_json(school: SchoolInfo, **more: Any) -> str:
    return json.dumps(
        {
            "id": school.id,
            "slug": school.slug,
            "name": school.name,
            "status": school.status,
            "schema_name": school.schema_name,
            "address": address_of(school.domain),
            **more,
        }
    )
