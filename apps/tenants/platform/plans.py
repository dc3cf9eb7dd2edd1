"""The operator console: what is sold, and which school has what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.tenants import selectors
from apps.tenants.contracts import SchoolInfo
from apps.tenants.platform.plan_forms import ChangePlanForm, PlanForm, initial_of
from apps.tenants.platform.shared import actor_of, post_only, school_frame
from apps.tenants.services.plans import accounts, catalogue
from apps.tenants.services.plans.documents import invoice_row
from apps.tenants.services.plans.metering import MEASURED, get_usage, measure_school
from apps.tenants.services.plans.months import this_month, today_in
from apps.tenants.services.plans.overview import overview_of, plan_card
from apps.tenants.services.plans.subscriptions import (
    cancel_scheduled,
    change_plan,
    current_subscription,
    end_trial,
)
from kernel.access import OPERATOR, access
from kernel.errors import DomainError
from kernel.pages import query


@access(OPERATOR)
@require_safe
def plan_list(request: HttpRequest) -> HttpResponse:
    """What is sold now, and every version there ever was."""
    sold = {plan.id for plan in catalogue.offered_plans()}
    rows = [{"card": plan_card(plan), "is_sold": plan.id in sold} for plan in catalogue.all_plans()]
    context = {"sold": [row for row in rows if row["is_sold"]], "rows": rows}
    return render(request, "platform/plans.html", context)


@access(OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def new_plan(request: HttpRequest) -> HttpResponse:
    """A plan, or the next version of one (?from=…)."""
    base = _base(request)
    form = PlanForm(request.POST or None, initial=initial_of(base))
    if request.method == "POST" and form.is_valid():
        try:
            plan = catalogue.publish_plan(**form.order(), actor=actor_of(request))
        except DomainError as error:
            _blame(form, error)
        else:
            messages.success(request, _("Version %(v)d is sold now.") % {"v": plan.version})
            return redirect("platform:plans")
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "platform/plan_form.html", {"form": form, "base": base}, status=status)


def _base(request: HttpRequest) -> Any:
    try:
        return catalogue.get_plan(plan_id=UUID(query(request, "from")))
    except ValueError:
        return None


def _blame(form: Any, error: DomainError) -> None:
    field = error.field if error.field in form.fields else f"{error.field}_included"
    form.add_error(field if field in form.fields else None, error.message)


@access(OPERATOR)
@post_only
def withdraw(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    plan = catalogue.withdraw_plan(plan_id=plan_id, actor=actor_of(request))
    messages.success(request, _("%(plan)s is not sold any more.") % {"plan": plan.name})
    return redirect("platform:plans")


@access(OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def school_plan(request: HttpRequest, school_id: int) -> HttpResponse:
    """A school's plan and use; the form changes the plan."""
    school = selectors.get_school(school_id=school_id)
    plans = sorted(catalogue.offered_plans(), key=lambda plan: plan.currency != school.currency)
    today = today_in(school.time_zone)
    mine = current_subscription(school_id=school_id, on=today)
    chosen = f"{mine.plan.code} {mine.plan.currency}" if mine else ""
    initial = {"starts_on": today, "plan": chosen}
    form = ChangePlanForm(plans, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _change(request, school, form):
        return redirect("platform:school_plan", school_id=school_id)
    usage = get_usage(school=school, month=this_month(school.time_zone))
    context = {
        **school_frame(school, "platform:school_plan"),
        "overview": overview_of(school, usage.values),
        "usage": usage,
        "form": form,
        "may_count": school.status in MEASURED,
        "invoices": [
            invoice_row(invoice) for invoice in accounts.list_invoices(school_id=school_id)
        ],
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "platform/school_plan.html", context, status=status)


def _change(request: HttpRequest, school: SchoolInfo, form: ChangePlanForm) -> bool:
    code, currency = form.cleaned_data["plan"].split()
    try:
        change_plan(
            school_id=school.id,
            code=code,
            currency=currency,
            starts_on=form.cleaned_data["starts_on"],
            actor=actor_of(request),
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    messages.success(request, _("The plan of %(school)s is changed.") % {"school": school.name})
    return True


@access(OPERATOR)
@post_only
def count_now(request: HttpRequest, school_id: int) -> HttpResponse:
    measure_school(school_id=school_id)
    messages.success(request, _("Counted."))
    return redirect("platform:school_plan", school_id=school_id)


@access(OPERATOR)
@post_only
def keep_plan(request: HttpRequest, school_id: int) -> HttpResponse:
    cancel_scheduled(school_id=school_id, actor=actor_of(request))
    messages.success(request, _("The change is called off."))
    return redirect("platform:school_plan", school_id=school_id)


@access(OPERATOR)
@post_only
def finish_trial(request: HttpRequest, school_id: int) -> HttpResponse:
    end_trial(school_id=school_id, actor=actor_of(request))
    messages.success(request, _("The trial is over; the plan is charged from now on."))
    return redirect("platform:school_plan", school_id=school_id)
