"""The pages on which a school changes its settings, one for each group."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.tenants.contracts import SchoolInfo
from apps.tenants.permissions import CHANGE_SETTINGS, OPEN_SETTINGS
from apps.tenants.portal import frame
from apps.tenants.portal.forms import LogoForm, SettingsForm
from apps.tenants.services.branding import remove_logo, replace_logo
from apps.tenants.services.history import history as changes_of_school
from apps.tenants.services.settings import change_settings
from kernel.access import access
from kernel.errors import DomainError
from kernel.languages import chosen_language
from kernel.pages import paginate
from kernel.schools import current_school

GENERAL = "general"


@access(OPEN_SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """The general settings; who may not change them is led to what they may."""
    groups = frame.groups_for(request.user)
    if GENERAL not in groups and request.method != "POST" and groups:
        return redirect("tenants:group", groups[0])
    return _page(request, GENERAL)


@access(OPEN_SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, group: str) -> HttpResponse:
    return redirect("tenants:settings") if group == GENERAL else _page(request, group)


def _page(request: HttpRequest, group: str, logo_form: LogoForm | None = None) -> HttpResponse:
    form = SettingsForm(frame.settings_for(request.user, group), None)
    if not form.settings:
        raise PermissionDenied
    if request.method == "POST" and logo_form is None:
        form = SettingsForm(form.settings.values(), request.POST)
        if form.is_valid() and _save(request, form):
            return redirect(frame.address_of_group(group))
    bad = bool(form.is_bound and form.errors) or bool(logo_form and logo_form.errors)
    context = frame.context_of(request.user, group, form)
    context["logo_form"] = logo_form or LogoForm()
    return render(request, "tenants/settings.html", context, status=422 if bad else 200)


def _save(request: HttpRequest, form: SettingsForm) -> bool:
    try:
        info = change_settings(
            school_id=current_school().id,
            values=form.cleaned_data,
            actor=_actor(request),
            permissions={s.permission for s in form.settings.values()},
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


@access(CHANGE_SETTINGS)
@require_POST
def logo(request: HttpRequest) -> HttpResponse:
    """Upload a logo or replace it."""
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid() and _replace(request, form):
        messages.success(request, _("The logo is in use from now on."))
        return redirect("tenants:group", "branding")
    return _page(request, "branding", logo_form=form)


def _replace(request: HttpRequest, form: LogoForm) -> bool:
    try:
        replace_logo(upload=form.cleaned_data["logo"], actor=_actor(request))
    except DomainError as error:
        form.add_error("logo", error.message)
        return False
    return True


@access(CHANGE_SETTINGS)
@require_POST
def logo_remove(request: HttpRequest) -> HttpResponse:
    remove_logo(actor=_actor(request))
    messages.success(request, _("The logo is removed."))
    return redirect("tenants:group", "branding")


@access(CHANGE_SETTINGS)
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Who changed what, newest first."""
    page = paginate(request, changes_of_school(limit=500))
    context: dict[str, Any] = {"page": page, "tabs": frame.tabs(request.user, "history")}
    return render(request, "tenants/settings_history.html", context)


def _actor(request: HttpRequest) -> str:
    return str(getattr(request.user, "email", ""))
