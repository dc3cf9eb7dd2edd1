"""The forms of the operator console. The rules are the services'; here is only the shape."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from apps.tenants.choices import currency_choices, time_zone_choices


class NewSchoolForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the school"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    slug = forms.CharField(
        label=_("Short name"),
        required=False,
        max_length=63,
        help_text=_(
            "The first part of its address: small letters, digits, single hyphens. "
            "Left empty, it is made from the name."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    admin_name = forms.CharField(
        label=_("First administrator"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    admin_email = forms.CharField(
        label=_("Their e-mail address"),
        max_length=254,
        help_text=_("The invitation to set up the school goes here."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices, initial="USD")
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, initial="en")
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=time_zone_choices, initial="America/New_York"
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        typed = cleaned.get("slug", "").strip().lower()
        cleaned["slug"] = typed or slugify(cleaned.get("name", ""))[:63].strip("-")
        return cleaned


class SuspendForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("Kept in the school's history.")
    )


class ArchiveForm(SuspendForm):
    """A reason, like that of a suspension."""


class DeleteForm(forms.Form):
    """`slug` is the school's short name, which has to be typed."""

    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("Kept after the school is gone.")
    )
    typed = forms.CharField(
        label=_("Short name of the school"),
        max_length=63,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, slug: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if slug:
            told = _("Type “%(slug)s” to confirm.") % {"slug": slug}
            self.fields["typed"].help_text = told


class DomainForm(forms.Form):
    domain = forms.CharField(
        label=_("Domain"),
        max_length=253,
        help_text=_("Like www.riverside.example, without http:// and path."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
