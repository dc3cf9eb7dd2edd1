"""The operator's buttons: suspend, open again, archive, delete, undo the deletion."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.platform.forms import ArchiveForm, DeleteForm, SuspendForm
from apps.tenants.platform.shared import actor_of, post_only
from apps.tenants.services import deletion
from apps.tenants.services.status import archive_school, resume_school, suspend_school
from kernel.access import OPERATOR, access
from kernel.errors import Invalid


def forms_for(school: SchoolInfo) -> dict[str, forms.Form]:
    """Empty forms for the dialogs of a school's first page."""
    return {
        "suspend_form": SuspendForm(),
        "archive_form": ArchiveForm(prefix="archive"),
        "delete_form": DeleteForm(prefix="delete", slug=school.slug),
    }


@access(OPERATOR)
@post_only
def suspend(request: HttpRequest, school_id: int) -> HttpResponse:
    form = SuspendForm(request.POST)
    if not form.is_valid():
        return _again(request, school_id, suspend_form=form)
    school = suspend_school(
        school_id=school_id, reason=form.cleaned_data["reason"], actor=actor_of(request)
    )
    messages.success(request, _("%(school)s is suspended.") % {"school": school.name})
    return redirect("platform:school", school_id=school_id)


@access(OPERATOR)
@post_only
def resume(request: HttpRequest, school_id: int) -> HttpResponse:
    school = resume_school(school_id=school_id, actor=actor_of(request))
    messages.success(request, _("%(school)s is open again.") % {"school": school.name})
    return redirect("platform:school", school_id=school_id)


@access(OPERATOR)
@post_only
def archive(request: HttpRequest, school_id: int) -> HttpResponse:
    form = ArchiveForm(request.POST, prefix="archive")
    if not form.is_valid():
        return _again(request, school_id, archive_form=form)
    school = archive_school(
        school_id=school_id, reason=form.cleaned_data["reason"], actor=actor_of(request)
    )
    messages.success(request, _("%(school)s is archived.") % {"school": school.name})
    return redirect("platform:school", school_id=school_id)


@access(OPERATOR)
@post_only
def delete(request: HttpRequest, school_id: int) -> HttpResponse:
    """Only asks for it: the data go when the grace period is over."""
    form = DeleteForm(request.POST, prefix="delete")
    if form.is_valid():
        try:
            school = deletion.request_deletion(
                school_id=school_id, **form.cleaned_data, actor=actor_of(request)
            )
        except Invalid as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            told = _("%(school)s is closed and will be deleted.") % {"school": school.name}
            messages.success(request, told)
            return redirect("platform:school", school_id=school_id)
    return _again(request, school_id, delete_form=form)


@access(OPERATOR)
@post_only
def undo_deletion(request: HttpRequest, school_id: int) -> HttpResponse:
    school = deletion.undo_deletion(school_id=school_id, actor=actor_of(request))
    messages.success(request, _("%(school)s will not be deleted.") % {"school": school.name})
    return redirect("platform:school", school_id=school_id)


def _again(request: HttpRequest, school_id: int, **forms: Any) -> HttpResponse:
    """The school's page with what is wrong about the form that was sent."""
    from apps.tenants.platform.schools import show_school

    return show_school(request, school_id, status=422, **forms)
