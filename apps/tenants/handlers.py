"""What tenants does about its own news: mail for sign-ups, and opening their schools."""

from __future__ import annotations

from apps.events.facade import Delivery, handles
from apps.tenants.services.sign_ups import letters, opening


@handles("tenants.sign_up_requested", version=1, external=True)
def mail_link_on_sign_up_requested(delivery: Delivery) -> None:
    letters.send_confirmation(sign_up_id=delivery.event.sign_up_id)


@handles("tenants.sign_up_confirmed", version=1, external=True)
def open_school_on_sign_up_confirmed(delivery: Delivery) -> None:
    """Usually the web has opened it already; here it is certain."""
    opening.open_school(sign_up_id=delivery.event.sign_up_id)
