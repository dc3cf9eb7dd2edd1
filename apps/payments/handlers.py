"""What payments does when other apps tell news. Each effect is safe to hear twice."""

from apps.events.facade import Delivery, handles
from apps.payments.services.booking import note_books


@handles("fees.payment_booked", version=1)
def note_books_on_payment_booked(delivery: Delivery) -> None:
    event = delivery.event
    note_books(
        payment_id=event.payment_id,
        allocated_minor=event.allocated_minor,
        credited_minor=event.credited_minor,
        covered_minor=event.covered_minor,
        at=event.booked_at,
    )
