"""Invoices and receipts for staff."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.fees.permissions import VIEW_FEES
from apps.fees.portal.forms import InvoiceFilter
from apps.fees.portal.tabs import tabs
from apps.fees.selectors import invoices, receipts
from apps.fees.services import documents
from kernel.access import access
from kernel.pages import paginate, query
from kernel.replica import reads_replica
from kernel.schools import current_school


@access(VIEW_FEES)
@require_safe
@reads_replica
def invoice_list(request: HttpRequest) -> HttpResponse:
    form = InvoiceFilter(request.GET)
    status = form.cleaned_data["status"] if form.is_valid() else ""
    q = query(request)
    rows = invoices.filtered(text=q, status=status)
    page = paginate(request, rows.order_by("-number"))
    context = {
        "page": page,
        "rows": invoices.infos(list(page)),
        "totals": invoices.totals_of(rows),
        "currency": current_school().currency,
        "form": InvoiceFilter(initial={"status": status}),
        "q": q,
        "status": status,
        "tabs": tabs("invoices"),
    }
    return render(request, "fees/invoices.html", context)


@access(VIEW_FEES)
@require_safe
def invoice(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    found = invoices.get_invoice(invoice_id=invoice_id)
    return render(request, "fees/invoice.html", {"invoice": found})


@access(VIEW_FEES)
@require_safe
@reads_replica
def invoice_pdf(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    found = invoices.get_invoice(invoice_id=invoice_id)
    return pdf_response(documents.invoice_pdf(found), f"invoice-{found.number}.pdf")


@access(VIEW_FEES)
@require_safe
def receipt_pdf(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    found = receipts.get_receipt(payment_id=payment_id)
    return pdf_response(documents.receipt_pdf(found), f"receipt-{found.number}.pdf")


def pdf_response(content: bytes, name: str) -> HttpResponse:
    """A PDF that opens in the browser and is not kept by shared caches."""
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type="application/pdf", headers=headers)
