"""Gateway accounts: which one takes the school's payments, and how to reach it."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments import models, selectors
from apps.payments.contracts import AccountInfo
from apps.payments.preferences import ONLINE_PAYMENTS
from apps.payments.providers.base import Credentials, Provider, ProviderError
from apps.payments.providers.stripe import StripeProvider
from apps.payments.services.errors import NoGateway
from kernel.errors import Conflict, Invalid, NotFound, Unavailable
from kernel.schools import school_url

# So long a message signed with the secret before this one is still taken.
OLD_SECRET_FOR = timedelta(days=1)
_CONNECTED = re.compile(r"acct_[A-Za-z0-9]{6,50}")
_KEY_PREFIXES = {
    models.TEST: ("sk_test_", "rk_test_"),
    models.LIVE: ("sk_live_", "rk_live_"),
}


def can_take_payments() -> bool:
    """True when parents can be sent to a hosted page."""
    if not ONLINE_PAYMENTS.is_on:
        return False
    account = selectors.default_account()
    return account is not None and _is_reachable(account)


def takes_real_money() -> bool:
    """False while new payments go to a test or practice account."""
    account = selectors.default_account()
    return account is None or account.mode == models.LIVE


def _is_reachable(account: models.GatewayAccount) -> bool:
    return account.mode != models.SANDBOX or bool(settings.SANDBOX_URL)


def default_account() -> models.GatewayAccount:
    """The account that takes new payments. Raises NoGateway."""
    account = selectors.default_account()
    if account is None or not _is_reachable(account):
        raise NoGateway
    return account


def provider_for(account: models.GatewayAccount) -> Provider:
    """The adapter that speaks to this account. Raises NoGateway for a sandbox that is off."""
    if not _is_reachable(account):
        raise NoGateway
    sandbox = account.mode == models.SANDBOX
    base = settings.SANDBOX_URL if sandbox else settings.STRIPE_API_BASE or ""
    return StripeProvider(
        Credentials(
            secret_key=account.secret_key,
            connected_account=account.connected_account,
            api_base=base.rstrip("/"),
            loopback=sandbox,
        )
    )


def provider_of(payment: models.Payment) -> Provider:
    """The adapter of the account that the payment was started with. Raises NoGateway."""
    if payment.account is None:
        raise NoGateway
    return provider_for(payment.account)


@transaction.atomic
def create_sandbox_account(*, actor: str = "") -> AccountInfo:
    """An account of the school's own at the sandbox gateway: any random key is one. `actor`: who
    asked for it, when somebody did.

    Needs no network, so that a school can be provisioned while the sandbox is not running.
    """
    known = models.GatewayAccount.objects.filter(mode=models.SANDBOX).first()
    if known:
        return selectors.to_account(known)
    account = models.GatewayAccount.objects.create(
        provider=models.STRIPE,
        mode=models.SANDBOX,
        label=_("Practice gateway (no real money)"),
        secret_key=f"sk_test_{secrets.token_hex(24)}",
        is_default=selectors.default_account() is None,
    )
    if actor:
        note_audit(account, "payments.account_connected", actor)
    return selectors.to_account(account)


@transaction.atomic
def connect_account(
    *, label: str, mode: str, secret_key: str, actor: str, connected_account: str = ""
) -> AccountInfo:
    """Save a Stripe account of the school. `mode`: test or live; the key must be of that mode.
    `connected_account`: an account of a platform at Stripe whose key this is.

    It becomes the default only by `make_default`: connecting must not move payments by surprise.
    """
    if mode not in _KEY_PREFIXES:
        raise Invalid(_("Choose test or live."), field="mode")
    account = models.GatewayAccount.objects.create(
        provider=models.STRIPE,
        mode=mode,
        label=checked_label(label),
        secret_key=checked_key(secret_key, mode=mode),
        connected_account=_checked_connected(connected_account),
    )
    note_audit(account, "payments.account_connected", actor, key=account.masked_key)
    return selectors.to_account(account)


def checked_label(label: str) -> str:
    """Raises Invalid."""
    if not label.strip():
        raise Invalid(_("Give the account a name."), field="label")
    return label.strip()[:80]


def checked_key(secret_key: str, *, mode: str) -> str:
    """A key of that mode. Raises Invalid; what was typed is in no message."""
    key = secret_key.strip()
    if not key.startswith(_KEY_PREFIXES[mode]) or not 20 <= len(key) <= 255:
        message = _("This is not a %(mode)s key: it should start with “%(prefix)s”.")
        prefix = _KEY_PREFIXES[mode][0]
        raise Invalid(message % {"mode": mode, "prefix": prefix}, field="secret_key")
    return key


def _checked_connected(account: str) -> str:
    if account and not _CONNECTED.fullmatch(account.strip()):
        message = _("The number of a connected account starts with “acct_”.")
        raise Invalid(message, field="connected_account")
    return account.strip()


@transaction.atomic
def make_default(*, account_id: UUID, actor: str) -> AccountInfo:
    """New payments go to this account; payments under way stay where they are.

    Raises NotFound, and Conflict for an account that is turned off.
    """
    accounts = {a.pk: a for a in models.GatewayAccount.objects.select_for_update().order_by("pk")}
    if account_id not in accounts:
        raise NotFound(_("There is no such gateway account."))
    chosen = accounts[account_id]
    if chosen.turned_off_at:
        raise Conflict(_("This account is turned off. Turn it on first."))
    models.GatewayAccount.objects.filter(is_default=True).update(is_default=False)
    chosen.is_default = True
    chosen.save(update_fields=["is_default"])
    note_audit(chosen, "payments.account_made_default", actor)
    return selectors.to_account(chosen)


def get_account(account_id: UUID) -> models.GatewayAccount:
    """Raises NotFound."""
    account = models.GatewayAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound(_("There is no such gateway account."))
    return account


def locked_account(account_id: UUID) -> models.GatewayAccount:
    """The account's row, locked until the transaction ends. Raises NotFound."""
    rows = models.GatewayAccount.objects.select_for_update()
    account = rows.filter(pk=account_id).first()
    if account is None:
        raise NotFound(_("There is no such gateway account."))
    return account


def note_audit(account: models.GatewayAccount, action: str, actor: str, **detail: str) -> None:
    """Who changed what of an account, in the school's audit trail. Never a key: masked ones."""
    identity.record_audit(
        actor=actor,
        action=action,
        subject=account.label,
        detail={"account_id": str(account.pk), "mode": account.mode, **detail},
    )


def check_account(*, account_id: UUID) -> AccountInfo:
    """Prove address and key by one reading call, and see to the webhook.

    Raises Unavailable with the gateway's own words when it does not work.
    """
    account = get_account(account_id)
    try:
        provider_for(account).check()
    except ProviderError as error:
        _note_problem(account, error.detail)
        raise Unavailable(_(error.detail), code="gateway") from error
    account.checked_at = timezone.now()
    account.save(update_fields=["checked_at"])
    _note_problem(account, "")
    ensure_webhook(account)
    return selectors.to_account(account)


def ensure_webhook(account: models.GatewayAccount) -> None:
    """Ask the gateway once to send its messages to this school's address.

    A failure is noted on the account and stops no payment: the return page and the janitor ask
    the gateway as well. Talks to the network: call outside a transaction.
    """
    if not account.webhook_secret or account.webhook_url != webhook_address(account):
        register_webhook(account)


def webhook_address(account: models.GatewayAccount) -> str:
    """Where the gateway sends this account's messages; says nothing about the school."""
    return school_url(reverse("payment_hooks:receive", args=[account.webhook_key]))


def register_webhook(account: models.GatewayAccount) -> None:
    """Have the gateway make an endpoint with a new secret, and take its last one away.

    A failure is noted as the account's `problem`. Talks to the network.
    """
    url = webhook_address(account)
    provider = provider_for(account)
    # The secret is told only once: the same key gets the same answer when two callers race.
    replacing = f"{url} {account.webhook_endpoint_id}"
    digest = hashlib.sha256(replacing.encode()).hexdigest()[:24]
    try:
        endpoint = provider.register_webhook(
            url=url, idempotency_key=f"{account.pk}:webhook:{digest}"
        )
    except ProviderError as error:
        _note_problem(account, error.detail)
        return
    replaced = _save_webhook(account, endpoint.endpoint_id, endpoint.secret, url)
    if replaced and replaced != endpoint.endpoint_id:
        _forget_webhook(provider, replaced)


@transaction.atomic
def _save_webhook(account: models.GatewayAccount, endpoint_id: str, secret: str, url: str) -> str:
    """Returns the endpoint that this one replaces, or nothing."""
    row = models.GatewayAccount.objects.select_for_update().get(pk=account.pk)
    replaced = row.webhook_endpoint_id
    keep_secret(row, secret)
    row.webhook_url, row.webhook_endpoint_id, row.problem = url, endpoint_id, ""
    row.save()
    account.refresh_from_db()
    return replaced


def keep_secret(account: models.GatewayAccount, secret: str) -> None:
    """Put the secret in front; the one before it is good for a day. The caller saves the row."""
    if account.webhook_secret and account.webhook_secret != secret:
        account.previous_webhook_secret = account.webhook_secret
        account.previous_secret_until = timezone.now() + OLD_SECRET_FOR
    account.webhook_secret = secret


def _forget_webhook(provider: Provider, endpoint_id: str) -> None:
    try:
        provider.remove_webhook(endpoint_id)
    except ProviderError:
        return  # a left-over endpoint only costs the gateway some failed deliveries


def _note_problem(account: models.GatewayAccount, problem: str) -> None:
    if account.problem != problem[:300]:
        account.problem = problem[:300]
        account.save(update_fields=["problem"])


def money_was_taken() -> str:
    """Why the school's currency stays: payments are booked in it."""
    return _("Fixed, since payments are booked in it.") if models.Payment.objects.exists() else ""
