"""Celery's way in. Each task opens the school, makes one call and is safe to repeat."""

from typing import Any

from celery import shared_task

from apps.events.services import draining, sweeping, wakeup


def send_wake_up(schema_name: str, lane: int) -> None:
    """Ask a worker to drain a lane."""
    drain.apply_async(kwargs={"schema_name": schema_name, "lane": lane}, retry=False)


@shared_task(name="events.drain")
def drain(*, schema_name: str, lane: int = 0, **_kwargs: Any) -> int:
    """Drain one lane of one school."""
    # First of all: work that comes from here on must be able to send a new wake-up.
    wakeup.heard(schema_name, lane)
    return draining.drain_lane(schema_name, lane)


@shared_task(name="events.sweep")
def sweep(**_kwargs: Any) -> int:
    """Wake workers for work that no wake-up announced. Beat sends this every second."""
    return sweeping.sweep()


@shared_task(name="events.check_stranded")
def check_stranded(**_kwargs: Any) -> dict[str, int]:
    """The daily alarm: work that nothing announces. Must find none."""
    return sweeping.check_stranded()
