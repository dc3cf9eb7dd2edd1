"""A group of settings as a form. The rules are the declarations'; here is only the shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.tenants.services import kinds
from apps.tenants.services.rules import Setting
from kernel.errors import Invalid
from kernel.money import amount_text
from kernel.schools import current_school

_PREVIEWS = {"colour": "--accent", "branding.second_colour": "--second"}


def _text(setting: Setting[Any], kind: kinds.Text) -> forms.Field:
    widget: forms.Widget = forms.TextInput({"type": kind.widget})
    if kind.lines > 1:
        widget = forms.Textarea({"rows": min(kind.lines, 4)})
    return forms.CharField(max_length=kind.longest, strip=False, widget=widget)


def _whole(setting: Setting[Any], kind: kinds.Whole) -> forms.Field:
    limits = {"min": kind.least, "max": kind.most, "inputmode": "numeric"}
    return forms.CharField(max_length=12, widget=forms.NumberInput(limits))


def _choice(setting: Setting[Any], kind: kinds.Choice) -> forms.Field:
    return forms.ChoiceField(choices=kind.choices)


def _colour(setting: Setting[Any], kind: kinds.Colour) -> forms.Field:
    # The browser's own picker knows no "none": an optional colour is typed.
    more = {"type": "color"} if setting.required else {"placeholder": "#rrggbb", "size": "9"}
    preview = {"data-preview": _PREVIEWS.get(setting.name, "")}
    return forms.CharField(max_length=7, widget=forms.TextInput({**more, **preview}))


def _amount(setting: Setting[Any], kind: kinds.Amount | kinds.Percent) -> forms.Field:
    widget = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})
    return forms.CharField(max_length=30, widget=widget)


def _plain(setting: Setting[Any], kind: Any) -> forms.Field:
    return forms.CharField(max_length=100)


_FIELDS: dict[type, Any] = {
    kinds.Text: _text,
    kinds.Whole: _whole,
    kinds.Switch: lambda setting, kind: forms.BooleanField(),
    kinds.Choice: _choice,
    kinds.Colour: _colour,
    kinds.Clock: lambda setting, kind: forms.CharField(widget=forms.TextInput({"type": "time"})),
    kinds.Amount: _amount,
    kinds.Percent: _amount,
}


def _field(setting: Setting[Any]) -> forms.Field:
    made: forms.Field = _FIELDS.get(type(setting.kind), _plain)(setting, setting.kind)
    made.label, made.help_text = setting.label, setting.help_text
    made.required = setting.required
    return made


def _initial(setting: Setting[Any], value: Any) -> Any:
    """A value as it stands in its input."""
    if isinstance(setting.kind, kinds.Amount):
        return amount_text(value, current_school().currency) if value else ""
    if isinstance(setting.kind, kinds.Percent):
        return setting.kind.typed(value) if value else ""
    return setting.kind.shown(value) if isinstance(setting.kind, kinds.Numbers) else value


class SettingsForm(forms.Form):
    """The settings of one group that this person may change."""

    def __init__(
        self, settings: Iterable[Setting[Any]], data: Mapping[str, Any] | None = None
    ) -> None:
        self.settings = {setting.name: setting for setting in settings}
        start = {name: _initial(one, one.value) for name, one in self.settings.items()}
        super().__init__(data, initial=start)
        for name, setting in self.settings.items():
            self.fields[name] = _field(setting)

    def clean(self) -> dict[str, Any]:
        """Each value by its own rule, so that all mistakes show at once."""
        for name, value in list(self.cleaned_data.items()):
            try:
                self.settings[name].kind.clean(value, field=name)
            except Invalid as error:
                self.add_error(name, error.message)
        return self.cleaned_data


class LogoForm(forms.Form):
    logo = forms.FileField(
        label=_("Choose a picture"),
        help_text=_(
            "PNG, JPEG or WebP, up to 2 MB. A wide logo on a transparent ground looks best."
        ),
        widget=forms.ClearableFileInput(
            {"accept": "image/png,image/jpeg,image/webp", "data-preview-picture": "#preview-logo"}
        ),
    )
