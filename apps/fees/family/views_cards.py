"""Paying with a saved card, removing it, and automatic payment."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.fees.family.access import for_guardian
from apps.fees.family.cards import planned
from apps.fees.family.forms import AutopayForm, CardForm
from apps.fees.family.views import not_paid, refuse, show_sums, source_of
from apps.fees.preferences import AUTOPAY
from apps.fees.services import autopay, checkout
from apps.fees.services.wishes import Plan
from apps.payments import facade as payments
from apps.payments.contracts import SavedMethodInfo
from apps.students.contracts import GuardianInfo
from kernel.errors import DomainError, NotFound
from kernel.schools import current_school


@for_guardian
@require_POST
def pay_card(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    """Ask first, with amount, card and invoices; then charge exactly that."""
    form = CardForm(request.POST)
    if not form.is_valid():
        return refuse(request, form)
    wish, expected = form.wish(), form.expected_minor()
    try:
        card = _card(guardian, form.cleaned_data["card"])
        plan = checkout.to_be_shown(
            guardian_id=guardian.id, wish=wish, expected_minor=expected, method_id=card.id
        )
        if plan:
            return _ask(request, form, plan, card)
        step = checkout.pay_with_card(
            guardian_id=guardian.id,
            wish=wish,
            method_id=card.id,
            expected_minor=expected,
            source=source_of(request),
        )
    except DomainError as error:
        return not_paid(request, guardian, error)
    return redirect(step.redirect_url)


def _ask(request: HttpRequest, form: CardForm, plan: Plan, card: SavedMethodInfo) -> HttpResponse:
    if not plan.card_minor:
        messages.info(request, _("Your credit pays all of it: no card is needed."))
        return redirect("family:balance")
    return show_sums(request, form, plan, "fees/family/pay_card.html", card=card)


def _card(guardian: GuardianInfo, method_id: UUID) -> SavedMethodInfo:
    """One of the guardian's own cards. Raises NotFound."""
    for card in payments.saved_methods(guardian.id):
        if card.id == method_id:
            return card
    raise NotFound(_("This card is not kept any more."))


@for_guardian
@require_safe
def cards(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    """The saved cards, and automatic payment with one of them."""
    context = {
        "cards": payments.saved_methods(guardian.id),
        "may_autopay": AUTOPAY.value,
        "consent": autopay.consent(rate=autopay.rate_told()),
        "rate": autopay.rate_told(),
        "currency": current_school().currency,
        **planned(guardian.id),
    }
    return render(request, "fees/family/cards.html", context)


@for_guardian
@require_POST
def card_remove(request: HttpRequest, guardian: GuardianInfo, method_id: UUID) -> HttpResponse:
    card = _card(guardian, method_id)
    autopay.stop(guardian_id=guardian.id, method_id=card.id)
    payments.forget_saved_method(card.id, payer_id=guardian.id)
    messages.success(request, _("%(card)s is removed.") % {"card": card.name})
    return redirect("family:cards")


@for_guardian
@require_POST
def autopay_on(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    form = AutopayForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Tick the box to agree, please."))
        return redirect("family:cards")
    try:
        autopay.enrol(
            guardian_id=guardian.id,
            method_id=form.cleaned_data["method"],
            rate=form.cleaned_data["rate"],
        )
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Automatic payment is on. You hear of each charge before."))
    return redirect("family:cards")


@for_guardian
@require_POST
def autopay_off(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    if autopay.stop(guardian_id=guardian.id):
        messages.success(request, _("Automatic payment is off. No card is charged any more."))
    return redirect("family:cards")
