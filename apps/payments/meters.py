"""How much money the school received through the platform."""

from datetime import datetime

from apps.payments import facade as payments
from apps.tenants import facade as tenants


@tenants.meter("payments_volume")
def volume(begins: datetime, ends: datetime) -> int:
    """Captured online in the month, in minor units of the school's currency; real money only."""
    return payments.captured_online(begins=begins, ends=ends).captured_minor


@tenants.meter("payments_count")
def count(begins: datetime, ends: datetime) -> int:
    """How many payments that was."""
    return payments.captured_online(begins=begins, ends=ends).count
