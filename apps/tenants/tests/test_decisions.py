"""What operators decide about events stands in the operators' history."""

from __future__ import annotations

from typing import Any

import pytest

from apps.tenants.models import OperatorAction
from apps.tenants.services.decisions import record_decision
from kernel.schools import in_public, in_school

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("schema_name", "school_id"), [("t_000001", 1), ("public", None)])
def test_a_decision_is_kept_with_its_school(
    school: Any, schema_name: str, school_id: int | None
) -> None:
    with in_school("t_000001"):
        record_decision(schema_name, "ada (manage.py)", "events.retry", {"letter": 7})
    with in_public():
        [kept] = OperatorAction.objects.filter(action="events.retry")
    assert (kept.school_id, kept.actor, kept.detail) == (
        school_id,
        "ada (manage.py)",
        {"letter": 7},
    )
