"""Webhook secrets: made by the gateway, replaced without losing a message, known to no page."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.payments import models, selectors
from apps.payments.contracts import AccountInfo
from apps.payments.services import accounts
from kernel.errors import Invalid, Unavailable

_PREFIX = "whsec_"


def has_secret(provider: str) -> bool:
    """PayPal signs with a certificate of its own: there is no secret to know or to replace."""
    return provider != models.PAYPAL


def _check_has_secret(account: models.GatewayAccount) -> None:
    if not has_secret(account.provider):
        raise Invalid(_("PayPal signs with a certificate of its own: there is no secret."))


def rotate(*, account_id: UUID, actor: str) -> AccountInfo:
    """Have the gateway make a new secret; what was signed with the old one is taken for a day.

    A gateway makes a secret with an address, so the address is registered anew and the old
    registration goes. Talks to the network: call outside a transaction. Raises NotFound,
    NoGateway, Invalid for an account without a secret, and Unavailable when the gateway does not
    do it: the old secret stays then.
    """
    account = accounts.get_account(account_id)
    _check_has_secret(account)
    accounts.register_webhook(account)
    if account.problem:
        raise Unavailable(_(account.problem), code="gateway")
    accounts.note_audit(account, "payments.webhook_secret_replaced", actor, by="gateway")
    return selectors.to_account(account)


@transaction.atomic
def enter(*, account_id: UUID, secret: str, actor: str) -> AccountInfo:
    """Keep a secret that was made in the gateway's dashboard; the old one is taken for a day.

    Raises NotFound, and Invalid for what is no signing secret or an account without one.
    """
    secret = secret.strip()
    if not secret.startswith(_PREFIX) or not 20 <= len(secret) <= 255:
        message = _("This is not a signing secret: it should start with “%(prefix)s”.")
        raise Invalid(message % {"prefix": _PREFIX}, field="secret")
    account = accounts.locked_account(account_id)
    _check_has_secret(account)
    accounts.keep_secret(account, secret)
    account.webhook_url, account.problem = accounts.webhook_address(account), ""
    account.save()
    accounts.note_audit(account, "payments.webhook_secret_replaced", actor, by="hand")
    return selectors.to_account(account)
