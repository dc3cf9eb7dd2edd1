"""Categories of fees, and the gateway account that each one's money goes to."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.fees.permissions import MANAGE_FEES
from apps.fees.portal.forms import ActivityCategoryForm, CategoryAccountForm
from apps.fees.portal.tabs import tabs
from apps.fees.selectors import catalogue
from apps.fees.services import catalogue as services
from apps.payments import facade as payments
from kernel.access import access
from kernel.errors import Invalid


@access(MANAGE_FEES)
@require_safe
def category_list(request: HttpRequest) -> HttpResponse:
    accounts = payments.list_accounts()
    labels = {account.id: account.label for account in accounts}
    on = {account.id for account in accounts if account.is_on}
    rows = [
        {
            "category": category,
            "form": CategoryAccountForm(accounts=accounts, category=category),
            "label": labels.get(category.account_id) if category.account_id else "",
            "given_way": bool(category.account_id) and category.account_id not in on,
        }
        for category in catalogue.list_categories()
    ]
    context = {
        "rows": rows,
        "in_use": payments.account_taking(None),
        "activities_form": _activities_form(),
        "tabs": tabs("categories"),
    }
    return render(request, "fees/categories.html", context)


def _activities_form(data: Any = None) -> ActivityCategoryForm:
    return ActivityCategoryForm(data, categories=list(catalogue.list_categories()))


@access(MANAGE_FEES)
@require_POST
def choose_for_activities(request: HttpRequest) -> HttpResponse:
    form = _activities_form(request.POST)
    if not form.is_valid():
        raise Invalid(_("There is no such category."))
    services.choose_for_activities(
        category_id=form.cleaned_data["category"], actor=request.user.get_username()
    )
    messages.success(request, _("Saved. Payments that are under way stay where they are."))
    return redirect("fees:categories")


@access(MANAGE_FEES)
@require_POST
def choose_account(request: HttpRequest, category_id: UUID) -> HttpResponse:
    category = catalogue.get_category(category_id=category_id)
    form = CategoryAccountForm(request.POST, accounts=payments.list_accounts(), category=category)
    if not form.is_valid():
        raise Invalid(_("There is no such gateway account."))
    services.choose_account(
        category_id=category_id,
        account_id=form.cleaned_data["account"],
        actor=request.user.get_username(),
    )
    messages.success(request, _("Saved. Payments that are under way stay where they are."))
    return redirect("fees:categories")
