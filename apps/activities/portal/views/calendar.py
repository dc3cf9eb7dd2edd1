"""Staff pages of the calendar's entries."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.activities import selectors
from apps.activities.permissions import MANAGE_ACTIVITIES, VIEW_ACTIVITIES
from apps.activities.portal.forms import EntryForm, entry_initial, refuse
from apps.activities.portal.views.activities import period
from apps.activities.services import calendar
from kernel.access import access
from kernel.errors import DomainError
from kernel.pages import paginate, query


@access(VIEW_ACTIVITIES)
@require_GET
def entry_list(request: HttpRequest) -> HttpResponse:
    text, when = query(request), period(request)
    page = paginate(request, selectors.entry_rows(text=text, when=when))
    page.object_list = [selectors.entry_item(row) for row in page.object_list]
    context = {"page": page, "q": text, "when": when}
    return render(request, "activities/entry_list.html", context)


@access(MANAGE_ACTIVITIES)
@require_http_methods(["GET", "POST"])
def entry_add(request: HttpRequest) -> HttpResponse:
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            calendar.create_entry(details=form.details())
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The entry was added to the calendar."))
            return redirect("activities:calendar")
    return render(request, "activities/entry_form.html", {"form": form})


@access(MANAGE_ACTIVITIES)
@require_http_methods(["GET", "POST"])
def entry_edit(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    entry = selectors.get_entry(entry_id)
    form = EntryForm(request.POST or None, initial=entry_initial(entry))
    if request.method == "POST" and form.is_valid():
        try:
            calendar.update_entry(entry_id=entry_id, details=form.details())
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The changes were saved."))
            return redirect("activities:calendar")
    return render(request, "activities/entry_form.html", {"form": form, "entry": entry})


@access(MANAGE_ACTIVITIES)
@require_POST
def entry_delete(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    calendar.delete_entry(entry_id=entry_id)
    messages.success(request, _("The entry was deleted."))
    return redirect("activities:calendar")
