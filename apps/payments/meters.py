"""How much money the school received through the platform, and what waits for its people."""

from datetime import datetime

from apps.events import facade as events
from apps.payments import facade as payments
from apps.payments import selectors
from apps.payments.models import FraudHold
from apps.tenants import facade as tenants


@tenants.meter("payments_volume")
def volume(begins: datetime, ends: datetime) -> int:
    """Captured online in the month, in minor units of the school's currency; real money only."""
    return payments.captured_online(begins=begins, ends=ends).captured_minor


@tenants.meter("payments_count")
def count(begins: datetime, ends: datetime) -> int:
    """How many payments that was."""
    return payments.captured_online(begins=begins, ends=ends).count


def holds() -> int:
    """Pauses after odd attempts to pay about which nobody has decided."""
    return selectors.holds(state=FraudHold.OPEN).count()


events.count_also("payment_holds", "Pauses of payments that wait for a person.", holds)
