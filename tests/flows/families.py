"""A school whose families have been billed over HTTP, and its families one by one.

Each paying test takes a family of its own, so that tests need no order.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.flows.browserless import Page, Visitor
from tests.flows.letters import Letters, link_in
from tests.flows.running import RunningStack
from tests.flows.schools import School, make_school

SLUG = "brook"
FAMILIES = 36
TUITION, LUNCH = 12_500, 3_333
# Two children: tuition each, lunch for the one in class 1A.
OWED = 2 * TUITION + LUNCH
COLUMNS = (
    "student_number,first_name,last_name,class,guardian1_name,guardian1_email,"
    "guardian2_name,guardian2_email"
)


def families_csv() -> bytes:
    """Two guardians and two children each; one child more whose guardian has no e-mail."""
    rows = [COLUMNS]
    for n in range(1, FAMILIES + 1):
        first, second = f"parent{n:02}@{SLUG}.example", f"other{n:02}@{SLUG}.example"
        adults = f"Parent {n:02},{first},Other {n:02},{second}"
        rows.append(f"{n:02}1,Ada{n:02},Fam{n:02},1A,{adults}")
        rows.append(f"{n:02}2,Ben{n:02},Fam{n:02},2B,{adults}")
    rows.append("999,Silent,Family,2B,Paper Only,,,")
    return "\n".join(rows).encode()


@dataclass
class Family:
    """One family of the school, and its first guardian with the link out of the mail."""

    school: School
    number: int
    link: str
    visitor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        self.visitor = Visitor(self.school.address)

    @property
    def email(self) -> str:
        return f"parent{self.number:02}@{SLUG}.example"

    @property
    def other_email(self) -> str:
        return f"other{self.number:02}@{SLUG}.example"

    def balance(self) -> Page:
        return self.visitor.open(self.link)

    def student_id(self, first_name: str = "Ada") -> str:
        query = "SELECT id::text FROM students_student WHERE first_name = %s"
        return str(self.school.rows(query, f"{first_name}{self.number:02}")[0][0])

    def owed(self) -> int:
        """What the books say the family owes, in minor units."""
        name = f"Fam{self.number:02}"
        return int(self.school.rows(BALANCE, name, name)[0][0])

    def payments(self) -> list[tuple[str, str, int, int]]:
        """(id, status, captured, refunded) of every attempt, oldest first."""
        query = (
            "SELECT p.id::text, p.status, p.captured_minor, p.refunded_minor "
            "FROM payments_payment p JOIN students_guardian g ON g.id = p.payer_id "
            "WHERE g.name IN (%s, %s) ORDER BY p.started_at"
        )
        names = (f"Parent {self.number:02}", f"Other {self.number:02}")
        return self.school.rows(query, *names)  # type: ignore[return-value]

    def start_paying(self) -> Page:
        """The hosted page of the gateway."""
        return self.visitor.press(self.balance(), "Pay $")


BALANCE = """
SELECT coalesce(sum(amount), 0)::bigint FROM (
    SELECT c.amount_minor AS amount FROM fees_charge c JOIN fees_invoice i ON i.id = c.invoice_id
        JOIN students_student s ON s.id = i.student_id WHERE s.last_name = %s
    UNION ALL
    SELECT -a.amount_minor FROM fees_allocation a JOIN fees_invoice i ON i.id = a.invoice_id
        JOIN students_student s ON s.id = i.student_id WHERE s.last_name = %s
) AS books
"""


def invoice_ids(school: School, last_name: str) -> list[str]:
    query = (
        "SELECT i.id::text FROM fees_invoice i JOIN students_student s ON s.id = i.student_id "
        "WHERE s.last_name = %s ORDER BY i.number"
    )
    return [row[0] for row in school.rows(query, last_name)]


def story(school: School, payment_id: str) -> list[str]:
    """The stored events of a payment, oldest first."""
    query = "SELECT event_type FROM stored_event WHERE stream_id = %s ORDER BY version"
    return [row[0].removeprefix("payments.") for row in school.rows(query, payment_id)]


def make_fee(bursar: Visitor, name: str, amount: str) -> Page:
    form = bursar.open("/portal/fees/new/")
    return bursar.press(form, "Save fee", name=name, amount=amount)


def preview_run(bursar: Visitor, fee: str, classes: list[str]) -> Page:
    page = bursar.open("/portal/fees/bill/")
    form = page.form("Preview")
    return bursar.press(
        page,
        "Preview",
        fee=form.choice("fee", f"{fee} ·"),
        classes=[form.choice("classes", name) for name in classes],
    )


@dataclass
class Billed:
    """The school after two billing runs."""

    school: School
    letters: Letters
    eventually: Callable[..., Any]
    bursar: Visitor
    posted: dict[str, list[Page]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def next_family(self) -> Family:
        number = next(self._numbers)
        assert number <= FAMILIES, "more tests than families: raise FAMILIES"
        email = f"parent{number:02}@{SLUG}.example"
        letter = self.eventually(lambda: self.letters.to(email))[-1]
        return Family(self.school, number, link_in(letter, "/family/l/"))


def bill_everybody(
    running: RunningStack, letters: Letters, eventually: Callable[..., Any]
) -> Billed:
    school = make_school(running, SLUG, name="Brook School", families=families_csv())
    bursar = school.bursar()
    billed = Billed(school, letters, eventually, bursar)
    for fee, amount, classes in (("Tuition", "125.00", ["1A", "2B"]), ("Lunch", "33.33", ["1A"])):
        make_fee(bursar, fee, amount)
        preview = preview_run(bursar, fee, classes)
        billed.posted[fee] = [preview, *bursar.press_twice(preview, "Post")]
    return billed


def dollars(minor: int) -> str:
    return f"${minor // 100:,}.{minor % 100:02}"


def amounts(text: str) -> list[int]:
    """Every dollar amount in a text, in minor units, as it is read."""
    found = re.findall(r"([-−]?)\$([\d,]+)\.(\d\d)", text)
    return [
        (-1 if sign else 1) * (int(whole.replace(",", "")) * 100 + int(cents))
        for sign, whole, cents in found
    ]
