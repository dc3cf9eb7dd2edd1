"""Handing out and erasing what the school holds about a student or a guardian."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.identity import facade as identity
from apps.students.permissions import ERASE_PERSON
from apps.students.portal.forms import ErasePersonForm, refuse
from apps.tenants.facade import privacy
from kernel.access import access
from kernel.errors import DomainError


@access(ERASE_PERSON)
@require_POST
@never_cache
def student_export(request: HttpRequest, student_id: UUID) -> HttpResponse:
    person = privacy.find_person(privacy.PersonQuery(student=str(student_id)))
    return _download(request, person, {"student_id": str(student_id)})


@access(ERASE_PERSON)
@require_POST
@never_cache
def guardian_export(request: HttpRequest, guardian_id: UUID) -> HttpResponse:
    person = privacy.find_person(privacy.PersonQuery(guardian=str(guardian_id)))
    return _download(request, person, {"guardian_id": str(guardian_id)})


def _download(request: HttpRequest, person: privacy.Person, detail: dict[str, str]) -> HttpResponse:
    export = privacy.export_person(person)
    identity.record_audit(
        actor=request.user.get_username(),
        action="students.person_exported",
        subject=person.name,
        detail=detail,
    )
    response = HttpResponse(export.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
    return response


@access(ERASE_PERSON)
@require_http_methods(["GET", "POST"])
@never_cache
def student_erase(request: HttpRequest, student_id: UUID) -> HttpResponse:
    person = privacy.find_person(privacy.PersonQuery(student=str(student_id)))
    return _erase(request, person, reverse("students:detail", args=[student_id]))


@access(ERASE_PERSON)
@require_http_methods(["GET", "POST"])
@never_cache
def guardian_erase(request: HttpRequest, guardian_id: UUID) -> HttpResponse:
    person = privacy.find_person(privacy.PersonQuery(guardian=str(guardian_id)))
    return _erase(request, person, reverse("students:guardian", args=[guardian_id]))


def _erase(request: HttpRequest, person: privacy.Person, back: str) -> HttpResponse:
    """First what would go and stay, then the name typed, then it is done."""
    form = ErasePersonForm(request.POST or None, name=person.name)
    if request.method == "POST" and form.is_valid():
        try:
            privacy.erase_person(
                person,
                actor=request.user.get_username(),
                reason=form.cleaned_data["reason"],
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The person was erased."))
            return redirect("students:list" if person.student_ids else "students:guardians")
    context = {
        "person": person,
        "preview": privacy.preview_erasure(person),
        "form": form,
        "back": back,
    }
    return render(request, "students/person_erase.html", context)
