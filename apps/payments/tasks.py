"""Celery's way in. Each task opens the school, makes one call and is safe to repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery import shared_task

from apps.payments.services import janitor as janitor_service
from apps.payments.services import webhooks
from apps.tenants import facade as tenants
from kernel.schools import in_school

logger = logging.getLogger(__name__)


@shared_task(name="payments.process_provider_event")
def process_provider_event(*, schema_name: str, provider_event_id: str, **_kwargs: Any) -> str:
    """Ask the gateway about the payment that one webhook message names."""
    with in_school(schema_name):
        return webhooks.process(UUID(provider_event_id))


@shared_task(name="payments.sweep_provider_events")
def sweep_provider_events(**_kwargs: Any) -> int:
    """Take up messages that no worker has dealt with. Beat sends this every 15 seconds."""
    return _in_every_school(janitor_service.sweep_provider_events)


@shared_task(name="payments.janitor")
def janitor(**_kwargs: Any) -> int:
    """Ask about payments and refunds that wait for news. Beat sends this every minute."""
    return _in_every_school(janitor_service.tidy_payments)


def _in_every_school(work: Callable[[], int]) -> int:
    total = 0
    for school in tenants.list_schools():
        try:
            with in_school(school.schema_name):
                total += work()
        except Exception:
            # One school's trouble is not the next one's.
            logger.exception("payments of %s could not be looked after", school.schema_name)
    return total
