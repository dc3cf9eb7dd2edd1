"""Who changed which setting of the school, as sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.tenants.models import SettingChange
from apps.tenants.services.general import LOGO
from apps.tenants.services.rules import GROUPS, Setting, find_setting
from kernel.errors import Invalid
from kernel.schools import current_school, in_public


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldChange:
    """One change, in the reader's language. `before` and `after` may be long or empty."""

    at: datetime
    actor: str
    group: str
    label: str
    before: str
    after: str
    sentence: str


def history(*, limit: int = 100) -> list[ToldChange]:
    """The changes of the open school, newest first."""
    school_id = current_school().id
    with in_public():
        rows = list(SettingChange.objects.filter(school_id=school_id)[:limit])
    return [_told(row) for row in rows]


def label_of(name: str) -> str:
    """What a setting is called; its name for one that exists no more."""
    setting = find_setting(name)
    return str(setting.label) if setting else name


def _told(row: SettingChange) -> ToldChange:
    setting = find_setting(row.setting)
    before, after = _shown(setting, row.before), _shown(setting, row.after)
    label = label_of(row.setting)
    return ToldChange(
        at=row.at,
        actor=row.actor or _("the operator"),
        group=str(GROUPS[setting.group][0]) if setting else "",
        label=label,
        before=before,
        after=after,
        sentence=_sentence(setting, label, before, after, row.after),
    )


def _shown(setting: Setting[Any] | None, stored: Any) -> str:
    if setting is None:
        return str(stored)
    try:
        return setting.kind.shown(setting.kind.load(stored))
    except Invalid:
        return str(stored)


def _sentence(
    setting: Setting[Any] | None, label: str, before: str, after: str, stored: Any
) -> str:
    values = {"label": label, "before": _short(before), "after": _short(after)}
    if setting is LOGO:
        return _("Logo removed") if not after else _("Logo replaced") if before else _("Logo added")
    if stored is True:
        return _("“%(label)s” switched on") % values
    if stored is False:
        return _("“%(label)s” switched off") % values
    if not after:
        return _("“%(label)s” cleared; it was %(before)s") % values
    if not before:
        return _("“%(label)s” set to %(after)s") % values
    return _("“%(label)s” changed from %(before)s to %(after)s") % values


def _short(text: str) -> str:
    line = ", ".join(text.split("\n"))
    return line if len(line) <= 80 else line[:79] + "…"
