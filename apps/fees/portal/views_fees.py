"""The catalogue of fees."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.fees.permissions import MANAGE_FEES, VIEW_FEES
from apps.fees.portal.forms import FeeForm, refuse
from apps.fees.portal.tabs import tabs
from apps.fees.selectors import catalogue, runs, totals
from apps.fees.services import catalogue as services
from kernel.access import access
from kernel.errors import DomainError
from kernel.pages import paginate, query
from kernel.schools import current_school

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@access(VIEW_FEES)
@require_safe
def fee_list(request: HttpRequest) -> HttpResponse:
    """Every fee, with the money at a glance and the latest runs."""
    archived = request.GET.get("archived") == "1"
    q = query(request)
    context = {
        "page": paginate(request, catalogue.list_fees(text=q, archived=archived)),
        "q": q,
        "archived": archived,
        "totals": totals.money_totals(),
        "runs": runs.list_runs(limit=5),
        "tabs": tabs("fees"),
    }
    return render(request, "fees/fees.html", context)


@access(MANAGE_FEES)
@GET_OR_POST
def fee_new(request: HttpRequest) -> HttpResponse:
    form = FeeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.create_fee(**form.values(), actor=request.user.get_username())
        except DomainError as error:
            _blame(form, error)
        else:
            messages.success(request, _("The fee is ready to be billed."))
            return redirect("fees:fees")
    return _form_page(request, form)


@access(MANAGE_FEES)
@GET_OR_POST
def fee_edit(request: HttpRequest, fee_id: UUID) -> HttpResponse:
    fee = catalogue.get_fee(fee_id=fee_id)
    initial = {
        "name": fee.name,
        "category": str(fee.category_id),
        "amount": fee.amount_minor,
        "description": fee.description,
        "due_rule": fee.due_rule,
        "due_days": fee.due_days,
        "due_date": fee.due_date,
        "shares": fee.shares,
        "months_between": fee.months_between,
    }
    form = FeeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_fee(fee_id=fee_id, **form.values(), actor=request.user.get_username())
        except DomainError as error:
            _blame(form, error)
        else:
            messages.success(request, _("Saved. What was billed before keeps its amount."))
            return redirect("fees:fees")
    return _form_page(request, form, fee=fee)


def _blame(form: FeeForm, error: DomainError) -> None:
    refuse(form, error)


def _form_page(request: HttpRequest, form: FeeForm, fee: object = None) -> HttpResponse:
    context = {"form": form, "fee": fee, "currency": current_school().currency}
    return render(request, "fees/fee_form.html", context, status=422 if form.errors else 200)


@access(MANAGE_FEES)
@require_POST
def fee_archive(request: HttpRequest, fee_id: UUID) -> HttpResponse:
    archived = request.POST.get("archived") != "0"
    services.archive_fee(fee_id=fee_id, archived=archived, actor=request.user.get_username())
    done = _("The fee is archived.") if archived else _("The fee is back in the list.")
    messages.success(request, done)
    return redirect("fees:fees")
