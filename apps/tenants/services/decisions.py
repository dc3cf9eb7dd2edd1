"""What operators decided about a school's events, in the operators' history."""

from __future__ import annotations

from typing import Any

from apps.tenants.models import OperatorAction, School
from kernel.schools import in_public


def record_decision(schema_name: str, actor: str, action: str, detail: dict[str, Any]) -> None:
    """For events.audit_with: the platform's own events belong to no school."""
    with in_public():
        school = School.objects.filter(schema_name=schema_name).values_list("id", flat=True).first()
        OperatorAction.objects.create(school_id=school, actor=actor, action=action, detail=detail)
