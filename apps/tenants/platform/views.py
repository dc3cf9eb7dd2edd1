"""The platform's own pages: what Homeroom is, and the operator console."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.tenants import selectors
from apps.tenants.models import School
from apps.tenants.platform.forms import NewSchoolForm, SuspendForm
from apps.tenants.services.provision import PROVISIONED, provision_school
from apps.tenants.services.status import RESUMED, SUSPENDED, resume_school, suspend_school
from kernel.access import OPERATOR, PUBLIC, access
from kernel.errors import DomainError
from kernel.pages import paginate, query

TONES = {
    School.Status.ACTIVE: "ok",
    School.Status.PROVISIONING: "warn",
    School.Status.SUSPENDED: "bad",
}


@access(PUBLIC)
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "platform/landing.html")


@access(OPERATOR)
@require_safe
def school_list(request: HttpRequest) -> HttpResponse:
    text, status = query(request), _status(request)
    page = paginate(request, selectors.search_schools(text=text, status=status))
    context = {
        "page": page,
        "rows": [_row(school) for school in page],
        "q": text,
        "status": status,
        "keep": {"status": status} if status else {},
        "tabs": _tabs(status),
    }
    return render(request, "platform/schools.html", context)


def _status(request: HttpRequest) -> str:
    asked = query(request, "status")
    return asked if asked in School.Status.values else ""


def _row(school: School) -> dict[str, Any]:
    return {
        "school": school,
        "address": _address(school),
        "tone": TONES[School.Status(school.status)],
    }


def _address(school: School) -> str:
    return selectors.address_of(school.primary_host)


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
        done = provision_school(**form.cleaned_data, actor=_actor(request))
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
    return _detail(request, school_id, SuspendForm())


def _detail(
    request: HttpRequest, school_id: int, form: SuspendForm, status: int = 200
) -> HttpResponse:
    info = selectors.get_school(school_id=school_id)
    state = School.Status(info.status)
    context = {
        "info": info,
        "address": selectors.address_of(info.domain),
        "status_label": state.label,
        "tone": TONES[state],
        "domains": selectors.list_domains(school_id=school_id),
        "admin_email": selectors.admin_email_of(school_id=school_id),
        "history": [_told(action) for action in selectors.list_actions(school_id=school_id)],
        "suspend_form": form,
    }
    return render(request, "platform/school.html", context, status=status)


def _told(action: Any) -> dict[str, Any]:
    titles = {
        PROVISIONED: _("Made and opened"),
        SUSPENDED: _("Suspended"),
        RESUMED: _("Opened again"),
    }
    return {
        "at": action.at,
        "title": titles.get(action.action, action.action),
        "actor": action.actor,
        "note": action.detail.get("reason", ""),
        "has_steps": action.action == PROVISIONED,
    }


@access(OPERATOR)
@require_POST
def suspend(request: HttpRequest, school_id: int) -> HttpResponse:
    form = SuspendForm(request.POST)
    if not form.is_valid():
        return _detail(request, school_id, form, status=422)
    info = suspend_school(
        school_id=school_id, reason=form.cleaned_data["reason"], actor=_actor(request)
    )
    messages.success(request, _("%(school)s is suspended.") % {"school": info.name})
    return redirect("platform:school", school_id=school_id)


@access(OPERATOR)
@require_POST
def resume(request: HttpRequest, school_id: int) -> HttpResponse:
    info = resume_school(school_id=school_id, actor=_actor(request))
    messages.success(request, _("%(school)s is open again.") % {"school": info.name})
    return redirect("platform:school", school_id=school_id)


def _actor(request: HttpRequest) -> str:
    return str(getattr(request.user, "email", ""))
