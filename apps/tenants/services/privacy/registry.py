"""Who holds what about people: filled at start from each app's privacy.py.

Every model of a school must be in it. A test walks the models, so that a new one with personal
data cannot be forgotten (tests/architecture/test_privacy.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.apps import apps
from django.db.models import Model

from apps.tenants.services.privacy.shapes import Erasing, Person, PersonQuery, Section

Finder = Callable[[PersonQuery], Iterable[Person]]
Collector = Callable[[Person], Iterable[Section]]
Eraser = Callable[[Erasing], None]
Objection = Callable[[Person], Iterable[str]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Registry:
    """Functions of the apps, and what each model was declared as."""

    finders: list[Finder] = field(default_factory=list)
    collectors: list[Collector] = field(default_factory=list)
    erasers: list[Eraser] = field(default_factory=list)
    objections: list[Objection] = field(default_factory=list)
    exported: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    kept_back: dict[str, str] = field(default_factory=dict)
    nobody: dict[str, str] = field(default_factory=dict)

    def missing(self, label: str) -> list[str]:
        """What nobody has declared about this model; empty when all is said."""
        if label in self.nobody:
            return []
        wanted = []
        if label not in self.exported and label not in self.kept_back:
            wanted.append("how it is exported (@privacy.collects or privacy.not_exported)")
        if label not in self.erased:
            wanted.append("how it is erased (@privacy.erases)")
        return wanted


REGISTRY = Registry()
# A model, or the label of one in an app that may not be imported ("events.DeadLetter").
Table = type[Model] | str


def label_of(table: Table) -> str:
    return table if isinstance(table, str) else table._meta.label


def finds_people(finder: Finder) -> Finder:
    """Register who finds people: `finder(query)` gives everybody who matches, with the keys this
    app knows; the same person found by two apps shares a key and becomes one."""
    REGISTRY.finders.append(finder)
    return finder


def collects(*models: Table) -> Callable[[Collector], Collector]:
    """Register a function that exports what these models hold of a person."""

    def register(collector: Collector) -> Collector:
        REGISTRY.collectors.append(collector)
        REGISTRY.exported.update(map(label_of, models))
        return collector

    return register


def erases(*models: Table) -> Callable[[Eraser], Eraser]:
    """Register a function that takes a person out of these models, in the caller's transaction,
    or says why rows stay. It must be safe to repeat."""

    def register(eraser: Eraser) -> Eraser:
        REGISTRY.erasers.append(eraser)
        REGISTRY.erased.update(map(label_of, models))
        return eraser

    return register


def objects_to_erasure(objection: Objection) -> Objection:
    """Register who may refuse: `objection(person)` gives one sentence a reason."""
    REGISTRY.objections.append(objection)
    return objection


def nobody_in(models: Mapping[Any, str]) -> None:
    """Declare models that hold no personal data, each with the reason."""
    REGISTRY.nobody.update({label_of(key): why for key, why in models.items()})


def not_exported(models: Mapping[Any, str]) -> None:
    """Declare personal models that no export shows, each with the reason (secrets, hashes)."""
    REGISTRY.kept_back.update({label_of(key): why for key, why in models.items()})


def low_to_high(functions: Iterable[F]) -> list[F]:
    """In the order of the apps; within one app as written."""
    return sorted(functions, key=lambda function: place_of(function.__module__))


def high_to_low(functions: Iterable[F]) -> list[F]:
    """Apps that point at others come first."""
    return sorted(functions, key=lambda function: -place_of(function.__module__))


def place_of(module: str) -> int:
    """The place of a module's app among the installed ones, lowest app first."""
    configs = enumerate(apps.get_app_configs())
    owners = [place for place, config in configs if module.startswith(f"{config.name}.")]
    return max(owners, default=len(apps.app_configs))
