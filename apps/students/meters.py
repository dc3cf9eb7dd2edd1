"""How many students the platform counts for the school's plan."""

from datetime import datetime, timedelta

from django.utils import timezone

from apps.students import facade as students
from apps.tenants import facade as tenants


@tenants.meter("students")
def enrolled(begins: datetime, ends: datetime) -> int:
    """Enrolled now, or on the month's last day once it is over."""
    now = timezone.now()
    if ends > now:
        return students.count_enrolled()
    return students.count_enrolled(on=(ends - timedelta(days=1)).date())
