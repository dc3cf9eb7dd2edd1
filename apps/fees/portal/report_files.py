"""The reports as files: the same sums as on the pages, and every row behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from babel.dates import format_skeleton
from django.http import FileResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.fees.selectors import aging
from apps.fees.selectors.takings import Cut, Takings
from apps.payments import facade as payments
from apps.payments.contracts import TEST_MONEY
from kernel.errors import Invalid
from kernel.money import Money
from kernel.schools import current_school
from kernel.sheets import CSV, Cell, Sheet, download

Row = tuple[Cell, ...]


def month_name(on: date) -> str:
    """The month and its year in the active language."""
    locale = translation.to_locale(translation.get_language() or "en")
    return str(format_skeleton("yMMM", on, locale=locale))


def takings(*, kind: str, cut: str, found: Takings, which: str) -> FileResponse:
    """All cuts and every payment; a CSV holds one of them. Raises Invalid."""
    report = found.report
    sheets = {
        "day": _cut_sheet(_("By day"), _("Day"), found.by_day, found),
        "method": _cut_sheet(_("By method"), _("Method"), found.by_method, found),
        "category": _cut_sheet(_("By category"), _("Category"), found.by_category, found),
        "account": _cut_sheet(_("By account"), _("Account"), found.by_account, found),
        "fees": _fees(found),
        "payments": _payments(report.since, report.until, which),
        "refunds": _refunds(report.since, report.until, which),
    }
    name = _name("takings", report.since, report.until, which)
    return download(kind, name, _chosen(kind, cut, sheets))


def refunds(*, kind: str, since: date, until: date, which: str) -> FileResponse:
    """Every refund of the span. Raises Invalid."""
    return download(kind, _name("refunds", since, until, which), [_refunds(since, until, which)])


def outstanding(*, kind: str, cut: str, as_of: date, brackets: Sequence[str]) -> FileResponse:
    """Every invoice that wanted money, and both cuts. Raises Invalid."""
    found = aging.aging(as_of=as_of)
    sheets = {
        "invoices": _owed(as_of),
        "class": _aging_sheet(_("By class"), _("Class"), found.by_class, found, brackets),
        "category": _aging_sheet(
            _("By category"), _("Category"), found.by_category, found, brackets
        ),
    }
    return download(kind, f"outstanding-{as_of.isoformat()}", _chosen(kind, cut, sheets))


def _chosen(kind: str, cut: str, sheets: dict[str, Sheet]) -> list[Sheet]:
    if kind != CSV:
        return list(sheets.values())
    if cut not in sheets:
        raise Invalid(", ".join(sheets), field="cut")
    return [sheets[cut]]


def _name(report: str, since: date, until: date, which: str) -> str:
    test = "test-" if which == TEST_MONEY else ""
    return f"{test}{report}-{since.isoformat()}-{until.isoformat()}"


def _cut_sheet(title: str, first: str, cuts: Sequence[Cut], found: Takings) -> Sheet:
    columns = (
        *(first, pgettext("money", "Taken"), _("Refunded or reversed"), _("Lost"), _("Net")),
        _("Of it processing cost"),
    )
    currency = found.report.currency
    rows = [_cut_row(cut.label or cut.key, cut, currency) for cut in cuts]
    return Sheet(title, columns, [*rows, _cut_row(_("Total"), found.total, currency)])


def _cut_row(name: Cell, cut: Cut, currency: str) -> Row:
    sums = (cut.taken_minor, cut.returned_minor, cut.lost_minor, cut.net_minor, cut.cover_minor)
    return (name, *(Money(minor, currency) for minor in sums))


def _fees(found: Takings) -> Sheet:
    currency = found.report.currency
    rows: list[Row] = [
        (fees.account, Money(fees.fees_minor, currency)) for fees in found.report.fees
    ]
    total: Row = (_("Total"), Money(found.fees_minor, currency))
    return Sheet(_("Gateway fees"), (_("Account"), _("Gateway fees")), [*rows, total])


def _payments(since: date, until: date, which: str) -> Sheet:
    columns = (
        *(_("Paid"), _("Payer"), _("What for"), _("Method"), _("Account")),
        *(_("Amount"), _("Refunded or reversed since"), _("Currency"), _("Number"), _("Test")),
        _("Of it processing cost"),
    )
    return Sheet(_("Payments"), columns, _payment_rows(since, until, which))


def _payment_rows(since: date, until: date, which: str) -> Iterator[Row]:
    currency = current_school().currency
    for row in payments.taken_rows(since=since, until=until, which=which):
        yield (
            row.at,
            row.payer_name,
            row.description,
            payments.method_name(row.method),
            row.account,
            Money(row.amount_minor, currency),
            Money(row.refunded_minor, currency),
            currency,
            str(row.payment_id),
            _("yes") if row.test_mode else "",
            Money(row.cover_minor, currency),
        )


def _refunds(since: date, until: date, which: str) -> Sheet:
    columns = (
        *(_("Made"), _("Payer"), _("Method"), _("Account"), _("Amount"), _("Currency")),
        *(_("Reason"), _("Who"), _("Payment")),
    )
    return Sheet(_("Refunds"), columns, _refund_rows(since, until, which))


def _refund_rows(since: date, until: date, which: str) -> Iterator[Row]:
    currency = current_school().currency
    for row in payments.returned_rows(since=since, until=until, which=which):
        yield (
            row.at,
            row.payer_name,
            payments.method_name(row.method),
            row.account,
            Money(row.amount_minor, currency),
            currency,
            _("Taken back: %(what)s") % {"what": row.reason} if row.returned else row.reason,
            row.actor,
            str(row.payment_id),
        )


def _owed(as_of: date) -> Sheet:
    columns = (
        *(_("Invoice"), _("Title"), _("Student"), _("Class"), _("Category")),
        *(_("Due"), _("Days late"), _("Outstanding"), _("Currency")),
    )
    return Sheet(_("Invoices"), columns, _owed_rows(as_of))


def _owed_rows(as_of: date) -> Iterator[Row]:
    currency = current_school().currency
    for row in aging.owed_on(as_of=as_of):
        yield (
            row.number,
            row.title,
            row.student_name,
            row.class_name,
            row.category,
            row.due_on,
            max(row.late, 0),
            Money(row.balance_minor, currency),
            currency,
        )


def _aging_sheet(
    title: str,
    first: str,
    lines: Sequence[aging.AgingLine],
    found: aging.Aging,
    brackets: Sequence[str],
) -> Sheet:
    columns = (first, _("Invoices"), *brackets, _("Total"))
    rows = [_aging_row(line, found.currency) for line in (*lines, found.total)]
    return Sheet(title, columns, rows)


def _aging_row(line: aging.AgingLine, currency: str) -> Row:
    sums = (Money(minor, currency) for minor in (*line.brackets, line.total_minor))
    return (line.label, line.invoices, *sums)
