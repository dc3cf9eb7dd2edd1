"""Schools of the flow tests' own, made as an operator makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.flows.browserless import Visitor
from tests.flows.running import PASSWORD, RunningStack

STAFF = ("admin", "bursar", "office", "teacher")
MAKE = """
from apps.identity import facade as identity
for role in {staff!r}:
    identity.create_user(
        email=f"{{role}}@{slug}.example", name=f"{{role.title()}} of {slug}",
        password={password!r}, roles=[role])
families = {csv!r}
if families:
    from apps.students import facade as students
    students.import_families(families, "test")
"""


@dataclass
class School:
    running: RunningStack
    slug: str
    address: str

    def person(self, role: str) -> Visitor:
        """Somebody of the staff, signed in."""
        visitor = Visitor(self.address)
        visitor.sign_in(f"{role}@{self.slug}.example", PASSWORD)
        return visitor

    def bursar(self) -> Visitor:
        return self.person("bursar")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.running.rows(self.slug, query, *values)


def make_school(running: RunningStack, slug: str, *, name: str, families: bytes = b"") -> School:
    """Provision a school with an account for each role of the staff, and its families."""
    running.manage(
        "provision_school", "--name", name, "--slug", slug,
        "--admin-email", f"head@{slug}.example",
    )  # fmt: skip
    code = MAKE.format(staff=STAFF, slug=slug, password=PASSWORD, csv=families)
    running.python(code, school=slug)
    return School(running, slug, running.address(slug))
