"""Parts of the product that a school can switch off.

A feature is a setting of the group "features" plus the views it covers, by module or function.
The gateway refuses what an off feature covers, on pages and in the API alike, so that no view
asks for itself; a test walks all routes of the apps that declared one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.tenants.services.kinds import Switch
from apps.tenants.services.rules import Setting, declare


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """`covers`: dotted prefixes of views, "apps.activities" or "apps.fees.family.views.pay"."""

    name: str
    covers: tuple[str, ...]
    setting: Setting[bool]

    @property
    def is_on(self) -> bool:
        """In the open school."""
        return self.setting.value

    def is_on_for(self, school: Any) -> bool:
        return self.setting.of(school)


_features: dict[str, Feature] = {}


def declare_feature(*, name: str, label: Any, help_text: Any, covers: tuple[str, ...]) -> Feature:
    """Add a feature, on until a school switches it off."""
    switch = declare(
        Setting(
            name=f"features.{name}",
            group="features",
            kind=Switch(),
            default=True,
            label=label,
            help_text=help_text,
        )
    )
    _features[name] = Feature(name=name, covers=covers, setting=switch)
    features_of.cache_clear()
    return _features[name]


def all_features() -> list[Feature]:
    return list(_features.values())


def feature_on(name: str, school: Any) -> bool:
    """Whether the school has it switched on. Raises KeyError for an unknown feature."""
    return _features[name].is_on_for(school)


@lru_cache(maxsize=4096)
def features_of(view_path: str) -> tuple[Feature, ...]:
    """The features that cover a view, by its dotted path."""
    return tuple(
        feature
        for feature in _features.values()
        if any(view_path == one or view_path.startswith(f"{one}.") for one in feature.covers)
    )
