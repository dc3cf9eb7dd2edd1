"""Pages of guardians, and of their ties to a child."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.students.contracts import GuardianshipInfo
from apps.students.permissions import CHANGE_STUDENTS, VIEW_STUDENTS
from apps.students.portal.forms import GuardianForm, GuardianshipForm, NewGuardianForm, refuse
from apps.students.selectors import people
from apps.students.services import guardians, privacy
from kernel.access import access
from kernel.errors import DomainError, NotFound
from kernel.pages import paginate, query


@access(VIEW_STUDENTS)
@require_GET
def guardian_list(request: HttpRequest) -> HttpResponse:
    text = query(request)
    without_email = query(request, "email") == "none"
    page = paginate(request, people.guardian_rows(text=text, without_email=without_email))
    page.object_list = people.with_children(map(people.guardian_info, page.object_list))
    context = {
        "page": page,
        "q": text,
        "without_email": without_email,
        "counts": people.counts(),
    }
    return render(request, "students/guardian_list.html", context)


@access(VIEW_STUDENTS)
@require_GET
def guardian_detail(request: HttpRequest, guardian_id: UUID) -> HttpResponse:
    context = {
        "guardian": people.get_guardian(guardian_id),
        "children": people.children_of(guardian_id),
        "is_erased": privacy.guardian_is_erased(guardian_id),
    }
    return render(request, "students/guardian_detail.html", context)


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def guardian_edit(request: HttpRequest, guardian_id: UUID) -> HttpResponse:
    guardian = people.get_guardian(guardian_id)
    initial = {name: getattr(guardian, name) for name in ("name", "email", "phone", "language")}
    form = GuardianForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            guardians.update_guardian(
                guardian_id=guardian_id, details=form.details(), actor=request.user.get_username()
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The changes were saved."))
            return redirect("students:guardian", guardian_id)
    return render(request, "students/guardian_edit.html", {"form": form, "guardian": guardian})


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def guardian_add(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """A guardian for this student."""
    student = people.get_student(student_id)
    form = NewGuardianForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            guardians.add_guardian(
                student_id=student_id, details=form.details(), actor=request.user.get_username()
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The guardian was added."))
            return redirect("students:detail", student_id)
    return render(request, "students/guardian_add.html", {"form": form, "student": student})


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def guardianship_edit(
    request: HttpRequest, student_id: UUID, guardianship_id: UUID
) -> HttpResponse:
    link = _link(student_id, guardianship_id)
    initial = {
        "relationship": link.relationship,
        "pays": link.pays,
        "first": link.contact_order == 1,
    }
    form = GuardianshipForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        guardians.update_guardianship(
            guardianship_id=guardianship_id, actor=request.user.get_username(), **form.cleaned_data
        )
        messages.success(request, _("The changes were saved."))
        return redirect("students:detail", student_id)
    context = {"form": form, "student": people.get_student(student_id), "link": link}
    return render(request, "students/guardianship_edit.html", context)


def _link(student_id: UUID, guardianship_id: UUID) -> GuardianshipInfo:
    for link in people.guardianships_of(student_id):
        if link.id == guardianship_id:
            return link
    raise NotFound(_("This guardian is no longer linked to the student."))


@access(CHANGE_STUDENTS)
@require_POST
def guardianship_remove(
    request: HttpRequest, student_id: UUID, guardianship_id: UUID
) -> HttpResponse:
    link = _link(student_id, guardianship_id)
    guardians.remove_guardianship(guardianship_id=link.id, actor=request.user.get_username())
    messages.success(request, _("The guardian was removed from this student."))
    return redirect("students:detail", student_id)
