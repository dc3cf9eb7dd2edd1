"""A student signed up, and what is then in the tables and the outbox."""

from typing import Any

from django.apps import apps
from django.utils import timezone

from apps.activities import facade
from apps.activities.models import Activity
from apps.activities.services.activities import ActivityDetails

OutboxEvent = apps.get_model("events", "OutboxEvent")
NOW = timezone.now()


def published() -> list[tuple[str, str]]:
    rows = OutboxEvent.objects.order_by("id")
    return [(row.event_type.split(".")[1], row.payload["student_id"]) for row in rows]


def statuses(activity: Activity) -> list[str]:
    return list(activity.sign_ups.order_by("position").values_list("status", flat=True))


def sign_up(activity: Activity, student: Any, **more: Any) -> Any:
    return facade.sign_up(activity_id=activity.id, student_id=student.id, actor="x", **more)


def details(activity: Activity, **changes: Any) -> ActivityDetails:
    values = {name: getattr(activity, name) for name in ActivityDetails.__dataclass_fields__}
    return ActivityDetails(**{**values, **changes})
