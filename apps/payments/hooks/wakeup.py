"""Waking a worker for a message that has been stored. Only for speed: the sweep is the guarantee.

A Redis that hangs would hold a plain `.delay()`, and with it the gateway's request, for tens of
seconds: a client with a short time limit is asked first.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from uuid import UUID

import redis
from celery import current_app
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
LIMIT_SECONDS = 0.2


@lru_cache(maxsize=1)
def _broker(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=LIMIT_SECONDS,
        socket_connect_timeout=LIMIT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def wake_worker(*, schema_name: str, provider_event_id: UUID) -> bool:
    """Ask a worker to process the message. True when the broker took the request; never raises."""
    try:
        _broker(settings.CELERY_BROKER_URL).ping()
        current_app.send_task(
            "payments.process_provider_event",
            kwargs={"schema_name": schema_name, "provider_event_id": str(provider_event_id)},
            retry=False,
        )
    except Exception as error:
        logger.warning("no worker woken for provider event %s: %r", provider_event_id, error)
        return False
    return True
