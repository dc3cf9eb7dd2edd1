"""Lost disputes: whether the family is asked to pay again, or the school bears the loss."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.fees.models import DisputeLoss
from apps.fees.permissions import REFUND, VIEW_FEES
from apps.fees.portal.tabs import tabs
from apps.fees.selectors.losses import waiting_losses
from apps.fees.services import disputes
from kernel.access import access
from kernel.errors import Conflict


@access(VIEW_FEES)
@require_safe
def losses(request: HttpRequest) -> HttpResponse:
    context = {"losses": waiting_losses(), "tabs": tabs("losses")}
    return render(request, "fees/losses.html", context)


@access(REFUND)
@require_POST
def decide(request: HttpRequest, dispute_id: UUID) -> HttpResponse:
    decision = request.POST.get("decision", "")
    try:
        disputes.decide(dispute_id=dispute_id, decision=decision, actor=request.user.get_username())
    except Conflict as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _SAID[DisputeLoss.State(decision)]())
    return redirect("fees:losses")


_SAID = {
    DisputeLoss.State.OWED: lambda: _("The family owes it again and is reminded as usual."),
    DisputeLoss.State.WAIVED: lambda: _("It is written off. The family owes nothing for it."),
}
