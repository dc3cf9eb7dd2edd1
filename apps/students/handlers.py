"""What students does when other apps tell something."""

from apps.events.facade import Delivery, handles
from apps.students.services import guardians


@handles("identity.user_activated", version=1)
def link_guardian_on_user_activated(delivery: Delivery) -> None:
    """The guardian with the account's e-mail signs in with it from now on."""
    guardians.link_account(user_id=delivery.event.user_id, email=delivery.event.email)
