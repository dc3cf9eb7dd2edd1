"""Pages of students: list, one student, add, change, withdraw."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.students.permissions import CHANGE_STUDENTS, VIEW_STUDENTS
from apps.students.portal.forms import NewStudentForm, StudentForm, refuse
from apps.students.selectors import people
from apps.students.services import students
from apps.students.services.privacy import ERASED
from kernel.access import access
from kernel.errors import DomainError
from kernel.pages import paginate, query

STATUSES = (people.ENROLLED, people.LEFT, people.EVERYBODY)


def _class_filter(request: HttpRequest) -> UUID | None:
    try:
        return UUID(query(request, "class"))
    except ValueError:
        return None


@access(VIEW_STUDENTS)
@require_GET
def student_list(request: HttpRequest) -> HttpResponse:
    text, class_id = query(request), _class_filter(request)
    status = query(request, "status")
    status = status if status in STATUSES else people.ENROLLED
    rows = people.student_rows(text=text, class_id=class_id, status=status)
    page = paginate(request, rows)
    page.object_list = people.with_payers(map(people.student_info, page.object_list))
    context = {
        "page": page,
        "q": text,
        "class_id": class_id,
        "status": status,
        "classes": people.list_classes(),
        "counts": people.counts(),
    }
    return render(request, "students/student_list.html", context)


@access(VIEW_STUDENTS)
@require_GET
def student_detail(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = people.get_student(student_id)
    family = people.students_in_household(student.household_id)
    context = {
        "student": student,
        "guardianships": people.guardianships_of(student_id),
        "enrolments": people.enrolments_of(student_id),
        "is_erased": student.number.startswith(ERASED),
        "siblings": [sibling for sibling in family if sibling.id != student.id],
    }
    return render(request, "students/student_detail.html", context)


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def student_add(request: HttpRequest) -> HttpResponse:
    form = NewStudentForm(
        request.POST or None,
        classes=people.list_classes(),
        initial={"class_id": query(request, "class")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            student_id = students.enrol_student(
                details=form.details(),
                class_id=form.cleaned_data["class_id"],
                guardian=form.guardian(),
                actor=request.user.get_username(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The student was added."))
            return redirect("students:detail", student_id)
    return render(request, "students/student_add.html", {"form": form})


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def student_edit(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = people.get_student(student_id)
    form = StudentForm(
        request.POST or None,
        classes=people.list_classes(),
        enrolled=student.is_enrolled,
        initial={
            "number": student.number,
            "first_name": student.first_name,
            "last_name": student.last_name,
            "date_of_birth": student.date_of_birth,
            "class_id": str(student.class_id or ""),
        },
    )
    if request.method == "POST" and form.is_valid() and _update(request, student_id, form):
        messages.success(request, _("The changes were saved."))
        return redirect("students:detail", student_id)
    return render(request, "students/student_edit.html", {"form": form, "student": student})


def _update(request: HttpRequest, student_id: UUID, form: StudentForm) -> bool:
    try:
        students.update_student(
            student_id=student_id,
            details=form.details(),
            class_id=form.cleaned_data["class_id"],
            actor=request.user.get_username(),
        )
    except DomainError as error:
        refuse(form, error)
        return False
    return True


@access(CHANGE_STUDENTS)
@require_POST
def student_withdraw(request: HttpRequest, student_id: UUID) -> HttpResponse:
    try:
        students.withdraw_student(student_id=student_id, actor=request.user.get_username())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The student was withdrawn. What is owed stays owed."))
    return redirect("students:detail", student_id)
