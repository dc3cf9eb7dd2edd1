"""Refunds above the school's limit: the queue, and what a second person says."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.payments.permissions import APPROVE_REFUNDS, REFUND_PAYMENTS, VIEW_PAYMENTS
from apps.payments.portal import labels
from apps.payments.portal.forms import DeclineForm
from apps.payments.portal.views import tabs, tell_refund
from apps.payments.selectors import money_back
from apps.payments.services import approvals, refunds
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate, query


@access(VIEW_PAYMENTS)
@require_GET
def approval_list(request: HttpRequest) -> HttpResponse:
    text, waiting = query(request), request.GET.get("show") == "waiting"
    page = paginate(request, money_back.approvals(waiting=waiting, text=text))
    infos = [money_back.to_approval(row) for row in page.object_list]
    context = {
        "page": page,
        "rows": labels.with_approvals(infos, actor=actor_of(request)),
        "q": text,
        "waiting": waiting,
        "decline_form": DeclineForm(),
        "tabs": tabs(request),
    }
    return render(request, "payments/approval_list.html", context)


@access(APPROVE_REFUNDS)
@require_POST
def approve(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    try:
        info = refunds.approve(approval_id=approval_id, actor=actor_of(request))
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        tell_refund(request, info)
    return redirect("payments:approvals")


@access(APPROVE_REFUNDS)
@require_POST
def decline(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    form = DeclineForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    if not note:
        messages.error(request, _("Say why, so that who asked for it can tell the family."))
        return redirect("payments:approvals")
    try:
        approvals.decline(approval_id=approval_id, actor=actor_of(request), note=note)
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Declined. No money has moved."))
    return redirect("payments:approvals")


@access(REFUND_PAYMENTS)
@require_POST
def withdraw(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    try:
        approvals.withdraw(approval_id=approval_id, actor=actor_of(request))
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Taken back. No money has moved."))
    return redirect("payments:approvals")


def actor_of(request: HttpRequest) -> str:
    user: Any = request.user
    return str(user.email)
