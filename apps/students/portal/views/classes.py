"""Pages of classes."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.students.permissions import CHANGE_STUDENTS, VIEW_STUDENTS
from apps.students.portal.forms import ClassForm, refuse
from apps.students.selectors import people
from apps.students.services import classes
from kernel.access import access
from kernel.errors import DomainError
from kernel.pages import query


@access(VIEW_STUDENTS)
@require_GET
def class_list(request: HttpRequest) -> HttpResponse:
    text = query(request)
    context = {
        "classes": people.list_classes(text=text),
        "q": text,
        "year_name": people.current_year_name(),
    }
    return render(request, "students/class_list.html", context)


@access(VIEW_STUDENTS)
@require_GET
def class_detail(request: HttpRequest, class_id: UUID) -> HttpResponse:
    context = {
        "class": people.get_class(class_id),
        "rows": people.with_payers(people.students_in_classes([class_id])),
    }
    return render(request, "students/class_detail.html", context)


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def class_add(request: HttpRequest) -> HttpResponse:
    form = ClassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            class_id = classes.create_class(name=form.cleaned_data["name"])
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The class was added."))
            return redirect("students:class", class_id)
    context = {"form": form, "year_name": people.current_year_name()}
    return render(request, "students/class_form.html", context)


@access(CHANGE_STUDENTS)
@require_http_methods(["GET", "POST"])
def class_edit(request: HttpRequest, class_id: UUID) -> HttpResponse:
    info = people.get_class(class_id)
    form = ClassForm(request.POST or None, initial={"name": info.name})
    if request.method == "POST" and form.is_valid():
        try:
            classes.rename_class(class_id=class_id, name=form.cleaned_data["name"])
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The changes were saved."))
            return redirect("students:class", class_id)
    context = {"form": form, "class": info, "year_name": info.year_name}
    return render(request, "students/class_form.html", context)
