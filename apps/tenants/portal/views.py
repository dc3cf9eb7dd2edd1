"""The page on which a school's administrator changes its settings."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.permissions import CHANGE_SETTINGS
from apps.tenants.portal.forms import SettingsForm
from apps.tenants.selectors import address_of, current_school_info
from apps.tenants.services.settings import SETTINGS, update_settings
from kernel.access import access
from kernel.errors import DomainError
from kernel.languages import chosen_language

# Holds the language that a reader picked for themselves; the gateway obeys it before the school's.


@access(CHANGE_SETTINGS)
def settings(request: HttpRequest) -> HttpResponse:
    info = current_school_info()
    form = SettingsForm(
        request.POST or None, initial={field: getattr(info, field) for field in SETTINGS}
    )
    if request.method == "POST" and form.is_valid() and _save(request, form, info.id):
        return redirect("tenants:settings")
    context = {"form": form, "info": info, "address": address_of(info.domain)}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "tenants/settings.html", context, status=status)


def _save(request: HttpRequest, form: SettingsForm, school_id: int) -> bool:
    try:
        info = update_settings(
            school_id=school_id,
            actor=str(getattr(request.user, "email", "")),
            **form.cleaned_data,
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return False
    with translation.override(_language_of_next_page(request, info)):
        messages.success(request, _("The settings are saved. They apply from now on."))
    return True


def _language_of_next_page(request: HttpRequest, info: SchoolInfo) -> str:
    """The school's language, which may have changed just now, unless the reader picked one."""
    if chosen_language(request):
        return translation.get_language() or info.language
    return info.language
