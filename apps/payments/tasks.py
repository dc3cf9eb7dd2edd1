"""Celery's way in. Each task opens one school, makes one call and is safe to repeat."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.payments import selectors
from apps.payments.contracts import MESSAGES_TASK, RECONCILE_TASK, TIDY_TASK
from apps.payments.services import janitor, webhooks
from apps.payments.services.reconcile import schedule
from apps.tenants import facade as tenants
from kernel.acting import acting, part
from kernel.schools import current_school, in_school
from kernel.tasks import SCHOOL, task

# Who acts, in the story of a payment.
WEBHOOK, JANITOR = part("webhook"), part("janitor")

tenants.register_due_task(TIDY_TASK)
tenants.register_due_task(MESSAGES_TASK)
tenants.register_due_task(RECONCILE_TASK)


@task("payments.process_provider_event", runs_in=SCHOOL)
def process_provider_event(*, schema_name: str, provider_event_id: str, **_kwargs: Any) -> str:
    """Ask the gateway about the payment that one webhook message names.

    Of a school that is archived the message is kept until it is open again.
    """
    with in_school(schema_name), acting(WEBHOOK):
        return webhooks.process(UUID(provider_event_id)) if current_school().works else ""


@task(MESSAGES_TASK, runs_in=SCHOOL)
def take_up_messages(*, schema_name: str, **_kwargs: Any) -> int:
    """Take up messages that no worker has dealt with. Sent for schools that have some."""
    following = selectors.next_message_due
    looking_after = tenants.looking_after(MESSAGES_TASK, next_due=following)
    with in_school(schema_name), acting(WEBHOOK), looking_after:
        return janitor.sweep_provider_events() if current_school().works else 0


@task(TIDY_TASK, runs_in=SCHOOL)
def tidy_school(*, schema_name: str, **_kwargs: Any) -> int:
    """Ask about payments and refunds that wait for news. Sent for schools that have some."""
    following = selectors.next_check_due
    looking_after = tenants.looking_after(TIDY_TASK, next_due=following)
    with in_school(schema_name), acting(JANITOR), looking_after:
        return janitor.tidy_payments() if current_school().works else 0


@task(RECONCILE_TASK, runs_in=SCHOOL)
def reconcile_school(*, schema_name: str, **_kwargs: Any) -> int:
    """Compare accounts with the gateway's books: each morning, and when somebody asked."""
    following = schedule.next_due
    with in_school(schema_name), tenants.looking_after(RECONCILE_TASK, next_due=following):
        return schedule.look_after() if current_school().works else 0
