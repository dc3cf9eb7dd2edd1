"""Looking after a gateway account: its name, its key, whether it takes new payments."""

from __future__ import annotations

from copy import copy
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import models, selectors
from apps.payments.contracts import AccountInfo
from apps.payments.providers.base import Invalid as Refused
from apps.payments.providers.base import Provider, ProviderError
from apps.payments.services import accounts
from kernel.errors import Conflict, Invalid, Unavailable


@transaction.atomic
def rename(*, account_id: UUID, label: str, actor: str) -> AccountInfo:
    """Raises NotFound, Invalid."""
    account = accounts.locked_account(account_id)
    before, account.label = account.label, accounts.checked_label(label)
    if account.label != before:
        account.save(update_fields=["label"])
        accounts.note_audit(account, "payments.account_renamed", actor, before=before)
    return selectors.to_account(account)


def replace_key(*, account_id: UUID, secret_key: str, actor: str) -> AccountInfo:
    """Use another key of the same account and mode, proven before the old one is let go.

    Talks to the network: call outside a transaction. Raises NotFound, Conflict for the practice
    gateway, Invalid for a key that the gateway refuses or that opens another account, Unavailable
    when the gateway does not answer; nothing is changed then.
    """
    account = accounts.get_account(account_id)
    if account.mode == models.SANDBOX:
        raise Conflict(_("The practice gateway has a key of its own."))
    trial = copy(account)
    keys = accounts.checked_keys(
        account.provider, mode=account.mode, client_id=account.client_id, secret_key=secret_key
    )
    trial.secret_key = keys.secret_key
    _prove(accounts.provider_for(trial), account)
    return _save_key(account_id, trial.secret_key, actor=actor)


def _prove(provider: Provider, account: models.GatewayAccount) -> None:
    """The new key must work, and see what the old one made."""
    last = account.payments.exclude(session_id="").order_by("-started_at").first()
    try:
        provider.check()
        if last is not None:
            provider.fetch(last.session_id)
    except Refused as error:
        if error.code == "authentication":
            raise Invalid(_(error.detail), field="secret_key") from error
        message = _(
            "This key opens another account: it does not know this account's payments. "
            "Connect it as an account of its own."
        )
        raise Invalid(message, field="secret_key") from error
    except ProviderError as error:
        raise Unavailable(_(error.detail), code="gateway") from error


@transaction.atomic
def _save_key(account_id: UUID, key: str, *, actor: str) -> AccountInfo:
    account = accounts.locked_account(account_id)
    before = account.masked_key
    account.secret_key, account.problem = key, ""
    account.checked_at = timezone.now()
    account.save(update_fields=["secret_key", "problem", "checked_at"])
    accounts.note_audit(
        account, "payments.account_key_replaced", actor, before=before, after=account.masked_key
    )
    return selectors.to_account(account)


@transaction.atomic
def turn_off(*, account_id: UUID, actor: str) -> AccountInfo:
    """No new payments; those begun end here, refunds go back by it, its messages are read.

    Raises NotFound.
    """
    account = accounts.locked_account(account_id)
    if account.turned_off_at is None:
        account.turned_off_at = timezone.now()
        account.is_default = account.is_offered = False
        account.save(update_fields=["turned_off_at", "is_default", "is_offered"])
        accounts.note_audit(account, "payments.account_turned_off", actor)
    return selectors.to_account(account)


@transaction.atomic
def turn_on(*, account_id: UUID, actor: str) -> AccountInfo:
    """It may take payments again, once it is chosen. Raises NotFound."""
    account = accounts.locked_account(account_id)
    if account.turned_off_at is not None:
        account.turned_off_at = None
        account.save(update_fields=["turned_off_at"])
        accounts.note_audit(account, "payments.account_turned_on", actor)
    return selectors.to_account(account)
