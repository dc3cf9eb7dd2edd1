"""The operator console: the platform's invoices to its schools."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.tenants.platform.plan_forms import CreditForm, PaymentForm
from apps.tenants.platform.shared import actor_of, post_only
from apps.tenants.services.plans import accounts
from apps.tenants.services.plans.documents import (
    file_name,
    invoice_pdf,
    invoice_row,
    issuer_lines,
    status_labels,
    title_of,
)
from apps.tenants.services.plans.invoices import credit_invoice, record_payment
from kernel.access import OPERATOR, access
from kernel.errors import DomainError
from kernel.money import amount_text
from kernel.pages import paginate, query


@access(OPERATOR)
@require_safe
def invoice_list(request: HttpRequest) -> HttpResponse:
    text, status = query(request), query(request, "status")
    status = status if status in accounts.STATUSES else ""
    page = paginate(request, accounts.invoices(status=status, text=text))
    context = {
        "page": page,
        "rows": [invoice_row(accounts.to_info(row)) for row in page],
        "q": text,
        "status": status,
        "keep": {"status": status} if status else {},
        "tabs": _tabs(status),
        "totals": accounts.totals(),
    }
    return render(request, "platform/invoices.html", context)


def _tabs(status: str) -> list[dict[str, Any]]:
    here, labels = reverse("platform:invoices"), status_labels()
    every = {"title": _("All"), "url": f"{here}?status=all", "active": not status, "count": None}
    return [every] + [
        {
            "title": labels[name],
            "url": f"{here}?status={name}",
            "active": name == status,
            "count": None,
        }
        for name in accounts.STATUSES
    ]


@access(OPERATOR)
@require_safe
def invoice_detail(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    found = accounts.get_invoice(invoice_id=invoice_id)
    return _detail(request, found)


def _detail(
    request: HttpRequest,
    invoice: accounts.PlatformInvoiceInfo,
    *,
    payment_form: PaymentForm | None = None,
    credit_form: CreditForm | None = None,
) -> HttpResponse:
    initial = {
        "amount": amount_text(invoice.balance_minor, invoice.currency),
        "received_on": timezone.now().date(),
    }
    context = {
        **invoice_row(invoice),
        "title": title_of(invoice),
        "issuer": issuer_lines(),
        "payment_form": payment_form or PaymentForm(invoice.currency, None, initial=initial),
        "credit_form": credit_form or CreditForm(),
        "may_pay": invoice.balance_minor > 0,
        "may_credit": not invoice.is_credit and not invoice.credit_number,
    }
    status = 422 if payment_form or credit_form else 200
    return render(request, "platform/invoice.html", context, status=status)


@access(OPERATOR)
@require_safe
def invoice_file(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    found = accounts.get_invoice(invoice_id=invoice_id)
    response = HttpResponse(invoice_pdf(found), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{file_name(found)}"'
    return response


@access(OPERATOR)
@post_only
def pay(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    """Note down money that arrived."""
    found = accounts.get_invoice(invoice_id=invoice_id)
    form = PaymentForm(found.currency, request.POST)
    if form.is_valid():
        try:
            record_payment(
                invoice_id=invoice_id,
                amount_minor=form.cleaned_data["amount"],
                received_on=form.cleaned_data["received_on"],
                reference=form.cleaned_data["reference"],
                actor=actor_of(request),
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("The payment is noted down."))
            return redirect("platform:invoice", invoice_id=invoice_id)
    return _detail(request, found, payment_form=form)


@access(OPERATOR)
@post_only
def credit(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    """Take the invoice back by a credit note."""
    found = accounts.get_invoice(invoice_id=invoice_id)
    form = CreditForm(request.POST)
    if form.is_valid():
        note = credit_invoice(
            invoice_id=invoice_id, reason=form.cleaned_data["reason"], actor=actor_of(request)
        )
        messages.success(request, _("Credit note %(number)s is issued.") % {"number": note.number})
        return redirect("platform:invoice", invoice_id=note.id)
    return _detail(request, found, credit_form=form)
