"""The school's settings as a form. The rules are the service's; here is only the shape."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.tenants.choices import time_zone_choices


class SettingsForm(forms.Form):
    name = forms.CharField(label=_("Name of the school"), max_length=120)
    tagline = forms.CharField(
        label=_("Tagline"),
        required=False,
        max_length=160,
        help_text=_("One line under the name on the school's website."),
    )
    colour = forms.CharField(
        label=_("Colour"),
        max_length=7,
        help_text=_("For buttons and headings, with white text on it: choose a dark one."),
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("For pages, e-mails and receipts."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        help_text=_("Decides when a due date ends and how times are shown."),
    )
    contact_email = forms.CharField(
        label=_("E-mail address"), required=False, max_length=254, widget=forms.EmailInput()
    )
    contact_phone = forms.CharField(
        label=_("Phone"), required=False, max_length=40, widget=forms.TextInput({"type": "tel"})
    )
    address = forms.CharField(
        label=_("Address"), required=False, max_length=400, widget=forms.Textarea({"rows": 3})
    )
