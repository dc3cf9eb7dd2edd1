"""The schools of the installation: the list, a new one, and each one's first page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.tenants import selectors
from apps.tenants.contracts import ACTIVE, ARCHIVED, SUSPENDED
from apps.tenants.models import School
from apps.tenants.platform.forms import NewSchoolForm
from apps.tenants.platform.history import told
from apps.tenants.platform.lifecycle import forms_for
from apps.tenants.platform.shared import (
    SCHOOL_PANELS,
    TONES,
    actor_of,
    operation_row,
    school_frame,
)
from apps.tenants.services.provision import PROVISIONED, provision_school
from kernel.access import OPERATOR, access
from kernel.errors import DomainError
from kernel.pages import paginate, query

SHOWN = 5  # of a school's history and work, on its first page


@access(OPERATOR)
@require_safe
def school_list(request: HttpRequest) -> HttpResponse:
    text, status, order = query(request), _status(request), _order(request)
    found = selectors.search_schools(text=text, status=status, order=order)
    page = paginate(request, found)
    context = {
        "page": page,
        "rows": [_row(school) for school in page],
        "q": text,
        "status": status,
        "order": order,
        "sorts": _sorts(order),
        "keep": {key: kept for key, kept in (("status", status), ("sort", order)) if kept},
        "tabs": _tabs(status),
    }
    return render(request, "platform/schools.html", context)


def _status(request: HttpRequest) -> str:
    asked = query(request, "status")
    return asked if asked in School.Status.values else ""


def _order(request: HttpRequest) -> str:
    asked = query(request, "sort")
    return asked if asked in selectors.SCHOOL_ORDERS else ""


def _sorts(order: str) -> dict[str, dict[str, str]]:
    """For the two columns that sort: what a click on their heading asks for, and how they stand
    now (`aria-sort`)."""
    sorts = {}
    for column in ("name", "since"):
        down = order == f"-{column}"
        up = order == column or (not order and column == "name")
        sorts[column] = {
            "next": f"-{column}" if up else column,
            "now": "ascending" if up else "descending" if down else "none",
        }
    return sorts


def _row(school: School) -> dict[str, Any]:
    return {
        "school": school,
        "address": selectors.address_of(school.primary_host),
        "tone": TONES[School.Status(school.status)],
    }


def _tabs(status: str) -> list[dict[str, Any]]:
    counts = selectors.count_by_status()
    here = reverse("platform:schools")
    every = {
        "title": _("All"),
        "url": f"{here}?status=all",
        "active": not status,
        "count": sum(counts.values()),
    }
    return [every] + [
        {
            "title": state.label,
            "url": f"{here}?status={state}",
            "active": state == status,
            "count": counts.get(state, 0),
        }
        for state in TONES
    ]


@access(OPERATOR)
def new_school(request: HttpRequest) -> HttpResponse:
    form = NewSchoolForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        response = _provision(request, form)
        if response is not None:
            return response
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "platform_domain": settings.PLATFORM_DOMAIN}
    return render(request, "platform/new_school.html", context, status=status)


def _provision(request: HttpRequest, form: NewSchoolForm) -> HttpResponse | None:
    try:
        done = provision_school(**form.cleaned_data, actor=actor_of(request))
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
    if done.already:
        messages.info(request, _("This school is already there. Nothing was changed."))
        return redirect("platform:school", school_id=done.school.id)
    return redirect("platform:provisioned", school_id=done.school.id)


@access(OPERATOR)
@require_safe
def provisioned(request: HttpRequest, school_id: int) -> HttpResponse:
    """What provisioning did, each step with its time; can be opened again later."""
    school = selectors.get_school(school_id=school_id)
    actions = selectors.list_actions(school_id=school_id)
    steps: list[tuple[str, float]] = next(
        (action.detail["steps"] for action in actions if action.action == PROVISIONED), []
    )
    context = {
        "info": school,
        "address": selectors.address_of(school.domain),
        "steps": steps,
        "seconds": sum(seconds for _title, seconds in steps),
        "admin_email": selectors.admin_email_of(school_id=school_id),
        "has_mailbox": bool(settings.MAILBOX_DIR),
    }
    return render(request, "platform/provisioned.html", context)


@access(OPERATOR)
@require_safe
def school_detail(request: HttpRequest, school_id: int) -> HttpResponse:
    """A deleted school's page says that it was here."""
    gone = selectors.find_deleted(school_id=school_id)
    if gone is not None:
        actions = selectors.list_actions(school_id=school_id)
        context = {"gone": gone, "history": [told(action) for action in actions]}
        return render(request, "platform/deleted.html", context)
    return show_school(request, school_id)


def show_school(
    request: HttpRequest, school_id: int, status: int = 200, **forms: Any
) -> HttpResponse:
    """The first page; `forms` takes the place of empty ones when one was refused."""
    school = selectors.get_school(school_id=school_id)
    actions = selectors.list_actions(school_id=school_id, limit=SHOWN)
    work = selectors.list_operations(school_id=school_id)[:SHOWN]
    context = {
        **school_frame(school, "platform:school"),
        "state": selectors.get_state(school_id=school_id),
        "domains": selectors.list_domains(school_id=school_id),
        "admin_email": selectors.admin_email_of(school_id=school_id),
        "history": [told(action) for action in actions],
        "work": [operation_row(row) for row in work],
        "panels": [(template, panel(school)) for template, panel in SCHOOL_PANELS],
        "may_delete": school.status in (ACTIVE, SUSPENDED, ARCHIVED),
        "grace_days": settings.DELETE_GRACE_DAYS,
        **forms_for(school),
        **forms,
    }
    return render(request, "platform/school.html", context, status=status)
