"""The settings on the wire, made from their declarations: an object for each group."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.tenants.services import kinds
from apps.tenants.services.branding import branding_of
from apps.tenants.services.general import LOGO
from apps.tenants.services.rules import GROUPS, Setting, all_settings, settings_of
from kernel.schools import current_school

Values = dict[str, Any]


class LogoSerializer(serializers.Serializer[Any]):
    """Paths of the logo on the school's host; they change with the picture."""

    header = serializers.CharField()
    email = serializers.CharField()
    icon = serializers.CharField()


def _field(setting: Setting[Any]) -> serializers.Field[Any, Any, Any, Any]:
    kind = setting.kind
    words: Values = {"required": False, "help_text": setting.help_text or setting.label}
    if setting is LOGO:
        return LogoSerializer(read_only=True, allow_null=True)
    if isinstance(kind, kinds.Switch):
        return serializers.BooleanField(**words)
    if isinstance(kind, kinds.Whole):
        return serializers.IntegerField(min_value=kind.least, max_value=kind.most, **words)
    if isinstance(kind, kinds.Percent):
        return serializers.IntegerField(min_value=0, max_value=kind.most, **words)
    if isinstance(kind, kinds.Amount):
        return serializers.IntegerField(min_value=0, max_value=kinds.MAX_AMOUNT, **words)
    if isinstance(kind, kinds.Numbers):
        number = serializers.IntegerField(min_value=kind.least, max_value=kind.most)
        return serializers.ListField(child=number, max_length=kind.at_most, **words)
    longest = kind.longest if isinstance(kind, kinds.Text) else 64
    return serializers.CharField(
        allow_blank=not setting.required, max_length=longest, trim_whitespace=False, **words
    )


class _Strict(serializers.Serializer[Any]):
    """A name that is not known is refused, not dropped: the caller must know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            fields = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(set(map(str, data)) - fields):
                message = _("This cannot be changed here.")
                raise serializers.ValidationError({name: [message] for name in unknown})
        return super().to_internal_value(data)


def _group_serializer(group: str) -> type[serializers.Serializer[Any]]:
    fields: Values = {setting.key: _field(setting) for setting in settings_of(group)}
    return type(f"{group.title()}SettingsSerializer", (_Strict,), fields)


def _make() -> type[serializers.Serializer[Any]]:
    used = {setting.group for setting in all_settings()}
    fields: Values = {
        group: _group_serializer(group)(required=False) for group in GROUPS if group in used
    }
    fields["__doc__"] = "All settings of the school, by group."
    return type("SchoolSettingsSerializer", (_Strict,), fields)


SchoolSettingsSerializer = _make()


def represent() -> Values:
    """The open school's settings as they are now."""
    found: Values = {}
    for setting in all_settings():
        value = _logo() if setting is LOGO else setting.kind.dump(setting.value)
        found.setdefault(setting.group, {})[setting.key] = value
    return found


def _logo() -> Values | None:
    branding = branding_of(current_school())
    if not (branding.header and branding.email and branding.icon):
        return None
    return {
        "header": branding.header.url,
        "email": branding.email.url,
        "icon": branding.icon.url,
    }


def flat(given: Values) -> Values:
    """{"fees": {"due_days": 30}} as {"fees.due_days": 30}, the names that services know."""
    names = {(setting.group, setting.key): setting.name for setting in all_settings()}
    return {
        names[group, key]: value for group, values in given.items() for key, value in values.items()
    }


def path_of(name: str) -> str:
    """Where a setting stands in the document: "branding.colour" for "colour"."""
    found = {setting.name: f"{setting.group}.{setting.key}" for setting in all_settings()}
    return found.get(name, name)
