"""Disputes in the staff portal: what a payer's bank wants back, and until when to answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.payments.permissions import VIEW_PAYMENTS
from apps.payments.portal import labels
from apps.payments.portal.views import tabs
from apps.payments.selectors import money_back
from kernel.access import access
from kernel.pages import paginate, query
from kernel.replica import reads_replica


@access(VIEW_PAYMENTS)
@require_GET
@reads_replica
def dispute_list(request: HttpRequest) -> HttpResponse:
    text, undecided = query(request), request.GET.get("show") == "undecided"
    page = paginate(request, money_back.disputes(undecided=undecided, text=text))
    context = {
        "page": page,
        "rows": labels.with_disputes(money_back.to_dispute(row) for row in page.object_list),
        "q": text,
        "undecided": undecided,
        "tabs": tabs(request),
    }
    return render(request, "payments/dispute_list.html", context)
