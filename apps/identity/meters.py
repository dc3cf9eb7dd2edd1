"""How many accounts the platform counts for the school."""

from datetime import datetime

from apps.identity import facade as identity
from apps.identity import roles
from apps.tenants import facade as tenants


@tenants.meter("staff_accounts")
def staff(begins: datetime, ends: datetime) -> int:
    """Accounts with a role of the school's staff that are not closed."""
    return identity.count_accounts(roles.STAFF_ROLES, before=ends)


@tenants.meter("guardian_accounts")
def guardians(begins: datetime, ends: datetime) -> int:
    """Accounts of parents and guardians that are not closed."""
    return identity.count_accounts((roles.GUARDIAN,), before=ends)
