"""Money actions: who moved money, when, why, and in which trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from apps.payments.permissions import VIEW_AUDIT
from apps.payments.portal.views import tabs
from apps.payments.services import audit, timeline
from kernel.access import access
from kernel.pages import query
from kernel.replica import reads_replica
from kernel.sheets import CSV, Cell, Sheet, download

# More than that is an export for an auditor to take in parts.
MOST_ROWS = 100_000
EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)


class ActionFilter(forms.Form):
    """What the list shows; anything unreadable is left out."""

    since = forms.DateField(
        required=False,
        label=gettext_lazy("From"),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    until = forms.DateField(
        required=False,
        label=gettext_lazy("To"),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    payment = forms.UUIDField(required=False, widget=forms.HiddenInput)


@access(VIEW_AUDIT)
@require_safe
@reads_replica
def audit_page(request: HttpRequest) -> HttpResponse:
    form, wanted = _wanted(request)
    after = audit.Place.parse(query(request, "after"))
    actions, following = audit.page(wanted, after=after)
    context = {
        "tabs": tabs(request),
        "rows": [(action, timeline.actor_name(action.actor)) for action in actions],
        "form": form,
        "q": wanted.who,
        "payment_id": wanted.payment_id,
        "filtered": wanted != audit.Wanted(),
        "following": following and str(following),
        "is_first": after == audit.Place(),
    }
    return render(request, "payments/audit.html", context)


@access(VIEW_AUDIT)
@require_safe
@reads_replica
def audit_file(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV, up to MOST_ROWS rows."""
    _form, wanted = _wanted(request)
    columns = (
        *(_("When"), _("Who"), _("What"), _("Why"), _("Whom"), _("Payment")),
        *(_("Code"), _("Trace")),
    )
    sheet = Sheet(_("Money actions"), columns, _rows(wanted))
    return download(CSV, "money-actions", [sheet])


def _rows(wanted: audit.Wanted) -> Iterator[tuple[Cell, ...]]:
    for action in audit.everything(wanted, limit=MOST_ROWS):
        yield (
            action.at,
            action.actor,
            action.what,
            action.why,
            action.subject,
            str(action.payment_id or ""),
            action.code,
            action.trace_id,
        )


def _wanted(request: HttpRequest) -> tuple[ActionFilter, audit.Wanted]:
    form = ActionFilter(request.GET)
    form.is_valid()
    chosen: dict[str, Any] = form.cleaned_data
    payment_id: UUID | None = chosen.get("payment")
    wanted = audit.Wanted(
        who=query(request),
        payment_id=payment_id,
        since=_sane(chosen.get("since")),
        until=_sane(chosen.get("until")),
    )
    return form, wanted


def _sane(day: date | None) -> date | None:
    return day if day and EARLIEST <= day < LATEST else None
