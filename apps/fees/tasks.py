"""Celery's way in: one school, one call, safe to repeat."""

from typing import Any

from apps.fees.contracts import AUTOPAY_TASK
from apps.fees.services import autopay_run
from apps.tenants import facade as tenants
from kernel.schools import current_school, in_school
from kernel.tasks import SCHOOL, task

tenants.register_due_task(AUTOPAY_TASK)


@task(AUTOPAY_TASK, runs_in=SCHOOL)
def run_autopay(*, schema_name: str, **_kwargs: Any) -> int:
    """Announce and make the automatic charges of today. Sent for schools in which somebody has
    turned it on, and once a day to all."""
    with in_school(schema_name), tenants.looking_after(AUTOPAY_TASK, next_due=autopay_run.next_due):
        return autopay_run.run() if current_school().status == "active" else 0
