"""Payers who are held after odd attempts: why, and what staff decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.payments import models, selectors
from apps.payments.permissions import DECIDE_HOLDS, VIEW_PAYMENTS
from apps.payments.portal import labels
from apps.payments.portal.forms import HoldForm
from apps.payments.portal.views import tabs
from apps.payments.services import fraud
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate

SHOWN = 50


@access(VIEW_PAYMENTS)
@require_GET
def hold_list(request: HttpRequest) -> HttpResponse:
    everything = request.GET.get("all") == "1"
    state = "" if everything else models.FraudHold.OPEN
    page = paginate(request, selectors.holds(state=state))
    context = {
        "page": page,
        "rows": [_row(hold) for hold in page.object_list],
        "everything": everything,
        "tabs": tabs(request),
    }
    return render(request, "payments/hold_list.html", context)


def _row(hold: models.FraudHold) -> dict[str, Any]:
    return {
        "hold": hold,
        "label": labels.HOLD[hold.state],
        "kind": labels.HOLD_KIND[hold.kind],
        "seen": _seen(hold),
        "blocked": hold.state != models.FraudHold.RELEASED and hold.until > timezone.now(),
    }


def _seen(hold: models.FraudHold) -> str:
    """What was counted, in words."""
    if hold.kind == models.FraudHold.CARD_TESTING:
        words = _("%(declines)s declines of %(payers)s payers within an hour")
    else:
        words = _("%(attempts)s attempts and %(declines)s declines within an hour")
    return words % hold.seen


@access(VIEW_PAYMENTS)
@require_GET
def hold_detail(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    return _detail(request, hold_id)


def _detail(
    request: HttpRequest, hold_id: UUID, form: HoldForm | None = None, status: int = 200
) -> HttpResponse:
    hold = selectors.get_hold(hold_id)
    attempts = selectors.held_attempts(hold)
    context = {
        **_row(hold),
        "form": form or HoldForm(),
        "attempts": [(row, labels.STATUS[row.payment.status]) for row in attempts[:SHOWN]],
    }
    return render(request, "payments/hold.html", context, status=status)


@access(DECIDE_HOLDS)
@require_POST
def hold_release(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    return _decide(request, hold_id, fraud.release, _("Released: the payer can pay again."))


@access(DECIDE_HOLDS)
@require_POST
def hold_keep(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    return _decide(request, hold_id, fraud.keep, _("Kept: no payment for a week."))


def _decide(request: HttpRequest, hold_id: UUID, decide: Any, done: str) -> HttpResponse:
    form = HoldForm(request.POST)
    if form.is_valid():
        actor = request.user.email  # type: ignore[union-attr]
        try:
            decide(hold_id=hold_id, reason=form.cleaned_data["reason"], actor=actor)
        except NotFound:
            raise
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
        return redirect("payments:hold", hold_id)
    return _detail(request, hold_id, form, status=422)
