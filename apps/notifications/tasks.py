"""Celery's way in: one school, one call, safe to repeat."""

from __future__ import annotations

from typing import Any

from apps.notifications.contracts import REMINDER_TASK
from apps.notifications.services import reminders
from apps.tenants import facade as tenants
from kernel.schools import current_school, in_school
from kernel.tasks import SCHOOL, task

tenants.register_due_task(REMINDER_TASK)


@task(REMINDER_TASK, runs_in=SCHOOL)
def remind_families(*, schema_name: str, **_kwargs: Any) -> int:
    """Write today's reminders of open invoices. Sent for schools that have them switched on, and
    once a day to all."""
    with (
        in_school(schema_name),
        tenants.looking_after(REMINDER_TASK, next_due=reminders.next_reminders),
    ):
        open_now = current_school().status == "active"
        return reminders.remind_families() if open_now else 0
