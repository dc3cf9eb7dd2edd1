"""How many messages went out for the school."""

from datetime import datetime

from apps.notifications import facade as notifications
from apps.tenants import facade as tenants


@tenants.meter("messages")
def sent(begins: datetime, ends: datetime) -> int:
    """Messages written in the month, but for those that could not be delivered."""
    return notifications.count_written(begins=begins, ends=ends)
