"""Refunds from a student's account, and what to do about those made in the gateway's dashboard."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.fees.contracts import LedgerPayment, RefundPart
from apps.fees.models import RefundDecision
from apps.fees.permissions import REFUND
from apps.fees.portal.forms import ExternalForm, LeaveOutForm, PartsForm, RefundForm, refuse
from apps.fees.selectors import ledger
from apps.fees.services import parts as splitting
from apps.fees.services import refunds
from apps.fees.services.documents import method_name
from apps.payments import facade as payments
from apps.payments.contracts import (
    REFUND_FAILED,
    REFUND_PENDING,
    REFUND_SUCCEEDED,
    REFUND_WAITING,
)
from apps.students import facade as students
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.schools import current_school

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@access(REFUND)
@GET_OR_POST
def refund(request: HttpRequest, student_id: UUID, payment_id: UUID) -> HttpResponse:
    """Amount and reason first; the same address shows from where it is taken and asks once more."""
    student = students.get_student(student_id)
    payment = _payment(student_id, payment_id)
    form = RefundForm(
        request.POST or None,
        initial=_refund_initial(payment),
        has_credit=payment.unused_credit_minor > 0 or payment.is_only_cover,
        has_invoices=payment.student_minor > 0,
    )
    context: dict[str, Any] = {"student": student, "payment": payment, "form": form}
    context |= {"method": method_name(payment.method), "currency": current_school().currency}
    if request.method == "POST" and form.is_valid():
        try:
            return _next_step(request, form, student_id, payment_id, context)
        except DomainError as error:
            refuse(form, error)
    return render(request, "fees/refund.html", context, status=422 if form.errors else 200)


def _payment(student_id: UUID, payment_id: UUID) -> LedgerPayment:
    found = ledger.student_ledger(student_id=student_id).payments
    for payment in found:
        if payment.payment_id == payment_id:
            return payment
    raise NotFound(_("There is no such payment."))


def _refund_initial(payment: LedgerPayment) -> dict[str, Any]:
    """The cover is added where nothing else of the payment would be left."""
    effect = RefundDecision.Effect
    credit, own = payment.unused_credit_minor, payment.student_minor
    is_all = not payment.is_for_others and not (credit and own)
    cover = payment.cover_minor if is_all else 0
    if credit or payment.is_only_cover:
        return {"amount": credit + cover, "effect": effect.FROM_CREDIT.value}
    return {"amount": own + cover, "effect": effect.CREDIT_NOTE.value}


def _next_step(
    request: HttpRequest,
    form: RefundForm,
    student_id: UUID,
    payment_id: UUID,
    context: dict[str, Any],
) -> HttpResponse:
    data = form.cleaned_data
    what = {
        "payment_id": payment_id,
        "student_id": student_id,
        "amount_minor": data["amount"],
        "effect": data["effect"],
    }
    confirmed = request.POST.get("confirmed") == "1"
    if confirmed and not RefundDecision.objects.filter(key=_key(data)).exists():
        proposed = splitting.propose(**what)
        chosen = PartsForm(request.POST, parts=proposed)
        if not chosen.is_valid() or not _adds_up(chosen, payment_id, data["amount"]):
            return _confirm(request, context, data, chosen, status=422)
    elif not confirmed:
        return _confirm(request, context, data, PartsForm(parts=splitting.propose(**what)))
    else:
        chosen = None
    info = refunds.refund_payment(
        **what,
        reason=data["reason"],
        actor=request.user.get_username(),
        key=_key(data),
        parts=chosen.chosen() if chosen else None,
    )
    _say(request, info.status)
    return redirect("fees:student_ledger", student_id)


def _key(data: dict[str, Any]) -> str:
    return f"portal:{data['key']}"


def _adds_up(chosen: PartsForm, payment_id: UUID, amount_minor: int) -> bool:
    """Whether the parts can be taken so; what is wrong stands on the form."""
    try:
        splitting.check(payment_id=payment_id, amount_minor=amount_minor, parts=chosen.chosen())
    except DomainError as error:
        chosen.add_error(None, str(error))
        return False
    return True


def _confirm(
    request: HttpRequest,
    context: dict[str, Any],
    data: dict[str, Any],
    chosen: PartsForm,
    status: int = 200,
) -> HttpResponse:
    effect = RefundDecision.Effect(data["effect"]).label
    shown = context | {
        "amount_minor": data["amount"],
        "effect": effect,
        "data": data,
        "parts": chosen,
    }
    return render(request, "fees/refund_confirm.html", shown, status=status)


def _say(request: HttpRequest, status: str) -> None:
    if status == REFUND_SUCCEEDED:
        messages.success(request, _("The money has gone back."))
    elif status == REFUND_FAILED:
        messages.error(request, _("The gateway refused the refund. Nothing has changed."))
    elif status == REFUND_WAITING:
        messages.warning(
            request, _("This is above the school’s limit: a second person has to approve it.")
        )
    else:
        messages.info(request, _("The refund is on its way. It shows here once it is confirmed."))


@access(REFUND)
@GET_OR_POST
def external(request: HttpRequest, refund_id: UUID) -> HttpResponse:
    """A refund of the gateway's dashboard: from where it is taken, or why it is not booked."""
    info = payments.get_refund(refund_id)
    if not info.external or info.status != REFUND_PENDING:
        messages.info(request, _("This has been decided already."))
        return redirect("payments:detail", info.payment_id)
    parts = _parts_of(info.payment_id, info.amount_minor)
    form = ExternalForm(request.POST or None)
    chosen = PartsForm(request.POST or None, parts=parts)
    if request.method == "POST" and form.is_valid() and chosen.is_valid():
        try:
            refunds.book_external(
                refund_id=refund_id,
                reason=form.cleaned_data["reason"],
                effect=form.cleaned_data["effect"],
                parts=chosen.chosen(),
                actor=request.user.get_username(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The refund is booked."))
            return redirect("payments:detail", info.payment_id)
    context = {
        "refund": info,
        "payment": payments.get_payment(info.payment_id),
        "form": form,
        "parts": chosen,
        "ignore_form": LeaveOutForm(),
    }
    return render(request, "fees/external_refund.html", context, status=422 if form.errors else 200)


def _parts_of(payment_id: UUID, amount_minor: int) -> list[RefundPart]:
    """The gateway has paid it already: its amount is not asked of what may still be refunded."""
    return splitting.listed(payments.get_payment(payment_id), amount_minor)


@access(REFUND)
@require_POST
def ignore(request: HttpRequest, refund_id: UUID) -> HttpResponse:
    info = payments.get_refund(refund_id)
    try:
        refunds.ignore_external(
            refund_id=refund_id,
            reason=request.POST.get("why", ""),
            actor=request.user.get_username(),
        )
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Noted. Nothing was booked."))
    return redirect("payments:detail", info.payment_id)
