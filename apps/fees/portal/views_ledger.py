"""A student's account: what was charged, paid, given back; money received at the counter."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.fees.permissions import RECORD_PAYMENT, VIEW_FEES
from apps.fees.portal.forms import CounterForm, refuse
from apps.fees.selectors import ledger
from apps.fees.selectors.losses import waiting_losses
from apps.fees.services import counter, links
from apps.payments import facade as payments
from apps.payments.contracts import (
    UNDECIDED,
)
from apps.students import facade as students
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.replica import reads_replica
from kernel.schools import current_school

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


@access(VIEW_FEES)
@require_safe
@reads_replica
def student_ledger(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = students.get_student(student_id)
    guardians = students.guardians_of([student_id]).get(student_id, [])
    book = ledger.student_ledger(student_id=student_id)
    paid = [payment.payment_id for payment in book.payments]
    context = {
        "student": student,
        "guardians": guardians,
        "ledger": book,
        "disputes": [row for row in payments.disputes_of(paid) if row.status in UNDECIDED],
        "under_way": payments.refunds_under_way(paid),
        "approvals": payments.waiting_approvals(paid),
        "losses": waiting_losses(payment_ids=paid),
    }
    return render(request, "fees/ledger.html", context)


@access(RECORD_PAYMENT)
@GET_OR_POST
def record_payment(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = students.get_student(student_id)
    payers = students.guardians_of([student_id]).get(student_id, [])
    balance = ledger.student_ledger(student_id=student_id).balance_minor
    names = {str(payer.id): payer.name for payer in payers} | {"": _("Somebody else")}
    form = CounterForm(
        request.POST or None,
        payers=list(names.items()) if payers else [(str(student_id), student.name)],
        initial={"amount": balance or None},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            counter.record_payment(
                payer_id=UUID(data["payer"]) if data["payer"] else student_id,
                payer_name=names.get(data["payer"], student.name),
                student_id=student_id,
                amount_minor=data["amount"],
                method=data["method"],
                received_on=data["received_on"],
                note=data["note"],
                actor=request.user.get_username(),
                key=f"counter:{data['key']}",
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The payment is recorded."))
            return redirect("fees:student_ledger", student_id)
    context = {"student": student, "form": form, "balance": balance}
    context["currency"] = current_school().currency
    return render(request, "fees/record_payment.html", context, status=422 if form.errors else 200)


@access(VIEW_FEES)
@require_POST
def send_link(request: HttpRequest, student_id: UUID, guardian_id: UUID) -> HttpResponse:
    """Mail a guardian of this student a fresh link to the family's page."""
    guardian = _guardian(student_id, guardian_id)
    if not guardian.email:
        messages.error(
            request, _("The school has no e-mail of %(name)s.") % {"name": guardian.name}
        )
    else:
        links.send_link(guardian_id=guardian_id, actor=request.user.get_username())
        done = _("A link to the family's page is on its way to %(email)s.")
        messages.success(request, done % {"email": guardian.email})
    return redirect("fees:student_ledger", student_id)


@access(RECORD_PAYMENT)
@require_POST
def revoke_links(request: HttpRequest, student_id: UUID, guardian_id: UUID) -> HttpResponse:
    guardian = _guardian(student_id, guardian_id)
    links.revoke_links(guardian_id=guardian_id)
    done = _("Links sent to %(name)s no longer open anything.") % {"name": guardian.name}
    messages.success(request, done)
    return redirect("fees:student_ledger", student_id)


def _guardian(student_id: UUID, guardian_id: UUID) -> Any:
    for guardian in students.guardians_of([student_id]).get(student_id, []):
        if guardian.id == guardian_id:
            return guardian
    raise NotFound(_("There is no such guardian."))
