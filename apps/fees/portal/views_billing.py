"""A billing run in three screens: choose, preview, posted."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.fees.contracts import BillingPreview, PreviewLine
from apps.fees.models import BillingRun
from apps.fees.permissions import POST_BILLING_RUN, VIEW_FEES
from apps.fees.portal.forms import BillForm, refuse
from apps.fees.portal.tabs import tabs
from apps.fees.selectors import catalogue, invoices, runs
from apps.fees.services import billing
from kernel.access import access
from kernel.errors import Conflict, DomainError, NotFound
from kernel.pages import paginate, query
from kernel.replica import reads_replica
from kernel.schools import today


def steps() -> list[str]:
    return [_("Choose"), _("Check"), _("Posted")]


@access(POST_BILLING_RUN)
@require_http_methods(["GET", "HEAD", "POST"])
def bill(request: HttpRequest) -> HttpResponse:
    """Screen one. The fee's own rule fills in the due date."""
    form = BillForm(request.POST or None, initial=_suggestion(request.GET.get("fee", "")))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            run_id = billing.draft_run(
                fee_id=UUID(data["fee"]),
                class_ids=[UUID(key) for key in data["classes"]],
                due_on=data["due_on"],
                actor=request.user.get_username(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect("fees:run", run_id)
    context = {"form": form, "steps": steps(), "has_fees": catalogue.has_fees()}
    return render(request, "fees/bill.html", context, status=422 if form.errors else 200)


def _suggestion(fee_id: str) -> dict[str, object]:
    fees = list(catalogue.list_fees())
    chosen = next((fee for fee in fees if str(fee.pk) == fee_id), fees[0] if fees else None)
    if chosen is None:
        return {}
    due_on = catalogue.suggested_due_date(chosen, on=today())
    return {"fee": str(chosen.pk), "due_on": due_on}


@access(VIEW_FEES)
@require_safe
@reads_replica
def run_list(request: HttpRequest) -> HttpResponse:
    context = {"page": paginate(request, runs.list_runs()), "tabs": tabs("runs")}
    return render(request, "fees/runs.html", context)


@access(VIEW_FEES)
@require_safe
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Screen two while it is a draft, screen three afterwards."""
    row = runs.get_run(run_id=run_id)
    if row.state == BillingRun.State.DRAFT:
        return _preview_page(request, row)
    q = query(request)
    rows = invoices.filtered(text=q).filter(billing_run=row).order_by("student_name")
    page = paginate(request, rows)
    context = {
        "run": runs.run_info(row),
        "families": row.family_count,
        "exceptions": row.preview.get("exceptions", []),
        "page": page,
        "rows": invoices.infos(list(page)),
        "q": q,
        "steps": steps(),
    }
    return render(request, "fees/run.html", context)


def _preview_page(request: HttpRequest, row: BillingRun) -> HttpResponse:
    preview = runs.preview_run(row)
    q = query(request)
    context = {
        "preview": preview,
        "page": paginate(request, _matching(preview, q), per_page=50),
        "q": q,
        "steps": steps(),
        "skipped": sum(1 for row in preview.exceptions if not row.billed),
    }
    return render(request, "fees/preview.html", context)


def _matching(preview: BillingPreview, text: str) -> list[PreviewLine]:
    wanted = text.casefold()
    return [
        line
        for line in preview.lines
        if wanted in f"{line.student_name} {line.class_name} {line.student_number}".casefold()
        or any(wanted in name.casefold() for name in line.guardians)
    ]


@access(POST_BILLING_RUN)
@require_POST
def run_post(request: HttpRequest, run_id: UUID) -> HttpResponse:
    fingerprint = request.POST.get("fingerprint", "")[:64]
    try:
        done = billing.post_run(
            run_id=run_id, actor=request.user.get_username(), fingerprint=fingerprint
        )
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("fees:run", run_id)
    if done.already:
        messages.info(request, _("This run had been posted already. Nobody was charged twice."))
    else:
        text = ngettext(
            "Posted: %(count)d invoice.", "Posted: %(count)d invoices.", done.invoices
        ) % {"count": done.invoices}
        messages.success(request, text)
    return redirect("fees:run", run_id)


@access(POST_BILLING_RUN)
@require_POST
def run_reverse(request: HttpRequest, run_id: UUID) -> HttpResponse:
    try:
        done = billing.reverse_run(run_id=run_id, actor=request.user.get_username())
    except Conflict as error:
        messages.error(request, error.message)
    else:
        already = _("This run had been reversed already.")
        now = _("The run is reversed. Nothing of it is owed any more.")
        messages.success(request, already if done.already else now)
    return redirect("fees:run", run_id)


@access(POST_BILLING_RUN)
@require_POST
def run_discard(request: HttpRequest, run_id: UUID) -> HttpResponse:
    try:
        billing.discard_draft(run_id=run_id)
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("fees:run", run_id)
    messages.success(request, _("The draft is gone. Nobody was charged."))
    return redirect("fees:fees")
