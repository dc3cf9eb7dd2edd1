"""Reports of money: takings, refunds and what is outstanding, on the screen and as files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.fees.permissions import VIEW_REPORTS
from apps.fees.portal import report_files as files
from apps.fees.portal.charts import column_chart
from apps.fees.portal.periods import PRESETS, AsOfForm, Period, PeriodForm
from apps.fees.portal.report_files import month_name
from apps.fees.selectors import aging
from apps.fees.selectors.takings import Cut, Takings, takings
from apps.payments import facade as payments
from apps.payments.contracts import REAL_MONEY, TEST_MONEY
from kernel.access import access
from kernel.money import format_money
from kernel.pages import paginate
from kernel.replica import reads_replica
from kernel.templatetags import day

PER_PAGE = 50


@access(VIEW_REPORTS)
@require_safe
@reads_replica
def takings_page(request: HttpRequest) -> HttpResponse:
    context = _span_context(request)
    found: Takings = context["takings"]
    rows = found.by_month if found.is_long else found.by_day
    context |= {
        "tabs": _tabs("takings"),
        "rows": _named_rows(rows, found),
        "chart": _chart(rows, found),
        "top": format_money(
            max((cut.taken_minor for cut in rows), default=0), found.report.currency
        ),
    }
    return render(request, "fees/reports/takings.html", context)


@access(VIEW_REPORTS)
@require_safe
@reads_replica
def takings_file(request: HttpRequest) -> HttpResponseBase:
    """?format=csv|xlsx, and for csv ?cut=day|method|category|account|payments."""
    period, which = _chosen(request)
    return files.takings(
        kind=request.GET.get("format", "csv"),
        cut=request.GET.get("cut", "day"),
        found=takings(since=period.since, until=period.until, which=which),
        which=which,
    )


@access(VIEW_REPORTS)
@require_safe
@reads_replica
def refunds_page(request: HttpRequest) -> HttpResponse:
    context = _span_context(request)
    period: Period = context["period"]
    rows = payments.returned_rows(since=period.since, until=period.until, which=context["which"])
    context |= {
        "tabs": _tabs("refunds"),
        "page": paginate(request, list(rows), PER_PAGE),
        "waiting": payments.refunds_on_their_way(),
    }
    return render(request, "fees/reports/refunds.html", context)


@access(VIEW_REPORTS)
@require_safe
@reads_replica
def refunds_file(request: HttpRequest) -> HttpResponseBase:
    period, which = _chosen(request)
    kind = request.GET.get("format", "csv")
    return files.refunds(kind=kind, since=period.since, until=period.until, which=which)


@access(VIEW_REPORTS)
@require_safe
@reads_replica
def outstanding_page(request: HttpRequest) -> HttpResponse:
    form = AsOfForm(request.GET if "as_of" in request.GET else None)
    found = aging.aging(as_of=form.day())
    titles = bracket_titles()
    context = {
        "tabs": _tabs("outstanding"),
        "form": form if form.is_bound else AsOfForm(initial={"as_of": found.as_of}),
        "aging": found,
        "brackets": titles,
        "by_class": [(line, _titled(line, titles)) for line in found.by_class],
        "by_category": [(line, _titled(line, titles)) for line in found.by_category],
        "totals": _titled(found.total, titles),
        "chart": column_chart(
            [
                (title, format_money(amount, found.currency), max(amount, 0), 0)
                for title, amount in _titled(found.total, titles)
            ]
        ),
        "query": f"as_of={found.as_of.isoformat()}",
    }
    return render(request, "fees/reports/outstanding.html", context)


@access(VIEW_REPORTS)
@require_safe
@reads_replica
def outstanding_file(request: HttpRequest) -> HttpResponseBase:
    """?format=csv|xlsx, and for csv ?cut=invoices|class|category."""
    return files.outstanding(
        kind=request.GET.get("format", "csv"),
        cut=request.GET.get("cut", "invoices"),
        as_of=AsOfForm(request.GET).day(),
        brackets=bracket_titles(),
    )


def bracket_titles() -> list[str]:
    """What the brackets of aging.BRACKETS are called."""
    return [_("Not due yet"), _("1–30 days"), _("31–60 days"), _("61–90 days"), _("Over 90 days")]


def _titled(line: aging.AgingLine, titles: Sequence[str]) -> list[tuple[str, int]]:
    return list(zip(titles, line.brackets, strict=True))


def _tabs(active: str) -> list[dict[str, Any]]:
    titles = [
        ("takings", _("Takings")),
        ("refunds", _("Refunds")),
        ("outstanding", _("Outstanding")),
    ]
    return [
        {"title": title, "url": reverse(f"fees:report_{key}"), "active": key == active}
        for key, title in titles
    ]


def _chosen(request: HttpRequest) -> tuple[Period, str]:
    test = request.GET.get("money") == TEST_MONEY
    return PeriodForm(request.GET).period(), TEST_MONEY if test else REAL_MONEY


def _span_context(request: HttpRequest) -> dict[str, Any]:
    """What the pages about a span of days share."""
    period, which = _chosen(request)
    form = PeriodForm(request.GET)
    shown = {"since": period.since, "until": period.until}
    return {
        "period": period,
        "which": which,
        "is_test": which == TEST_MONEY,
        "form": form if form.errors else PeriodForm(initial=shown),
        "errors": [error for errors in form.errors.values() for error in errors],
        "presets": _presets(period, which),
        "takings": takings(since=period.since, until=period.until, which=which),
        "query": _query(
            since=period.since.isoformat(), until=period.until.isoformat(), which=which
        ),
    }


def _presets(period: Period, which: str) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            "url": f"?{_query(period=name, which=which)}",
            "active": name == period.preset,
        }
        for name, (title, _span) in PRESETS.items()
    ]


def _query(*, which: str, **values: str) -> str:
    """Our own words only: nothing that a visitor typed."""
    parts = [f"{name}={value}" for name, value in values.items()]
    return "&".join([*parts, *(["money=test"] if which == TEST_MONEY else [])])


def _named_rows(rows: Sequence[Cut], found: Takings) -> list[tuple[str, Cut]]:
    """With what each day or month is called; those without money are left out of the table."""
    name = month_name if found.is_long else day
    return [(name(cut.key), cut) for cut in rows if cut.moved]


def _chart(rows: Sequence[Cut], found: Takings) -> Any:
    name, currency = month_name if found.is_long else day, found.report.currency
    return column_chart(
        [
            (
                name(cut.key),
                format_money(cut.net_minor, currency),
                cut.taken_minor,
                cut.returned_minor + cut.lost_minor,
            )
            for cut in rows
        ]
    )
