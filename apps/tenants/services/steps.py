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
    after_opening: bool = False


_registered: list[Step] = []


def provisioning_step(
    title: str | Promise, *, after_opening: bool = False
) -> Callable[[StepFunction], StepFunction]:
    """Register a function of an app's provisioning.py, to be run inside every new school.

    Steps run in the order of INSTALLED_APPS, and within an app in the order they are written, in
    the one transaction that makes the school: rows only, no network. A step that raises undoes
    the whole school. `after_opening`: run once the school is open and committed, with no
    transaction open; it may talk to the network, undoes nothing, and what it does must happen
    without it too, since the process may die before.
    """

    def register(function: StepFunction) -> StepFunction:
        _registered.append(Step(title, function, after_opening))
        return function

    return register


def steps_in_order(*, after_opening: bool) -> list[Step]:
    """The registered steps of that kind, lowest app first."""
    order = {config.name: place for place, config in enumerate(apps.get_app_configs())}
    chosen = [step for step in _registered if step.after_opening == after_opening]
    return sorted(chosen, key=lambda step: _place(step.run.__module__, order))


def _place(module: str, order: dict[str, int]) -> int:
    owners = [place for name, place in order.items() if module.startswith(f"{name}.")]
    return max(owners, default=len(order))
