"""Takings cut by day, month, method, category and account. All cuts of a span have one total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.fees.models import Allocation, Cover, FeeCategory
from apps.fees.selectors import catalogue
from apps.payments import facade as payments
from apps.payments.contracts import OFFLINE, TakingsCell, TakingsReport

# A longer span is shown by month; the file has its days all the same.
DAYS_SHOWN = 62
# PostgreSQL takes 65,535 parameters a statement.
KEYS_AT_ONCE = 5000


@dataclass(slots=True, kw_only=True)
class Cut:
    """One line of a cut; minor units. `key` is a day, the first of a month, a method, …"""

    key: Any
    label: str = ""
    taken_minor: int = 0
    cover_minor: int = 0  # of what was taken
    returned_minor: int = 0
    lost_minor: int = 0
    taken_count: int = 0

    @property
    def net_minor(self) -> int:
        return self.taken_minor - self.returned_minor - self.lost_minor

    @property
    def moved(self) -> bool:
        return bool(self.taken_minor or self.returned_minor or self.lost_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Takings:
    """The report and its cuts, each of which comes to `total`."""

    report: TakingsReport
    by_day: Sequence[Cut]
    by_month: Sequence[Cut]
    by_method: Sequence[Cut]
    by_category: Sequence[Cut]
    by_account: Sequence[Cut]
    total: Cut

    @property
    def fees_minor(self) -> int:
        """What gateways kept of what they have paid out by now."""
        return sum(fees.fees_minor for fees in self.report.fees)

    @property
    def is_long(self) -> bool:
        return (self.report.until - self.report.since).days >= DAYS_SHOWN


def takings(*, since: date, until: date, which: str) -> Takings:
    """Money of these days (both included) and its cuts. Raises Invalid as the facade does."""
    report = payments.takings_report(since=since, until=until, which=which)
    total = Cut(key="total")
    for cell in report.cells:
        _add(total, cell)
    return Takings(
        report=report,
        by_day=_by_day(report),
        by_month=_by_month(report),
        by_method=_largest_first(
            _cut(report.cells, lambda cell: cell.method, _method),
        ),
        by_category=_by_category(report, total),
        by_account=_largest_first(_cut(report.cells, _account_key, _account)),
        total=total,
    )


def _add(cut: Cut, cell: TakingsCell) -> None:
    cut.taken_minor += cell.taken_minor
    cut.cover_minor += cell.cover_minor
    cut.returned_minor += cell.returned_minor
    cut.lost_minor += cell.lost_minor
    cut.taken_count += cell.taken_count


def _cut(
    cells: Iterable[TakingsCell],
    key_of: Callable[[TakingsCell], Any],
    label_of: Callable[[TakingsCell], str] = lambda _cell: "",
) -> list[Cut]:
    found: dict[Any, Cut] = {}
    for cell in cells:
        key = key_of(cell)
        _add(found.setdefault(key, Cut(key=key, label=label_of(cell))), cell)
    return list(found.values())


def _method(cell: TakingsCell) -> str:
    name = payments.method_name(cell.method)
    return name[:1].upper() + name[1:]


def _account_key(cell: TakingsCell) -> tuple[str, UUID | None]:
    return cell.provider, cell.account_id


def _account(cell: TakingsCell) -> str:
    at_the_counter = cell.provider == OFFLINE
    return cell.account or (_("At the counter") if at_the_counter else _("Without an account"))


def _largest_first(cuts: list[Cut]) -> list[Cut]:
    return sorted(cuts, key=lambda cut: (-cut.taken_minor, cut.label))


def _by_day(report: TakingsReport) -> list[Cut]:
    """Every day of the span, those without money too."""
    known = {cut.key: cut for cut in _cut(report.cells, lambda cell: cell.day)}
    return [known.get(day) or Cut(key=day) for day in _days(report)]


def _by_month(report: TakingsReport) -> list[Cut]:
    known = {cut.key: cut for cut in _cut(report.cells, lambda cell: cell.day.replace(day=1))}
    every = dict.fromkeys(day.replace(day=1) for day in _days(report))
    return [known.get(month) or Cut(key=month) for month in every]


def _days(report: TakingsReport) -> list[date]:
    count = (report.until - report.since).days + 1
    return [report.since + timedelta(days=number) for number in range(count)]


def _by_category(report: TakingsReport, total: Cut) -> list[Cut]:
    """What payments were given to when they came in, and what refunds took back; the cover of the
    processing cost by itself, and the rest is credit. Credit that is used later stays where it was
    counted."""
    given = _sums(Allocation.Kind.PAYMENT, "payment_id", report.payment_ids)
    taken = _sums(Allocation.Kind.REFUND, "source_id", report.refund_ids)
    cuts = [
        Cut(key=key, label=label, taken_minor=given[key], returned_minor=-taken[key])
        for key, label in _categories()
        if given[key] or taken[key]
    ]
    cuts.append(_cover(report))
    rest = Cut(
        key="rest",
        label=_("Credit, or not given to an invoice yet"),
        taken_minor=total.taken_minor - sum(cut.taken_minor for cut in cuts),
        returned_minor=total.returned_minor - sum(cut.returned_minor for cut in cuts),
    )
    lost = Cut(key="lost", label=_("Lost to disputes"), lost_minor=total.lost_minor)
    return [cut for cut in (*cuts, rest, lost) if cut.moved]


def _cover(report: TakingsReport) -> Cut:
    """What payers added for the processing cost, and what of it went back."""
    added = _added(Cover.Kind.PAYMENT, "payment_id", report.payment_ids)
    returned = -_added(Cover.Kind.REFUND, "source_id", report.refund_ids)
    label = _("Processing cost")
    return Cut(
        key="cover", label=label, taken_minor=added, cover_minor=added, returned_minor=returned
    )


def _added(kind: str, column: str, keys: Sequence[UUID]) -> int:
    """What rows of the cover of this kind come to."""
    return sum(
        Cover.objects.filter(kind=kind, **{f"{column}__in": some})
        .order_by()
        .aggregate(sum=Sum("amount_minor"))["sum"]
        or 0
        for some in _some_at_once(keys)
    )


def _categories() -> list[tuple[UUID | None, str]]:
    """Invoices without a fee are of activities: a line of their own unless they count as one."""
    rows = FeeCategory.objects.values_list("pk", "name")
    return [*rows, (None, _("Activities"))]


def _sums(kind: str, column: str, keys: Sequence[UUID]) -> dict[UUID | None, int]:
    """Category -> what rows of this kind gave to its invoices."""
    found: dict[UUID | None, int] = defaultdict(int)
    for some in _some_at_once(keys):
        rows = Allocation.objects.filter(kind=kind, **{f"{column}__in": some}).order_by()
        category = Coalesce("invoice__fee__category_id", catalogue.of_activities("pk"))
        sums = rows.annotate(category=category).values("category").annotate(sum=Sum("amount_minor"))
        for category_id, amount in sums.values_list("category", "sum"):
            found[category_id] += amount
    return found


def _some_at_once(keys: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(keys), KEYS_AT_ONCE):
        yield keys[start : start + KEYS_AT_ONCE]
