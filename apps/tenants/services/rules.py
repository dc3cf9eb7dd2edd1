"""Which settings there are. Each is declared once, by the app whose behaviour it changes.

An app writes its settings in `preferences.py` and reads them by the object it declared:

    DUE_DAYS = declare(Setting(name="fees.due_days", group="fees", kind=Whole(0, 365), …))
    …
    due_on = today() + timedelta(days=DUE_DAYS.value)

Reading costs no query: the values travel with the School that the gateway opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.tenants.permissions import CHANGE_SETTINGS
from apps.tenants.services.kinds import Kind
from kernel.errors import Invalid, NotFound
from kernel.schools import current_school

T = TypeVar("T")
_UNSET = object()

# The pages of the settings, in their order.
GROUPS: dict[str, tuple[Any, Any]] = {
    "general": (
        gettext_lazy("General"),
        gettext_lazy("What the school is called, where it is and how to reach it."),
    ),
    "branding": (
        gettext_lazy("Look"),
        gettext_lazy("Logo and colours: on every page, in e-mails and on receipts."),
    ),
    "texts": (
        gettext_lazy("Texts"),
        gettext_lazy("Words of your own in the places where families read them."),
    ),
    "fees": (
        gettext_lazy("Fees"),
        gettext_lazy("How families are billed and may pay. Nothing already booked changes."),
    ),
    "payments": (
        gettext_lazy("Payments online"),
        gettext_lazy("When odd attempts to pay are stopped for a while."),
    ),
    "reminders": (
        gettext_lazy("Reminders"),
        gettext_lazy("E-mails to families before and after a due date."),
    ),
    "privacy": (
        gettext_lazy("Privacy"),
        gettext_lazy("How long the school keeps what it no longer needs."),
    ),
    "features": (
        gettext_lazy("Features"),
        gettext_lazy("What is switched off disappears from the menus and cannot be opened."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[T]):
    """One setting: its type, what holds until somebody changes it, and who may."""

    name: str
    group: str
    kind: Kind[T]
    default: T
    label: Any
    help_text: Any = ""
    permission: str = CHANGE_SETTINGS
    # A column of School; "" for the values in School.settings.
    column: str = ""
    required: bool = False
    # Has a page of its own (the logo): no field in the group's form, read-only over the API.
    by_itself: bool = False

    @property
    def value(self) -> T:
        """In the open school. Raises kernel.schools.NoSchool on the public schema."""
        return self.of(current_school())

    def of(self, school: Any) -> T:
        """In this school; the default where it has none, or one that is no longer allowed."""
        if self.column:
            value: T = getattr(school, self.column)
            return value
        stored = getattr(school, "settings", {}).get(self.name, _UNSET)
        if stored is _UNSET:
            return self.default
        try:
            return self.kind.load(stored)
        except Invalid:
            return self.default

    @property
    def key(self) -> str:
        """The name within its group, as the API calls it."""
        return self.name.rpartition(".")[2]


_settings: dict[str, Setting[Any]] = {}
_reasons: list[Callable[[], str]] = []


def declare(setting: Setting[T]) -> Setting[T]:
    """Add a setting. Raises ValueError for a name or group that cannot be."""
    if setting.name in _settings or setting.group not in GROUPS:
        raise ValueError(f"setting {setting.name!r} is declared twice, or its group is unknown")
    _settings[setting.name] = setting
    return setting


def all_settings() -> list[Setting[Any]]:
    """By group, each in the order of declaration, lowest app first."""
    places = {group: place for place, group in enumerate(GROUPS)}
    return sorted(_settings.values(), key=lambda setting: places[setting.group])


def settings_of(group: str) -> list[Setting[Any]]:
    """The settings of one group. Raises NotFound for an unknown group."""
    found = [setting for setting in _settings.values() if setting.group == group]
    if not found:
        raise NotFound(_("There are no such settings."))
    return found


def find_setting(name: str) -> Setting[Any] | None:
    return _settings.get(name)


def setting(name: str) -> Any:
    """The open school's value of a setting, by its name. Raises KeyError for an unknown one."""
    return _settings[name].value


def keep_currency_while(reason: Callable[[], str]) -> Callable[[], str]:
    """Register why the open school's currency cannot change; "" when this app holds no money."""
    _reasons.append(reason)
    return reason


def why_currency_stays() -> str:
    """The first reason against another currency in the open school; "" when there is none."""
    return next((text for reason in _reasons if (text := reason())), "")
