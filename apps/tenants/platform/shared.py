"""What the pages of the operator console share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.tenants import selectors
from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import Operation, School
from apps.tenants.services.operations import title_of

TONES = {
    School.Status.ACTIVE: "ok",
    School.Status.SUSPENDED: "bad",
    School.Status.PROVISIONING: "warn",
    School.Status.ARCHIVED: "muted",
    School.Status.DELETING: "bad",
}
OPERATION_TONES = {
    Operation.State.WAITING: "warn",
    Operation.State.RUNNING: "info",
    Operation.State.DONE: "ok",
    Operation.State.FAILED: "bad",
}
# The pages of one school: title, name of the URL (which takes the school's id).
SCHOOL_TABS: list[tuple[Any, str]] = [
    (_("Overview"), "platform:school"),
    (_("Plan and usage"), "platform:school_plan"),
    (_("Addresses"), "platform:domains"),
    (_("Work"), "platform:school_operations"),
    (_("History"), "platform:history"),
]

Panel = Callable[[SchoolInfo], dict[str, Any]]
# Cards of a school's first page: the template, and what gives its context. Each is shown with
# its own context as `panel`.
SCHOOL_PANELS: list[tuple[str, Panel]] = []


def school_frame(school: SchoolInfo, here: str) -> dict[str, Any]:
    """What every page of one school shows: name, address, status and the tabs."""
    state = School.Status(school.status)
    return {
        "info": school,
        "address": selectors.address_of(school.domain),
        "status_label": state.label,
        "tone": TONES[state],
        "tabs": [
            {"title": title, "url": reverse(name, args=[school.id]), "active": name == here}
            for title, name in SCHOOL_TABS
        ],
        "platform_domain": settings.PLATFORM_DOMAIN,
    }


def operation_row(row: Operation, names: dict[int, str] | None = None) -> dict[str, Any]:
    """An operation as lists show it; `names` are the schools' by id."""
    return {
        "operation": row,
        "title": title_of(row.kind),
        "state_label": row.get_state_display(),
        "tone": OPERATION_TONES[Operation.State(row.state)],
        "school_name": (names or {}).get(row.school_id or 0, ""),
    }


def actor_of(request: HttpRequest) -> str:
    """The operator's e-mail address, as it stands in every history."""
    return str(getattr(request.user, "email", ""))


def post_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For buttons. Whoever opens their address (after signing in, out of the history) comes to
    the page that has the button."""

    @wraps(view)
    def guarded(request: HttpRequest, **place: Any) -> HttpResponse:
        if request.method == "POST":
            return view(request, **place)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["POST"])
        if "school_id" in place:
            return redirect("platform:school", school_id=place["school_id"])
        if "letter_id" in place:
            return redirect("platform:platform_events")
        if "invoice_id" in place:
            return redirect("platform:invoice", invoice_id=place["invoice_id"])
        return redirect("platform:plans")

    return guarded
