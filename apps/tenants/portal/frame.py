"""What the pages of settings share: the tabs a person sees, the parts of a page, its facts."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.tenants.permissions import CHANGE_SETTINGS, VIEW_PLAN
from apps.tenants.portal.forms import SettingsForm
from apps.tenants.selectors import address_of
from apps.tenants.services import kinds
from apps.tenants.services.branding import branding_of
from apps.tenants.services.general import CURRENCY
from apps.tenants.services.rules import (
    GROUPS,
    Setting,
    all_settings,
    settings_of,
    why_currency_stays,
)
from kernel.schools import current_school


def settings_for(user: Any, group: str) -> list[Setting[Any]]:
    """What this person may change on the group's page. Raises NotFound for an unknown group."""
    locked = bool(group == CURRENCY.group and why_currency_stays())
    return [
        setting
        for setting in settings_of(group)
        if not setting.by_itself
        and user.can(setting.permission)
        and not (setting is CURRENCY and locked)
    ]


def groups_for(user: Any) -> list[str]:
    """The groups in which this person may change something, in their order."""
    found = [setting.group for setting in all_settings() if user.can(setting.permission)]
    return list(dict.fromkeys(found))


def address_of_group(group: str) -> str:
    return (
        reverse("tenants:settings")
        if group == "general"
        else reverse("tenants:group", args=[group])
    )


def tabs(user: Any, active: str) -> list[dict[str, Any]]:
    found = [
        {
            "title": str(GROUPS[group][0]),
            "url": address_of_group(group),
            "active": group == active,
        }
        for group in groups_for(user)
    ]
    if user.can(VIEW_PLAN):
        url = reverse("tenants:plan")
        found.append({"title": _("Plan and usage"), "url": url, "active": active == "plan"})
    if user.can(CHANGE_SETTINGS):
        url = reverse("tenants:history")
        found.append({"title": _("History"), "url": url, "active": active == "history"})
    return found


def context_of(user: Any, group: str, form: SettingsForm) -> dict[str, Any]:
    school = current_school()
    title, text = GROUPS[group]
    return {
        "form": form,
        "group": group,
        "group_title": title,
        "group_text": text,
        "tabs": tabs(user, group),
        "parts": _parts(group, form),
        "branding": branding_of(school),
        "may_change_logo": user.can(CHANGE_SETTINGS),
        "currency_reason": "" if CURRENCY.name in form.fields else why_currency_stays(),
        "address": address_of(school.primary_host),
    }


def _parts(group: str, form: SettingsForm) -> list[dict[str, Any]]:
    """The cards of the page; most groups are one."""
    if group != "general":
        return [{"title": "", "fields": [_row(form, name) for name in form.settings]}]
    split = (
        (_("Name"), ("name", "tagline")),
        (_("Language, time and money"), ("language", "time_zone", "currency")),
        (_("Contact"), ("contact_email", "contact_phone", "address")),
    )
    return [
        {"title": title, "fields": [_row(form, name) for name in names if name in form.fields]}
        for title, names in split
    ]


def _row(form: SettingsForm, name: str) -> dict[str, Any]:
    """A field with what stands beside it."""
    kind = form.settings[name].kind
    suffix = ""
    if isinstance(kind, kinds.Amount):
        suffix = current_school().currency
    elif isinstance(kind, kinds.Percent):
        suffix = "%"
    elif isinstance(kind, kinds.Whole):
        suffix = str(kind.unit)
    short = (kinds.Amount, kinds.Percent, kinds.Whole, kinds.Colour, kinds.Clock)
    return {
        "field": form[name],
        "suffix": suffix,
        "css": "field-short" if isinstance(kind, short) else "",
    }
