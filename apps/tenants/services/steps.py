"""What each app does when a new school is made: collected from their provisioning.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.apps import apps
from django.utils.functional import Promise

from apps.tenants.contracts import ProvisioningContext

# What it returns, if anything, is shown instead of the title.
StepFunction = Callable[[ProvisioningContext], str | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do inside the new school. `title` is shown when it is done."""

    title: str | Promise
    run: StepFunction


_registered: list[Step] = []


def provisioning_step(title: str | Promise) -> Callable[[StepFunction], StepFunction]:
    """Register a function of an app's provisioning.py, to be run inside every new school.

    Steps run in the order of INSTALLED_APPS, and within an app in the order they are written,
    with no transaction open. A step that raises undoes the whole school.
    """

    def register(function: StepFunction) -> StepFunction:
        _registered.append(Step(title, function))
        return function

    return register


def steps_in_order() -> list[Step]:
    """All registered steps, lowest app first."""
    order = {config.name: place for place, config in enumerate(apps.get_app_configs())}
    return sorted(_registered, key=lambda step: _place(step.run.__module__, order))


def _place(module: str, order: dict[str, int]) -> int:
    owners = [place for name, place in order.items() if module.startswith(f"{name}.")]
    return max(owners, default=len(order))
