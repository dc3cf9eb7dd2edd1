"""The family's pages: what is owed, one button to pay it, the truth about a payment, receipts."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.fees.contracts import ReceiptInfo
from apps.fees.family.access import for_guardian, forget, remember, way_in
from apps.fees.family.cards import cards_on_balance
from apps.fees.family.forms import LinkForm, PayForm
from apps.fees.preferences import PART_PAYMENTS, PREPAYMENTS, RECEIPT_FOOTER, SMALLEST_PART
from apps.fees.selectors import family, invoices, receipts
from apps.fees.services import allocation, checkout, cover, documents, links
from apps.fees.services.counter import prepaid_minor
from apps.fees.services.offer import Offer, offer_to
from apps.fees.services.wishes import Plan
from apps.payments import facade as payments
from apps.payments.contracts import DECLINED, HELD_FOR, PAID_STATUSES, REVERSED, PaymentInfo
from apps.students.contracts import GuardianInfo
from kernel.access import PUBLIC, access
from kernel.errors import DomainError, NotFound
from kernel.schools import current_school


@access(PUBLIC)
@require_safe
def open_link(request: HttpRequest, token: str, payment_id: UUID | None = None) -> HttpResponseBase:
    """Swap the token for a session and leave the token's address behind."""
    try:
        link = links.open_link(token=token)
    except links.LinkRefused:
        return way_in(request, refused=True)
    remember(request, link)
    target = redirect("family:receipt", payment_id) if payment_id else redirect("family:balance")
    target.headers["Referrer-Policy"] = "no-referrer"
    target.headers["Cache-Control"] = "private, no-store"
    return target


@access(PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def fresh_link(request: HttpRequest) -> HttpResponse:
    """Mail me a fresh link: the answer is the same whether or not the school knows the address."""
    form = LinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        links.request_link(email=email, address=str(request.META.get("REMOTE_ADDR", "")))
        return render(request, "fees/family/link_sent.html", {"email": email})
    status = 422 if form.errors else 200
    return render(request, "fees/family/fresh_link.html", {"form": form}, status=status)


@access(PUBLIC)
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Close the page on a shared computer."""
    forget(request)
    messages.success(request, _("Closed. The link in your e-mail opens it again."))
    return redirect("family:fresh_link")


@for_guardian
@require_safe
def balance(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    owed = family.family_balance(guardian_id=guardian.id)
    ids = [invoice.id for child in owed.children for invoice in child.invoices]
    if ids and allocation.catch_up_references(ids):
        owed = family.family_balance(guardian_id=guardian.id)
    offer = offer_to(owed)
    context = {
        "balance": owed,
        "offer": offer,
        "token": uuid4(),
        "all_token": uuid4(),
        "part_payments": PART_PAYMENTS.value,
        "smallest_part_minor": SMALLEST_PART.value,
        "prepayments": PREPAYMENTS.value,
        "can_pay": payments.can_take_payments(),
        "real_money": _is_real_money(offer),
        "adds_cover": cover.is_added(*offer.methods),
        **cards_on_balance(guardian.id, offer),
    }
    return render(request, "fees/family/balance.html", context)


def _is_real_money(offer: Offer) -> bool:
    """False while any of it would go to a test or practice account."""
    if offer.groups:
        return all(group.real_money for group in offer.groups)
    account = payments.account_taking(None)
    return account is None or account.mode == "live"


@for_guardian
@require_POST
def pay(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    """To the hosted page, where the processing cost is passed on by way of a page with the sums.
    Sending the same form twice leads to the same page."""
    form = PayForm(request.POST)
    if not form.is_valid():
        return refuse(request, form)
    wish, expected = form.wish(), form.expected_minor()
    try:
        plan = checkout.to_be_shown(guardian_id=guardian.id, wish=wish, expected_minor=expected)
        if plan:
            return show_sums(request, form, plan, "fees/family/pay_sums.html")
        step = checkout.start_family_payment(
            guardian_id=guardian.id,
            wish=wish,
            source=source_of(request),
            expected_minor=expected,
        )
    except DomainError as error:
        return not_paid(request, guardian, error)
    if not step.redirect_url:
        messages.success(request, _("Paid from your credit. Thank you!"))
        return redirect("family:balance")
    return redirect(step.redirect_url)


def refuse(request: HttpRequest, form: PayForm) -> HttpResponse:
    """Back to the balance, with what is wrong."""
    for errors in form.errors.values():
        messages.error(request, str(errors[0]))
    return redirect("family:balance")


def show_sums(
    request: HttpRequest, form: PayForm, plan: Plan, template: str, **more: Any
) -> HttpResponse:
    """Ask once more, with what is paid; again when that is not what the reader has seen."""
    has_changed = form.expected_minor() is not None
    if has_changed:
        text = _("The list has changed since you looked at it. Please check it again.")
        messages.warning(request, text)
    context = {
        "wish": form.wish(),
        "plan": plan,
        "amount_text": form.data.get("amount", ""),  # as it was typed
        "currency": current_school().currency,
        **more,
    }
    return render(request, template, context, status=409 if has_changed else 200)


def source_of(request: HttpRequest) -> str:
    """Where the request comes from, as payments counts it."""
    return payments.source_of(str(request.META.get("REMOTE_ADDR", "")))


def not_paid(request: HttpRequest, guardian: GuardianInfo, error: DomainError) -> HttpResponse:
    """What a payment that could not be started says to its payer. Raises NotFound again."""
    if isinstance(error, payments.AlreadyPaid):
        return _already_paid(request, guardian, error)
    if isinstance(error, payments.PaymentInProgress):
        return _in_progress(request, guardian, error)
    if isinstance(error, NotFound):
        raise error
    messages.error(request, error.message)
    return redirect("family:balance")


def _already_paid(
    request: HttpRequest, guardian: GuardianInfo, error: payments.AlreadyPaid
) -> HttpResponse:
    """The reader's own payment is shown; of another guardian's only that it was made."""
    if payments.get_payment(error.payment_id).payer_id == guardian.id:
        return redirect("family:payment", error.payment_id)
    messages.info(request, error.message)
    return redirect("family:balance")


def _in_progress(
    request: HttpRequest, guardian: GuardianInfo, error: payments.PaymentInProgress
) -> HttpResponse:
    if error.payer_id == guardian.id:
        return redirect("family:payment", error.payment_id)
    context = {"started_at": error.started_at, "until": error.started_at + HELD_FOR}
    return render(request, "fees/family/in_progress.html", context, status=409)


@for_guardian
@require_safe
def payment(request: HttpRequest, guardian: GuardianInfo, payment_id: UUID) -> HttpResponse:
    """What became of a payment: asked of the gateway, never read from the address."""
    info = _own(guardian, payment_id)
    if info.is_open:
        info = payments.sync(payment_id)
    allocation.catch_up([info])
    outcome = _outcome(info)
    owed = family.family_balance(guardian_id=guardian.id) if info.captured_minor else None
    context = {
        "payment": info,
        "outcome": outcome,
        "left_minor": owed.total_minor if owed else 0,
        "resume_url": payments.resume_url(payment_id) if info.is_open else None,
        "needs_payer": _needs_payer(info),
        **_credit_of(info),
    }
    return render(request, "fees/family/payment.html", context)


def _needs_payer(info: PaymentInfo) -> bool:
    """The bank refused the saved card only because it wants to ask its owner."""
    refused = info.charges_method and info.status == DECLINED
    return refused and payments.refusal_code(info.id) == "authentication_required"


def _credit_of(info: PaymentInfo) -> dict[str, int]:
    """What of a payment became credit: as wished, and because it was no longer owed."""
    kept = receipts.kept_as_credit(payment_id=info.id)
    wished = min(kept, prepaid_minor(info.lines))
    return {"in_advance_minor": wished, "no_longer_owed_minor": kept - wished}


def _own(guardian: GuardianInfo, payment_id: UUID) -> PaymentInfo:
    return checkout.own_payment(guardian_id=guardian.id, payment_id=payment_id)


def _outcome(info: PaymentInfo) -> str:
    """paid, reversed, confirming, unfinished, declined, cancelled or expired."""
    if info.status == REVERSED:
        return "reversed"
    if info.status in PAID_STATUSES:
        return "paid"
    if info.status in ("declined", "cancelled", "expired"):
        return info.status
    if info.status in ("processing", "unknown") or info.charges_method:
        return "confirming"
    return "unfinished"


@for_guardian
@require_POST
def payment_cancel(request: HttpRequest, guardian: GuardianInfo, payment_id: UUID) -> HttpResponse:
    """Give up a payment that is still open; money that came meanwhile is kept and shown."""
    _own(guardian, payment_id)
    payments.cancel(payment_id)
    return redirect("family:payment", payment_id)


@for_guardian
@require_safe
def receipt(request: HttpRequest, guardian: GuardianInfo, payment_id: UUID) -> HttpResponse:
    found = _receipt(guardian, payment_id)
    method = documents.method_name(found.method)
    context = {"receipt": found, "method": method, "footer": RECEIPT_FOOTER.value}
    return render(request, "fees/family/receipt.html", context)


@for_guardian
@require_safe
def receipt_pdf(request: HttpRequest, guardian: GuardianInfo, payment_id: UUID) -> HttpResponse:
    found = _receipt(guardian, payment_id)
    return _pdf(documents.receipt_pdf(found), f"receipt-{found.number}.pdf")


def _receipt(guardian: GuardianInfo, payment_id: UUID) -> ReceiptInfo:
    """The guardian's own receipt; written now when the event has not been handled yet."""
    allocation.catch_up([_own(guardian, payment_id)])
    return receipts.get_receipt(payment_id=payment_id, payer_id=guardian.id)


@for_guardian
@require_safe
def history(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    """What was paid before: the reader's own receipts and the children's settled invoices."""
    children = family.child_ids(guardian_id=guardian.id)
    context = {
        "receipts": receipts.receipts_of(payer_id=guardian.id),
        "invoices": invoices.settled_invoices(student_ids=children),
    }
    return render(request, "fees/family/history.html", context)


@for_guardian
@require_safe
def invoice_pdf(request: HttpRequest, guardian: GuardianInfo, invoice_id: UUID) -> HttpResponse:
    found = family.invoice_of_family(guardian_id=guardian.id, invoice_id=invoice_id)
    return _pdf(documents.invoice_pdf(found), f"invoice-{found.number}.pdf")


def _pdf(content: bytes, name: str) -> HttpResponse:
    """A PDF that opens in the browser; the decorator keeps it out of caches."""
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
