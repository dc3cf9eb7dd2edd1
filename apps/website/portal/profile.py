"""The profile behind the home page, and the staff directory."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.website import selectors
from apps.website.permissions import EDIT_SITE
from apps.website.portal.forms import ProfileForm, StaffForm
from apps.website.portal.frame import tabs
from apps.website.services import profile as profiles
from kernel.access import access
from kernel.pages import query


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=selectors.get_profile())
    if request.method == "POST" and form.is_valid():
        profiles.update_profile(**form.cleaned_data)
        messages.success(request, _("The profile is saved and on the public site."))
        return redirect("website:profile")
    return render(request, "website/portal/profile.html", {"form": form, "tabs": tabs("profile")})


@access(EDIT_SITE)
@require_safe
def staff(request: HttpRequest) -> HttpResponse:
    q = query(request)
    entries = selectors.list_staff(published_only=False, search=q)
    context = {"entries": entries, "q": q, "tabs": tabs("staff")}
    return render(request, "website/portal/staff.html", context)


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def staff_entry(request: HttpRequest, entry_id: UUID | None = None) -> HttpResponse:
    entry = selectors.get_staff_entry(entry_id=entry_id) if entry_id else None
    start = {name: getattr(entry, name) for name in StaffForm.base_fields} if entry else None
    form = StaffForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        profiles.save_staff_entry(entry_id=entry_id, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("website:staff")
    context = {"form": form, "entry": entry, "tabs": tabs("staff")}
    return render(request, "website/portal/staff_entry.html", context)


@access(EDIT_SITE)
@require_POST
def delete_staff_entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    profiles.delete_staff_entry(entry_id=entry_id)
    messages.success(request, _("Removed from the directory."))
    return redirect("website:staff")
