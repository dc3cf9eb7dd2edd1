"""The ways to pay among which a payer can choose: the account in use and those beside it."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from apps.payments import models, selectors
from apps.payments.services import accounts
from apps.payments.services.errors import NoGateway
from kernel.errors import Invalid
from kernel.schools import current_school


def ways(account_id: UUID | None) -> list[models.GatewayAccount]:
    """Accounts that may take this money, one of each gateway; the one that does unless another is
    chosen comes first. Money that has an account of its own goes nowhere else.

    Raises NoGateway.
    """
    found = [accounts.account_for(account_id)]
    if not found[0].is_default:
        return found
    for other in selectors.offered_accounts():
        known = {account.provider for account in found}
        if other.provider not in known and _may_stand_beside(other, found[0]):
            found.append(other)
    return found


def _may_stand_beside(other: models.GatewayAccount, first: models.GatewayAccount) -> bool:
    """Practice money never pays what is owed in real money."""
    if (other.mode == models.LIVE) != (first.mode == models.LIVE):
        return False
    try:
        return accounts.provider_for(other).takes(current_school().currency)
    except NoGateway:
        return False


def method_of(provider: str) -> str:
    """card or paypal: what a payer calls it."""
    return accounts.ADAPTERS[provider].method


def methods(account_id: UUID | None) -> tuple[str, ...]:
    """What a payer can choose among; empty while the school takes no payments online."""
    try:
        return tuple(method_of(account.provider) for account in ways(account_id))
    except NoGateway:
        return ()


def chosen(account_id: UUID | None, method: str) -> models.GatewayAccount:
    """The account of the way that was chosen; the first one for "".

    Raises NoGateway, and Invalid for a way that is not offered for this money.
    """
    first = accounts.account_for(account_id)
    if method in ("", method_of(first.provider)):
        return first
    for account in ways(account_id):
        if method == method_of(account.provider):
            return account
    message = _("What you chose cannot be paid that way. Please choose another.")
    raise Invalid(message, field="method", code="no_such_method")
