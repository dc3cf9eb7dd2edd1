"""What activities does when other apps tell something."""

from apps.activities.services import signups
from apps.events.facade import Delivery, handles


@handles("students.student_withdrawn", version=1)
def free_places_on_student_withdrawn(delivery: Delivery) -> None:
    """Who leaves the school gives back the places in activities that have not begun."""
    signups.cancel_coming_sign_ups(student_id=delivery.event.student_id, actor=delivery.actor)
