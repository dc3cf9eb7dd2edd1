"""Reconciliation in the staff portal: only what does not agree, and what was paid out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.payments.models import Discrepancy
from apps.payments.permissions import RECONCILE_PAYMENTS, VIEW_PAYMENTS
from apps.payments.portal import labels
from apps.payments.portal.exception_texts import MEANINGS
from apps.payments.portal.forms import ReasonForm
from apps.payments.portal.views import tabs
from apps.payments.services import sync
from apps.payments.services.reconcile import reading, results, schedule
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate, query
from kernel.replica import reads_replica


@access(VIEW_PAYMENTS)
@require_GET
def exception_list(request: HttpRequest) -> HttpResponse:
    state, text = request.GET.get("state", Discrepancy.OPEN), query(request)
    state = state if state in labels.EXCEPTION else ""
    page = paginate(request, reading.exceptions(state=state, text=text))
    runs = reading.last_runs()
    context = {
        "page": page,
        "rows": [_row(item) for item in page.object_list],
        "runs": [(run, labels.RUN[run.state]) for run in runs],
        "under_way": any(run.state in (run.QUEUED, run.RUNNING) for run in runs),
        "states": [(key, label[0]) for key, label in labels.EXCEPTION.items()],
        "state": state,
        "q": text,
        "tabs": tabs(request),
    }
    return render(request, "payments/exception_list.html", context)


def _row(item: Discrepancy) -> dict[str, Any]:
    open_ = item.state == Discrepancy.OPEN
    return {
        "item": item,
        "meaning": MEANINGS[item.kind],
        "label": labels.EXCEPTION[item.state],
        "form": ReasonForm(prefix=str(item.pk)) if open_ else None,
    }


@access(RECONCILE_PAYMENTS)
@require_POST
def compare_now(request: HttpRequest) -> HttpResponse:
    if schedule.ask_for_runs(actor=_actor(request)):
        messages.info(request, _("The books are being compared. This page shows how far it is."))
    else:
        messages.error(request, _("There is no gateway account to compare with."))
    return redirect("payments:reconciliation")


@access(RECONCILE_PAYMENTS)
@require_POST
def exception_ask(request: HttpRequest, discrepancy_id: UUID) -> HttpResponse:
    """Ask about its payment, and have the books compared again."""
    item = reading.get_exception(discrepancy_id)
    try:
        if item.payment_id:
            sync.ask_gateway(item.payment_id)
        schedule.ask_for_runs(actor=_actor(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.info(request, _("The gateway was asked. The books are being compared again."))
    return redirect("payments:reconciliation")


@access(RECONCILE_PAYMENTS)
@require_POST
def exception_accept(request: HttpRequest, discrepancy_id: UUID) -> HttpResponse:
    form = ReasonForm(request.POST, prefix=str(discrepancy_id))
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        results.accept(discrepancy_id, reason=reason, actor=_actor(request))
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is left as it is, with your reason."))
    return redirect("payments:reconciliation")


@access(VIEW_PAYMENTS)
@require_GET
@reads_replica
def run_list(request: HttpRequest) -> HttpResponse:
    page = paginate(request, reading.runs())
    rows = [(run, labels.RUN[run.state]) for run in page.object_list]
    return render(request, "payments/run_list.html", {"page": page, "rows": rows})


@access(VIEW_PAYMENTS)
@require_GET
@reads_replica
def payout_list(request: HttpRequest) -> HttpResponse:
    text = query(request)
    page = paginate(request, reading.payouts(text=text))
    rows = [(payout, labels.PAYOUT[payout.status]) for payout in page.object_list]
    at_bank = reading.at_bank(payout for payout, _label in rows)
    context = {"page": page, "rows": rows, "q": text, "at_bank": at_bank, "tabs": tabs(request)}
    return render(request, "payments/payout_list.html", context)


@access(VIEW_PAYMENTS)
@require_GET
@reads_replica
def payout_detail(request: HttpRequest, payout_id: UUID) -> HttpResponse:
    payout = reading.get_payout(payout_id)
    page = paginate(request, reading.payout_lines(payout), per_page=100)
    context = {
        "payout": payout,
        "label": labels.PAYOUT[payout.status],
        "tie": reading.bank_tie(payout),
        "page": page,
        "lines": [(line, labels.LINE.get(line.kind, labels.LINE["other"])) for line in page],
    }
    return render(request, "payments/payout_detail.html", context)


def _actor(request: HttpRequest) -> str:
    return str(request.user.email)  # type: ignore[union-attr]
