"""Operators who look at or erase a person leave a trace on the platform and in the school."""

from __future__ import annotations

from typing import Any

from apps.tenants.models import OperatorAction
from kernel.schools import current_school, in_public

EXPORTED, ERASED, RETIRED = "tenants.person_exported", "tenants.person_erased", "tenants.retired"


def note_action(action: str, *, actor: str, detail: dict[str, Any]) -> None:
    """Write the operator's action down. `detail` holds keys and counts, never a name."""
    school_id = current_school().id
    with in_public():
        OperatorAction.objects.create(
            school_id=school_id, actor=actor[:254], action=action, detail=detail
        )
