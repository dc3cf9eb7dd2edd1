"""What the commands about one person share: whom they mean and how they say it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser

from apps.tenants.selectors import find_school
from apps.tenants.services.privacy import Erased, Person, PersonQuery, find_person
from kernel.schools import in_school


def add_person_arguments(parser: CommandParser) -> None:
    parser.add_argument("--school", required=True, help="short name of the school")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--email", default="", help="e-mail address of a guardian or an account")
    who.add_argument("--student", default="", help="student number or id")
    who.add_argument("--guardian", default="", help="id of a guardian")
    who.add_argument("--user", default="", help="id of an account")


@contextmanager
def person_meant(options: dict[str, Any]) -> Iterator[Person]:
    """Open the school and find the person. Raises NotFound, SeveralPeople."""
    school = find_school(options["school"])
    query = PersonQuery(
        email=options["email"],
        student=options["student"],
        guardian=options["guardian"],
        user=options["user"],
    )
    with in_school(school.schema_name):
        yield find_person(query)


def told(result: Erased, *, done: bool) -> list[str]:
    """What went and what stays, a line each."""
    lines = ["Gone:" if done else "Would go:"]
    lines += [f"  {row.count:>5}  {row.what}" for row in result.gone] or ["  nothing"]
    lines.append("Stays:" if done else "Would stay:")
    for row in result.kept:
        until = f" (until {row.until.isoformat()})" if row.until else ""
        lines.append(f"  {row.count:>5}  {row.what}{until}")
        lines.append(f"         {row.why}")
    if not result.kept:
        lines.append("  nothing")
    return lines


def as_dict(person: Person, result: Erased) -> dict[str, Any]:
    return {
        "kind": person.kind,
        "ids": [str(key) for key in person.ids],
        "pseudonym": result.pseudonym,
        "gone": [{"what": row.what, "count": row.count} for row in result.gone],
        "kept": [
            {
                "what": row.what,
                "why": row.why,
                "count": row.count,
                "until": row.until.isoformat() if row.until else None,
            }
            for row in result.kept
        ],
        "refusals": list(result.refusals),
    }
