"""Payments in the staff portal: what came in, what happened to it, and what needs a look."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.payments import choices, contracts, models, selectors
from apps.payments.permissions import (
    RECONCILE_PAYMENTS,
    REFUND_PAYMENTS,
    VIEW_AUDIT,
    VIEW_PAYMENTS,
)
from apps.payments.portal import labels
from apps.payments.portal.forms import (
    DeclineForm,
    PaymentFilter,
    ReasonForm,
    RefundForm,
    WhyForm,
)
from apps.payments.selectors import money_back
from apps.payments.selectors.reversals import status_of
from apps.payments.selectors.waiting import waiting
from apps.payments.services import (
    booking,
    mismatches,
    refunds,
    returning,
    sync,
    timeline,
    webhooks,
)
from apps.payments.services.reconcile import reading
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.money import format_money
from kernel.pages import paginate, query
from kernel.replica import reads_replica


@access(VIEW_PAYMENTS)
@require_GET
@reads_replica
def payment_list(request: HttpRequest) -> HttpResponse:
    form = PaymentFilter(request.GET or None)
    chosen = form.chosen() if form.is_bound else {}
    text = query(request)
    found = selectors.search_payments(text=text, **chosen).prefetch_related("lines", "refunds")
    page = paginate(request, found)
    rows = [
        (row, labels.STATUS[status_of(row)], _method(row), selectors.what_for(row))
        for row in page.object_list
    ]
    context = {
        "page": page,
        "rows": rows,
        "form": form,
        "q": text,
        "filtered": bool(text or chosen),
        "tabs": tabs(request),
    }
    return render(request, "payments/payment_list.html", context)


@access(VIEW_PAYMENTS)
@require_GET
def payment_detail(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    return _detail(request, selectors.get_payment_row(payment_id))


def _detail(
    request: HttpRequest,
    payment: models.Payment,
    refund_form: RefundForm | None = None,
    status: int = 200,
) -> HttpResponse:
    info = selectors.to_info(payment)
    disputes = money_back.disputes_of([payment.pk])
    context = {
        "payment": payment,
        "info": info,
        "label": labels.STATUS[info.status],
        "method": _method(payment),
        "timeline": timeline.timeline(payment),
        "refunds": [(refund, labels.of_refund(refund)) for refund in info.refunds],
        "refund_form": refund_form or _empty_refund_form(payment),
        "approvals": labels.with_approvals(
            money_back.approvals_of([payment.pk]),
            actor=request.user.email,  # type: ignore[union-attr]
        ),
        "decline_form": DeclineForm(),
        "mismatches": _mismatches(payment),
        "books": booking.in_the_books(payment),
        "disputes": labels.with_disputes(disputes),
        "attention": _attention(payment),
        "answer_by": _answer_by(payment, disputes),
        "reason_form": ReasonForm(auto_id="returned_%s") if returning.can_bounce(payment) else None,
        "may_ask": payment.provider != models.OFFLINE and bool(payment.request),
    }
    return render(request, "payments/payment_detail.html", context, status=status)


def _empty_refund_form(payment: models.Payment) -> RefundForm | None:
    """None when there is nothing left to refund."""
    left = payment.refundable_minor
    if not left:
        return None
    return RefundForm(initial={"key": uuid4()}, currency=payment.currency, left_minor=left)


def _mismatches(payment: models.Payment) -> list[tuple[contracts.MismatchInfo, dict[str, WhyForm]]]:
    """What waits for a decision, each with a form for every decision."""
    decisions = (contracts.BOOK, contracts.REFUND, contracts.CLOSE)
    return [
        (seen, {each: WhyForm(auto_id=f"{each}-{place}-%s") for each in decisions})
        for place, seen in enumerate(mismatches.waiting(payment))
    ]


def _method(payment: models.Payment) -> str:
    return timeline.method_name(payment.method)


def _attention(payment: models.Payment) -> str:
    return {
        choices.MISMATCH: _(
            "The gateway took money that is not what was asked for: another amount, or a second "
            "time. It is not booked. Decide what becomes of it."
        ),
        choices.EXTERNAL_REFUND: _(
            "Money was given back in the gateway's own dashboard. Book it here, so that the "
            "family's account agrees."
        ),
        choices.REFUND_FAILED: _(
            "A refund that had been reported as made came back. The family still waits for it."
        ),
        choices.DISPUTE: _(
            "The payer’s bank wants the money back. Answer in the gateway’s dashboard before the "
            "deadline, or the money is lost. What is disputed cannot be refunded meanwhile."
        ),
        choices.INQUIRY: _(
            "The payer’s bank asks about this payment. No money was taken: answer in the gateway’s "
            "dashboard before the deadline, or refund it, so that no dispute comes of it."
        ),
    }.get(payment.attention, "")


def _answer_by(payment: models.Payment, disputes: list[contracts.DisputeInfo]) -> datetime | None:
    """The nearest deadline (UTC) of what the payer's bank waits for, where that is why somebody
    should look."""
    if payment.attention not in (choices.DISPUTE, choices.INQUIRY):
        return None
    asked = [each for each in disputes if each.status in (contracts.OPEN, contracts.INQUIRY)]
    return min((each.due_by for each in asked if each.due_by), default=None)


@access(VIEW_PAYMENTS)
@require_POST
def ask_again(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    try:
        info = sync.ask_gateway(payment_id)
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        status = labels.STATUS[info.status][0]
        messages.success(request, _("The gateway says: %(status)s.") % {"status": status})
    return redirect("payments:detail", payment_id)


@access(REFUND_PAYMENTS)
@require_POST
def refund(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    payment = selectors.get_payment_row(payment_id)
    form = RefundForm(request.POST, currency=payment.currency, left_minor=payment.refundable_minor)
    if form.is_valid():
        try:
            info = refunds.request_refund(
                payment_id=payment_id,
                amount_minor=form.cleaned_data["amount"],
                reason=form.cleaned_data["reason"],
                actor=request.user.email,  # type: ignore[union-attr]
                idempotency_key=f"portal:{form.cleaned_data['key']}",
            )
        except DomainError as error:
            form.add_error("amount" if error.field == "amount" else None, str(error))
        else:
            tell_refund(request, info)
            return redirect("payments:detail", payment_id)
    return _detail(request, payment, form, status=422)


def tell_refund(request: HttpRequest, info: contracts.RefundInfo) -> None:
    """Say what became of a refund."""
    amount = {"amount": format_money(info.amount_minor, info.currency)}
    if info.status == contracts.REFUND_SUCCEEDED:
        messages.success(request, _("%(amount)s refunded.") % amount)
    elif info.status == contracts.REFUND_FAILED:
        message = _("The refund of %(amount)s failed: %(why)s")
        messages.error(request, message % {**amount, "why": info.failure})
    elif info.status == contracts.REFUND_WAITING:
        message = _("%(amount)s is above the school’s limit: a second person has to approve it.")
        messages.warning(request, message % amount)
    else:
        message = _("The refund of %(amount)s is on its way. This page will say when it is made.")
        messages.info(request, message % amount)


@access(REFUND_PAYMENTS)
@require_POST
def resolve_mismatch(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    decision, form = request.POST.get("decision", ""), WhyForm(request.POST)
    try:
        info = mismatches.resolve(
            payment_id=payment_id,
            capture_id=request.POST.get("capture", ""),
            decision=decision,
            why=form.cleaned_data["why"] if form.is_valid() else "",
            actor=request.user.email,  # type: ignore[union-attr]
        )
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        _tell_decision(request, decision, info)
    return redirect("payments:detail", payment_id)


def _tell_decision(request: HttpRequest, decision: str, info: contracts.RefundInfo | None) -> None:
    if info is not None:
        tell_refund(request, info)
    elif decision == contracts.BOOK:
        messages.success(request, _("The money is booked for the family."))
    else:
        messages.success(request, _("The payment is closed. Nothing was booked."))


@access(VIEW_PAYMENTS)
@require_GET
@reads_replica
def event_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in labels.EVENT else ""
    text = query(request)
    page = paginate(request, selectors.provider_events(state=state, text=text))
    context = {
        "page": page,
        "rows": [(row, labels.EVENT[row.state]) for row in page.object_list],
        "states": [(key, label[0]) for key, label in labels.EVENT.items()],
        "state": state,
        "q": text,
        "tabs": tabs(request),
    }
    return render(request, "payments/event_list.html", context)


@access(VIEW_PAYMENTS)
@require_POST
def match_again(request: HttpRequest, event_id: UUID) -> HttpResponse:
    state = webhooks.process(event_id)
    if not state:
        raise NotFound(_("There is no such message."))
    label = labels.EVENT[state][0]
    messages.info(request, _("Looked again: %(state)s.") % {"state": label})
    return redirect("payments:events")


@access(VIEW_PAYMENTS)
@require_POST
def put_away(request: HttpRequest, event_id: UUID) -> HttpResponse:
    webhooks.put_away(event_id=event_id, actor=request.user.email)  # type: ignore[union-attr]
    messages.success(request, _("The message is put away."))
    return redirect("payments:events")


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages of this section that the person may open."""
    pages = [
        ("payments:list", _("Payments"), VIEW_PAYMENTS),
        ("payments:approvals", _("Approvals"), VIEW_PAYMENTS),
        ("payments:disputes", _("Disputes"), VIEW_PAYMENTS),
        ("payments:reconciliation", _("Reconciliation"), VIEW_PAYMENTS),
        ("payments:payouts", _("Payouts"), VIEW_PAYMENTS),
        ("payments:statements", _("Bank statements"), RECONCILE_PAYMENTS),
        ("payments:events", _("Gateway messages"), VIEW_PAYMENTS),
        ("payments:holds", _("Blocked"), VIEW_PAYMENTS),
        ("payments:audit", _("Money actions"), VIEW_AUDIT),
        ("payments:accounts", _("Gateway accounts"), "payments.manage_accounts"),
    ]
    waits = waiting()
    counts = {
        "payments:approvals": waits.approvals,
        "payments:disputes": waits.disputes + waits.inquiries,
        "payments:reconciliation": reading.count_open(),
        "payments:holds": waits.holds,
    }
    return [
        {"url": reverse(name), "label": label, "count": counts.get(name) or None}
        for name, label, permission in pages
        if request.user.can(permission)  # type: ignore[union-attr]
    ]
