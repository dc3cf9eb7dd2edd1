"""What the other apps may ask of activities. All in the school that is open."""

from apps.activities.contracts import ActivityInfo, CalendarItem, SignUpInfo
from apps.activities.selectors import (
    get_activity,
    list_activities,
    open_activities,
    sign_ups_of_students,
    upcoming,
)
from apps.activities.services.activities import (
    ActivityDetails,
    cancel_activity,
    create_activity,
    publish_activity,
)
from apps.activities.services.signups import cancel_sign_up, sign_up

__all__ = [
    "ActivityDetails",
    "ActivityInfo",
    "CalendarItem",
    "SignUpInfo",
    "cancel_activity",
    "cancel_sign_up",
    "create_activity",
    "get_activity",
    "list_activities",
    "open_activities",
    "publish_activity",
    "sign_up",
    "sign_ups_of_students",
    "upcoming",
]
