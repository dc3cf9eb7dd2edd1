"""Bank lines: what each is, suggested where it can be, confirmed by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.fees.permissions import RECORD_PAYMENT
from apps.fees.portal.forms import IgnoreForm, SplitForm, refuse
from apps.fees.portal.tabs import tabs
from apps.fees.services import bank
from apps.payments import facade as payments
from apps.payments.contracts import BankLine
from apps.students import facade as students
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate, query

STATES = ("open", "matched", "ignored")


@access(RECORD_PAYMENT)
@require_safe
def bank_lines(request: HttpRequest) -> HttpResponse:
    state, text = request.GET.get("state", "open"), query(request)
    state = state if state in STATES else ""
    page = paginate(request, range(payments.count_bank_lines(state=state, text=text)))
    lines = payments.bank_lines(
        state=state,
        text=text,
        offset=max(page.start_index() - 1, 0),
        limit=page.paginator.per_page,
    )
    found = bank.suggestions(lines)
    context = {
        "page": page,
        "rows": [(line, found.get(line.id), _ticked(line, found)) for line in lines],
        "suggested": len(found),
        "state": state,
        "q": text,
        "tabs": tabs("bank"),
    }
    return render(request, "fees/bank_lines.html", context)


def _ticked(line: BankLine, found: Mapping[UUID, bank.Suggestion]) -> str:
    """What a ticked box sends: the line, and the invoices that stand beside it."""
    suggestion = found.get(line.id)
    shown = suggestion.invoices if suggestion else ()
    return ":".join([str(line.id), *(str(invoice.id) for invoice in shown)])


@access(RECORD_PAYMENT)
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """All suggestions that are ticked, each by itself."""
    chosen = _chosen(request.POST.getlist("line"))
    if not chosen:
        messages.error(request, _("Tick the lines to record."))
        return redirect("fees:bank")
    done, problems = bank.confirm(chosen, actor=_actor(request))
    if done:
        text = ngettext("%(count)d line recorded.", "%(count)d lines recorded.", done)
        messages.success(request, text % {"count": done})
    for problem in problems[:10]:
        messages.error(request, problem)
    return redirect("fees:bank")


def _chosen(values: Sequence[str]) -> dict[UUID, list[UUID]]:
    """Line -> invoices; what is no such thing is left out."""
    chosen: dict[UUID, list[UUID]] = {}
    for value in values:
        try:
            line_id, *invoice_ids = (UUID(part) for part in value.split(":"))
        except ValueError:
            continue
        chosen[line_id] = invoice_ids
    return chosen


@access(RECORD_PAYMENT)
@require_http_methods(["GET", "HEAD", "POST"])
def bank_line(request: HttpRequest, line_id: UUID) -> HttpResponse:
    """One line: record it for one student or several."""
    line = payments.bank_line(line_id)
    text = query(request)
    form = SplitForm(request.POST or None, students=_candidates(line, text))
    if request.method == "POST" and form.is_valid():
        try:
            bank.record(line_id, bank.parts_of(form.parts), actor=_actor(request))
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The payment is recorded."))
            return redirect("fees:bank")
    context: dict[str, Any] = {
        "line": line,
        "recorded": payments.recorded_like_bank_line(line_id),
        "form": form,
        "q": text,
        "ignore_form": IgnoreForm(),
    }
    return render(request, "fees/bank_line.html", context, status=422 if form.errors else 200)


def _candidates(line: Any, text: str) -> list[tuple[UUID, str]]:
    """Students of the search, or those whose invoices the line seems to pay."""
    if text:
        return [(s.id, f"{s.name} · {s.class_name}") for s in students.search_students(text)]
    suggestion = bank.suggestions([line]).get(line.id)
    named = suggestion.invoices if suggestion else ()
    return list(dict.fromkeys((i.student_id, f"{i.student_name} · {i.class_name}") for i in named))


@access(RECORD_PAYMENT)
@require_POST
def ignore(request: HttpRequest, line_id: UUID) -> HttpResponse:
    form = IgnoreForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    return _do(
        request,
        lambda: payments.ignore_bank_line(line_id, reason=reason, actor=_actor(request)),
        _("The line is left out."),
    )


@access(RECORD_PAYMENT)
@require_POST
def is_recorded(request: HttpRequest, line_id: UUID, payment_id: UUID) -> HttpResponse:
    return _do(
        request,
        lambda: payments.tie_recorded_payment(line_id, payment_id, actor=_actor(request)),
        _("The line is this payment. Nothing was recorded anew."),
    )


@access(RECORD_PAYMENT)
@require_POST
def undo(request: HttpRequest, line_id: UUID) -> HttpResponse:
    return _do(
        request,
        lambda: bank.undo(line_id, actor=_actor(request)),
        _("The line is open again. What was recorded for it is taken back."),
    )


@access(RECORD_PAYMENT)
@require_POST
def go_on(request: HttpRequest, line_id: UUID) -> HttpResponse:
    return _do(
        request,
        lambda: bank.go_on(line_id, actor=_actor(request)),
        _("It is finished now."),
    )


@access(RECORD_PAYMENT)
@require_POST
def returned(request: HttpRequest, line_id: UUID, payment_id: UUID) -> HttpResponse:
    return _do(
        request,
        lambda: bank.take_back(line_id, payment_id, actor=_actor(request)),
        _("The payment is taken back. What it paid for is owed again."),
    )


def _do(request: HttpRequest, act: Any, done: str) -> HttpResponse:
    try:
        act()
    except NotFound:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("fees:bank")


def _actor(request: HttpRequest) -> str:
    return request.user.get_username()
