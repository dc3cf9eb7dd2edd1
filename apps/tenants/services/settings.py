"""A school changes its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from apps.events import facade as events
from apps.tenants import models
from apps.tenants.contracts import SchoolInfo
from apps.tenants.events import SettingChange, SettingsChanged
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import School
from apps.tenants.selectors import to_info
from apps.tenants.services import rules
from apps.tenants.services.general import CURRENCY
from apps.tenants.services.kinds import Amount
from apps.tenants.services.provision import stream_id
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.schools import in_public


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting with its value before and after, as declared."""

    setting: rules.Setting[Any]
    before: Any
    after: Any


def update_settings(*, school_id: int, actor: str = "", **given: str | None) -> SchoolInfo:
    """`change_settings` for the settings of the school itself, by keyword; None leaves one."""
    values = {name: value for name, value in given.items() if value is not None}
    return change_settings(school_id=school_id, values=values, actor=actor)


def change_settings(
    *,
    school_id: int,
    values: Mapping[str, Any],
    actor: str = "",
    permissions: Iterable[str] | None = None,
) -> SchoolInfo:
    """Change the settings that are given by name, all or none of them.

    They hold in the next request of every process. `permissions` is what the person may do; None
    for an operator's or the demo's own change. Raises Invalid with the setting that is wrong (an
    unknown one too), Forbidden for one this person may not change, Conflict for a currency that
    is in use, NotFound for an unknown school.
    """
    wanted = [(_known(name), value) for name, value in values.items()]
    _check_allowed([setting for setting, _value in wanted], permissions)
    with in_public(), transaction.atomic():
        school = _locked(school_id)
        with tenant_context(school):
            changes = _changes(school, wanted)
        if changes:
            _apply(school, changes, actor)
    return to_info(school)


def _known(name: str) -> rules.Setting[Any]:
    setting = rules.find_setting(name)
    if setting is None:
        raise Invalid(_("There is no such setting."), field=name)
    return setting


def _check_allowed(
    settings: Iterable[rules.Setting[Any]], permissions: Iterable[str] | None
) -> None:
    if permissions is None:
        return
    held = set(permissions)
    for setting in settings:
        if setting.permission not in held:
            message = _("You may not change “%(setting)s”.") % {"setting": setting.label}
            raise Forbidden(message, field=setting.name)


def _locked(school_id: int) -> School:
    school = School.objects.select_for_update().filter(pk=school_id).first()
    if school is None:
        raise NotFound(_("There is no such school."))
    return school


def _changes(school: School, wanted: list[tuple[rules.Setting[Any], Any]]) -> list[Change]:
    changes = []
    for setting, given in wanted:
        before, after = setting.of(school), setting.kind.clean(given, field=setting.name)
        if before != after:
            changes.append(Change(setting=setting, before=before, after=after))
    if any(change.setting is CURRENCY for change in changes):
        _check_currency_free()
        changes += _amounts_of_no_meaning(school, {change.setting.name for change in changes})
    return changes


def _check_currency_free() -> None:
    if reason := rules.why_currency_stays():
        raise Conflict(reason, code="currency_in_use", field=CURRENCY.name)


def _amounts_of_no_meaning(school: School, changed: set[str]) -> list[Change]:
    """Amounts were meant in the old currency: in the new one they go back to their defaults."""
    return [
        Change(setting=setting, before=before, after=setting.default)
        for setting in rules.all_settings()
        if isinstance(setting.kind, Amount)
        and setting.name not in changed
        and (before := setting.of(school)) != setting.default
    ]


def _apply(school: School, changes: list[Change], actor: str) -> None:
    told = _told(school, changes)
    columns = [_set(school, change) for change in changes]
    school.save(update_fields=sorted(set(columns)))
    models.SettingChange.objects.bulk_create(
        models.SettingChange(
            school_id=school.id,
            setting=change.setting.name,
            before=change.setting.kind.dump(change.before),
            after=change.setting.kind.dump(change.after),
            actor=actor,
        )
        for change in changes
    )
    _tell(school, told, actor)
    forget_hosts()


def _set(school: School, change: Change) -> str:
    """Into its column, or into the values beside them; returns the column to save."""
    setting = change.setting
    if setting.column:
        setattr(school, setting.column, change.after)
        return setting.column
    rest = {name: value for name, value in school.settings.items() if name != setting.name}
    if change.after != setting.default:
        rest[setting.name] = setting.kind.dump(change.after)
    school.settings = rest
    return "settings"


def _told(school: School, changes: list[Change]) -> tuple[SettingChange, ...]:
    """As other apps hear it: columns as they are, other values as people read them."""
    with tenant_context(school):
        return tuple(
            SettingChange(
                setting=change.setting.name,
                before=_text(change.setting, change.before),
                after=_text(change.setting, change.after),
            )
            for change in changes
        )


def _text(setting: rules.Setting[Any], value: Any) -> str:
    return str(value) if setting.column else setting.kind.shown(value)


def _tell(school: School, changes: tuple[SettingChange, ...], actor: str) -> None:
    """Into the school's own outbox: what listens to it lives inside the school."""
    with tenant_context(school):
        events.publish(
            SettingsChanged(school_id=school.id, changes=changes),
            stream_type="school",
            stream_id=stream_id(school.id),
            actor=actor,
        )
