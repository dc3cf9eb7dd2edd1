"""Taking a payment at the counter back: a cheque bounced, or it was recorded by mistake."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.payments.permissions import REFUND_PAYMENTS
from apps.payments.portal.forms import ReasonForm
from apps.payments.services import returning
from kernel.access import access
from kernel.errors import DomainError, NotFound


@access(REFUND_PAYMENTS)
@require_POST
def take_back(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """There is one whole reversal of a payment, so its own id is the key."""
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        returning.take_back(
            payment_id,
            reason=reason,
            actor=str(request.user.email),  # type: ignore[union-attr]
            idempotency_key=f"returned:{payment_id}",
        )
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The payment is taken back. What it paid for is owed again."))
    return redirect("payments:detail", payment_id)
