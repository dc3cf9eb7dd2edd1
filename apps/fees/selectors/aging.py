"""What was outstanding at the end of a day, and for how long it had been due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.fees.models import Allocation, Charge, Credit, Invoice
from kernel.schools import current_school

# The last day of each bracket; what is later than the last of them is in the last bracket.
BRACKETS = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What one invoice wanted on the day; minor units. `late`: days since it was due."""

    invoice_id: UUID
    number: str
    title: str
    student_id: UUID
    student_name: str
    class_name: str
    category: str
    due_on: date
    late: int
    balance_minor: int

    @property
    def bracket(self) -> int:
        return sum(self.late > last for last in BRACKETS)


@dataclass(slots=True, kw_only=True)
class AgingLine:
    """A class or a category: minor units by bracket, not due yet first."""

    label: str
    brackets: list[int] = field(default_factory=lambda: [0] * (len(BRACKETS) + 1))
    invoices: int = 0

    @property
    def total_minor(self) -> int:
        return sum(self.brackets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aging:
    """Both cuts come to `total`. `credit_minor`: what families had as credit on the day."""

    as_of: date
    currency: str
    by_class: Sequence[AgingLine]
    by_category: Sequence[AgingLine]
    total: AgingLine
    credit_minor: int


def aging(*, as_of: date) -> Aging:
    """The books as they stood at the end of `as_of`: what was booked on later days is left out."""
    total = AgingLine(label=_("Total"))
    classes: dict[str, AgingLine] = {}
    categories: dict[str, AgingLine] = {}
    for owed in owed_on(as_of=as_of):
        in_class = owed.class_name or _("No class")
        for line in (
            total,
            classes.setdefault(in_class, AgingLine(label=in_class)),
            categories.setdefault(owed.category, AgingLine(label=owed.category)),
        ):
            line.brackets[owed.bracket] += owed.balance_minor
            line.invoices += 1
    credit = Credit.objects.filter(booked_on__lte=as_of).order_by()
    return Aging(
        as_of=as_of,
        currency=current_school().currency,
        by_class=_in_order(classes.values()),
        by_category=_in_order(categories.values()),
        total=total,
        credit_minor=credit.aggregate(sum=Sum("amount_minor"))["sum"] or 0,
    )


def owed_on(*, as_of: date) -> Iterator[Owed]:
    """Every invoice that wanted money at the end of the day, oldest due first; one query."""
    rows = Invoice.objects.filter(issued_on__lte=as_of).annotate(
        owed=_sum_by(Charge, as_of) - _sum_by(Allocation, as_of), category=F("fee__category__name")
    )
    others = _("Activities")
    for row in rows.filter(owed__gt=0).order_by("due_on", "number").values(*_COLUMNS):
        yield Owed(
            invoice_id=row["id"],
            balance_minor=row["owed"],
            late=(as_of - row["due_on"]).days,
            category=row["category"] or others,
            **{name: row[name] for name in _COLUMNS[:6]},
        )


_COLUMNS = (
    *("number", "title", "student_id", "student_name", "class_name", "due_on"),
    *("id", "owed", "category"),
)


def _sum_by(model: type[Charge] | type[Allocation], as_of: date) -> Coalesce:
    rows: QuerySet = model.objects.filter(invoice=OuterRef("pk"), booked_on__lte=as_of)
    sums = rows.order_by().values("invoice").annotate(sum=Sum("amount_minor")).values("sum")
    none = Value(0, output_field=BigIntegerField())
    return Coalesce(Subquery(sums, output_field=BigIntegerField()), none)


def _in_order(lines: Iterable[AgingLine]) -> list[AgingLine]:
    return sorted(lines, key=lambda line: line.label.casefold())
