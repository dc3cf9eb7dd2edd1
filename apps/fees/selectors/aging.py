"""What was outstanding at the end of a day, and for how long it had been due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.fees.contracts import Part, open_parts
from apps.fees.models import Allocation, Charge, Credit, Instalment, Invoice
from apps.fees.selectors import catalogue
from kernel.schools import current_school

# The last day of each bracket; what is later than the last of them is in the last bracket.
BRACKETS = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What one invoice, or one instalment of it, wanted on the day; minor units. `late`: days
    since it was due. `first`: no earlier instalment of the invoice wanted anything."""

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
    first: bool

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
            line.invoices += owed.first
    credit = Credit.objects.filter(booked_on__lte=as_of).order_by()
    return Aging(
        as_of=as_of,
        currency=current_school().currency,
        by_class=_in_order(classes.values()),
        by_category=_in_order(categories.values()),
        total=total,
        credit_minor=credit.aggregate(sum=Sum("amount_minor"))["sum"] or 0,
    )


def owed_on(*, as_of: date) -> list[Owed]:
    """Every invoice that wanted money at the end of the day, one with a plan by its instalments,
    oldest due first; two queries."""
    rows = Invoice.objects.filter(issued_on__lte=as_of).annotate(
        owed=_sum_by(Charge, as_of) - _sum_by(Allocation, as_of), category=_CATEGORY
    )
    rows = rows.filter(owed__gt=0)
    plans = _plans(rows)
    found = [
        owed
        for row in rows.values(*_COLUMNS)
        for owed in _by_part(row, plans.get(row["id"], ()), as_of)
    ]
    return sorted(found, key=lambda owed: (owed.due_on, owed.number))


def _plans(rows: QuerySet[Invoice]) -> dict[UUID, list[Part]]:
    plans: dict[UUID, list[Part]] = defaultdict(list)
    parts = Instalment.objects.filter(invoice__in=rows.values("pk")).order_by("due_on")
    for invoice_id, due_on, amount in parts.values_list("invoice_id", "due_on", "amount_minor"):
        plans[invoice_id].append(Part(due_on=due_on, amount_minor=amount))
    return plans


def _by_part(row: dict[str, Any], plan: Sequence[Part], as_of: date) -> Iterator[Owed]:
    parts = open_parts(row["owed"], due_on=row["due_on"], instalments=plan)
    for place, part in enumerate(parts):
        yield Owed(
            invoice_id=row["id"],
            balance_minor=part.amount_minor,
            due_on=part.due_on,
            late=(as_of - part.due_on).days,
            first=place == 0,
            category=row["category"] or _("Activities"),
            **{name: row[name] for name in _COLUMNS[:5]},
        )


_CATEGORY = Coalesce("fee__category__name", catalogue.of_activities("name"))
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
