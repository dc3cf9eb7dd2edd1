"""Long work of the keeper: what is under way, how far it is, how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.tenants import selectors
from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import Operation
from apps.tenants.platform.shared import operation_row, school_frame
from apps.tenants.services import operations as service
from apps.tenants.services.backup.work import RESTORE
from kernel.access import OPERATOR, access
from kernel.errors import NotFound
from kernel.pages import paginate, query

# Waiting longer than this means that no keeper runs, or that it is busy with other work.
LONG_WAIT = timedelta(minutes=1)
# Some work has steps that say nothing for a while; this is longer than they take.
LONG_SILENCE = timedelta(minutes=5)


@access(OPERATOR)
@require_safe
def operation_list(request: HttpRequest) -> HttpResponse:
    state = _state(request)
    page = paginate(request, selectors.list_operations(state=state))
    context = {
        **_rows(page),
        "state": state,
        "keep": {"state": state} if state else {},
        "tabs": _tabs(state),
    }
    return render(request, "platform/operations.html", context)


def _state(request: HttpRequest) -> str:
    asked = query(request, "state")
    return asked if asked in Operation.State.values else ""


def _rows(page: Any) -> dict[str, Any]:
    names = selectors.school_names(school_ids={row.school_id for row in page if row.school_id})
    return {"page": page, "rows": [operation_row(row, names) for row in page]}


def _tabs(state: str) -> list[dict[str, Any]]:
    counts = selectors.count_operations()
    here = reverse("platform:operations")
    choices: list[tuple[str, Any]] = [("", _("All")), *Operation.State.choices]
    return [
        {
            "title": label,
            "url": f"{here}?state={value or 'all'}",
            "active": value == state,
            "count": counts.get(value, 0) if value else sum(counts.values()),
        }
        for value, label in choices
    ]


@access(OPERATOR)
@require_safe
def school_operations(request: HttpRequest, school_id: int) -> HttpResponse:
    school = selectors.get_school(school_id=school_id)
    page = paginate(request, selectors.list_operations(school_id=school_id))
    context = {**school_frame(school, "platform:school_operations"), **_rows(page)}
    return render(request, "platform/school_operations.html", context)


@access(OPERATOR)
@require_safe
def operation(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """Progress; the page asks for itself again while the work is under way."""
    row = service.get_operation(operation_id)
    names = selectors.school_names(school_ids=[row.school_id] if row.school_id else [])
    now = timezone.now()
    heard = row.heartbeat_at or row.created_at
    context = {
        **operation_row(row, names),
        "waits_long": row.state == Operation.State.WAITING and now - row.created_at > LONG_WAIT,
        "silent": row.state == Operation.State.RUNNING and now - heard > LONG_SILENCE,
        "copy": _copy_of(row),
        "percent_text": f"{row.done * 100 // row.total} %" if row.total else "",
    }
    return render(request, "platform/operation.html", context)


def _copy_of(row: Operation) -> SchoolInfo | None:
    """The new school that a restore made, while it is there."""
    slug = row.parameters.get("slug")
    if row.kind != RESTORE or row.state != Operation.State.DONE or not slug:
        return None
    try:
        return selectors.find_school(slug)
    except NotFound:
        return None
