"""Bank statements in the staff portal: upload, look, import."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.payments.models import BankStatement
from apps.payments.permissions import RECONCILE_PAYMENTS
from apps.payments.portal import labels
from apps.payments.portal.statement_forms import LayoutForm, StatementForm
from apps.payments.portal.views import tabs
from apps.payments.services.bank import importing
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate

SHOWN = 50
PLACE = re.compile(r"[0-9]{1,5}", re.ASCII)


@access(RECONCILE_PAYMENTS)
@require_http_methods(["GET", "POST"])
def statement_list(request: HttpRequest) -> HttpResponse:
    form = StatementForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            statement = form.upload(actor=_actor(request))
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return redirect("payments:statement", statement.pk)
    page = paginate(request, BankStatement.objects.defer("content").order_by("-uploaded_at"))
    context = {
        "form": form,
        "page": page,
        "rows": [(row, labels.STATEMENT[row.state]) for row in page.object_list],
        "tabs": tabs(request),
    }
    return render(
        request, "payments/statement_list.html", context, status=422 if form.errors else 200
    )


@access(RECONCILE_PAYMENTS)
@require_GET
def statement_detail(request: HttpRequest, statement_id: UUID) -> HttpResponse:
    statement = importing.get_statement(statement_id)
    context: dict[str, Any] = {"statement": statement, "label": labels.STATEMENT[statement.state]}
    if statement.state == BankStatement.PREVIEW:
        context |= _looked(statement)
    else:
        context["page"] = paginate(request, statement.lines.all(), per_page=SHOWN)
    return render(request, "payments/statement_detail.html", context)


def _looked(statement: BankStatement) -> dict[str, Any]:
    """What importing would do; a layout that cannot read the file says so and can be changed."""
    try:
        looked = importing.preview(statement)
    except DomainError as error:
        return {"refused": str(error), "layout_form": _layout_form(statement, ())}
    entries = [(entry, i in looked.known) for i, entry in enumerate(looked.read.entries)]
    return {
        "entries": entries[:SHOWN],
        "suspects": [(i, looked.read.entries[i], line) for i, line in looked.suspects.items()],
        "seen": looked.seen,
        "total": len(entries),
        "fresh": len(looked.fresh),
        "known": len(looked.known),
        "problems": looked.read.problems[:SHOWN],
        "bad": len(looked.read.problems),
        "same_file": importing.same_file(statement),
        "layout_form": _layout_form(statement, looked.read.header),
    }


def _layout_form(statement: BankStatement, header: Any) -> LayoutForm | None:
    if statement.format != importing.CSV:
        return None
    return LayoutForm(header=header, layout=statement.layout)


@access(RECONCILE_PAYMENTS)
@require_POST
def statement_layout(request: HttpRequest, statement_id: UUID) -> HttpResponse:
    importing.get_statement(statement_id)
    try:
        layout = LayoutForm.layout_in(request.POST)
        importing.change_layout(statement_id, layout)
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("payments:statement", statement_id)


@access(RECONCILE_PAYMENTS)
@require_POST
def statement_keep(request: HttpRequest, statement_id: UUID) -> HttpResponse:
    ticked = {int(place) for place in request.POST.getlist("new") if PLACE.fullmatch(place)}
    chosen = None if "all_new" in request.POST else ticked
    try:
        statement = importing.keep(
            statement_id, actor=_actor(request), seen=request.POST.get("seen", ""), chosen=chosen
        )
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        message = _("%(count)d lines imported. Those of families wait under Fees, Bank lines.")
        messages.success(request, message % {"count": statement.line_count})
    return redirect("payments:statement", statement_id)


@access(RECONCILE_PAYMENTS)
@require_POST
def statement_discard(request: HttpRequest, statement_id: UUID) -> HttpResponse:
    try:
        importing.discard(statement_id, actor=_actor(request))
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The file is discarded. Nothing was imported from it."))
    return redirect("payments:statements")


def _actor(request: HttpRequest) -> str:
    return str(request.user.email)  # type: ignore[union-attr]
