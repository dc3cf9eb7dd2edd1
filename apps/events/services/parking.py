"""Events that wait for a paused consumer: what a pass needs to know of it."""

from django.db import connection

from apps.events.models import OutboxEvent, ParkedEvent
from apps.events.services.letters import lane_of


def paused_consumers() -> dict[str, bool]:
    """Consumer -> whether it is catching up already. Held as it is until the transaction ends, so
    that nobody resumes a consumer while an event is being parked for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT consumer, resuming FROM paused_consumer FOR SHARE")
        return dict(cursor.fetchall())


def park(event: OutboxEvent, consumer: str) -> None:
    """Keep the event for a paused consumer, in the transaction that writes its receipt."""
    lane = lane_of(event.stream_id)
    ParkedEvent.objects.create(**event.carried(), consumer=consumer, lane=lane)
