"""The form with which a school signs up. The rules are the services'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from babel.core import get_global
from babel.numbers import get_territory_currencies
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.tenants.choices import currency_choices, time_zone_choices, time_zones
from apps.tenants.models import Plan
from apps.tenants.services.sign_ups.names import slug_of
from kernel.money import CURRENCIES

FALLBACKS = {"en": "US", "es": "ES"}


class SignUpForm(forms.Form):
    plan_code = forms.ChoiceField(label=_("Plan"), widget=forms.RadioSelect)
    school_name = forms.CharField(
        label=_("Name of the school"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    slug = forms.CharField(
        label=_("Short name"),
        required=False,
        max_length=63,
        help_text=_("The address of its site. Left empty, it is made from the name."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    admin_name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    admin_email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("We send a link to it; nothing is opened before you follow it."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=currency_choices,
        help_text=_("For fees and payments. It cannot be changed once something is booked."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices)
    # People do not see this field; programs that fill in every field do.
    website = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )

    def __init__(self, plans: Sequence[Plan], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(plan.code, plan.name) for plan in plans]
        self.fields["plan_code"] = forms.ChoiceField(
            label=_("Plan"), choices=choices, widget=forms.RadioSelect
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        typed = cleaned.get("slug", "").strip().lower()
        cleaned["slug"] = typed or slug_of(cleaned.get("school_name", ""))
        return cleaned

    def order(self) -> dict[str, Any]:
        """The arguments of `request_sign_up`, without the visitor's address."""
        return {name: value for name, value in self.cleaned_data.items() if name != "website"}


def defaults_for(request: HttpRequest) -> dict[str, str]:
    """What the visitor's browser suggests: "es-MX" means Spanish, pesos and Mexico City."""
    language = translation.get_language() or settings.LANGUAGE_CODE
    territory = _territory(request) or FALLBACKS.get(language[:2], "US")
    return {
        "language": language if language in dict(settings.LANGUAGES) else "en",
        "currency": _currency(territory),
        "time_zone": _time_zone(territory),
    }


def _territory(request: HttpRequest) -> str:
    """The country of the first language that names one."""
    for wish in request.headers.get("Accept-Language", "")[:200].split(","):
        _language, dash, rest = wish.partition(";")[0].strip().partition("-")
        if dash and len(rest) == 2 and rest.isalpha():
            return rest.upper()
    return ""


def _currency(territory: str) -> str:
    found = [code for code in get_territory_currencies(territory) if code in CURRENCIES]
    return found[0] if found else "USD"


# Where the first zone of a large country is not the one most people live in.
_USUAL_ZONES = {
    "US": "America/New_York",
    "CA": "America/Toronto",
    "AU": "Australia/Sydney",
    "MX": "America/Mexico_City",
    "ES": "Europe/Madrid",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "BR": "America/Sao_Paulo",
    "AR": "America/Argentina/Buenos_Aires",
    "CL": "America/Santiago",
    "EC": "America/Guayaquil",
    "DE": "Europe/Berlin",
    "UA": "Europe/Kyiv",
    "RU": "Europe/Moscow",
    "CN": "Asia/Shanghai",
    "ID": "Asia/Jakarta",
}


def _time_zone(territory: str) -> str:
    if territory in _USUAL_ZONES:
        return _USUAL_ZONES[territory]
    zones = [
        zone for zone in get_global("territory_zones").get(territory, ()) if zone in time_zones()
    ]
    return zones[0] if zones else "UTC"
