"""The school's plan, what it uses, and the platform's invoices to it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.tenants.permissions import CHANGE_PLAN, VIEW_PLAN
from apps.tenants.portal import frame
from apps.tenants.selectors import current_school_info
from apps.tenants.services.backup.catalogue import last_backed_up
from apps.tenants.services.plans import accounts, self_service
from apps.tenants.services.plans.documents import (
    file_name,
    invoice_pdf,
    invoice_row,
    issuer_lines,
    title_of,
)
from apps.tenants.services.plans.meters import read_meters
from apps.tenants.services.plans.months import this_month
from apps.tenants.services.plans.overview import overview_of, plan_card
from apps.tenants.services.plans.subscriptions import cancel_scheduled
from kernel.access import access
from kernel.errors import DomainError

PLAN = "plan"


@access(VIEW_PLAN)
@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    """Plan and usage, counted now."""
    school = current_school_info()
    may_change = request.user.can(CHANGE_PLAN)  # type: ignore[union-attr]
    choices = self_service.choices(school_id=school.id) if may_change else []
    context = {
        "tabs": frame.tabs(request.user, PLAN),
        "overview": overview_of(school, read_meters(this_month(school.time_zone))),
        "cards": [plan_card(choice) for choice in choices],
        "may_change": may_change,
        "backed_up_at": last_backed_up(school.id),
        "invoices": [invoice_row(row) for row in accounts.list_invoices(school_id=school.id)],
    }
    return render(request, "tenants/plan.html", context)


@access(CHANGE_PLAN)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, code: str) -> HttpResponse:
    """What a change of plan would mean; sending the form does it."""
    school = current_school_info()
    if request.method == "POST":
        try:
            done = self_service.choose_plan(
                school_id=school.id,
                code=code,
                actor=str(getattr(request.user, "email", "")),
            )
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("Your school has chosen %s.") % done.plan.name)
            return redirect("tenants:plan")
    preview = self_service.preview_change(school_id=school.id, code=code)
    context = {
        "tabs": frame.tabs(request.user, PLAN),
        "preview": preview,
        "card": plan_card(preview.plan),
    }
    return render(request, "tenants/plan_choose.html", context)


@access(CHANGE_PLAN)
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Stay on the present plan after all."""
    school = current_school_info()
    cancel_scheduled(school_id=school.id, actor=str(getattr(request.user, "email", "")))
    messages.success(request, _("Your school keeps its plan."))
    return redirect("tenants:plan")


@access(VIEW_PLAN)
@require_safe
def invoice(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    found = accounts.get_invoice(invoice_id=invoice_id, school_id=current_school_info().id)
    context = {
        "tabs": frame.tabs(request.user, PLAN),
        **invoice_row(found),
        "title": title_of(found),
        "issuer": issuer_lines(),
    }
    return render(request, "tenants/plan_invoice.html", context)


@access(VIEW_PLAN)
@require_safe
def invoice_file(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    found = accounts.get_invoice(invoice_id=invoice_id, school_id=current_school_info().id)
    response = HttpResponse(invoice_pdf(found), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{file_name(found)}"'
    return response
