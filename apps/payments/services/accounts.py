"""Gateway accounts: which one takes the school's payments, and how to reach it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import urlsplit
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
from apps.payments.providers.base import Credentials, Gone, Provider, ProviderError
from apps.payments.providers.paypal import PayPalProvider
from apps.payments.providers.stripe import StripeProvider
from apps.payments.services.errors import NoGateway
from kernel.errors import Conflict, Invalid, NotFound, Unavailable
from kernel.schools import school_url

# Every gateway that a school can connect: its name in the database, and who speaks to it.
ADAPTERS: dict[str, type[StripeProvider] | type[PayPalProvider]] = {
    models.STRIPE: StripeProvider,
    models.PAYPAL: PayPalProvider,
}
# So long a message signed with the secret before this one is still taken.
OLD_SECRET_FOR = timedelta(days=1)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def can_take_payments() -> bool:
    """True when parents can be sent to a hosted page."""
    if not ONLINE_PAYMENTS.is_on:
        return False
    account = selectors.default_account()
    return account is not None and _is_reachable(account)


def _is_reachable(account: models.GatewayAccount) -> bool:
    return account.mode != models.SANDBOX or bool(settings.SANDBOX_URL)


def account_for(account_id: UUID | None) -> models.GatewayAccount:
    """The account that takes a new payment: the chosen one while it is on, else the one in use.
    Raises NoGateway."""
    chosen = selectors.account_in_service(account_id) if account_id else None
    account = chosen if _takes_money(chosen) else selectors.default_account()
    if account is None or not _takes_money(account):
        raise NoGateway
    return account


def _takes_money(account: models.GatewayAccount | None) -> bool:
    """A restored copy has accounts without keys."""
    return account is not None and bool(account.secret_key) and _is_reachable(account)


def account_taking(account_id: UUID | None) -> AccountInfo | None:
    """The same as data; None where there is no such account."""
    try:
        return selectors.to_account(account_for(account_id))
    except NoGateway:
        return None


def provider_for(account: models.GatewayAccount) -> Provider:
    """The adapter that speaks to this account. Raises NoGateway for a sandbox that is off."""
    if not _is_reachable(account):
        raise NoGateway
    return ADAPTERS[account.provider](credentials_of(account))


def credentials_of(account: models.GatewayAccount) -> Credentials:
    """Keys and address of the account. A stand-in on this machine is never asked by proxy."""
    base = _api_base(account).rstrip("/")
    return Credentials(
        client_id=account.client_id,
        secret_key=account.secret_key,
        connected_account=account.connected_account,
        live=account.mode == models.LIVE,
        api_base=base,
        loopback=urlsplit(base).hostname in _LOOPBACK,
    )


def _api_base(account: models.GatewayAccount) -> str:
    """The sandbox, the stand-in of settings (STRIPE_API_BASE, PAYPAL_API_BASE), or the gateway's
    own address, which is empty here."""
    if account.mode == models.SANDBOX:
        path = ADAPTERS[account.provider].sandbox_path
        return f"{settings.SANDBOX_URL.rstrip('/')}{path}"
    return getattr(settings, f"{account.provider.upper()}_API_BASE") or ""


def provider_of(payment: models.Payment) -> Provider:
    """The adapter of the account that the payment was started with. Raises NoGateway."""
    if payment.account is None:
        raise NoGateway
    return provider_for(payment.account)


@transaction.atomic
def create_sandbox_account(*, provider: str = models.STRIPE, actor: str = "") -> AccountInfo:
    """An account of the school's own at the sandbox gateway: any random key is one. `actor`: who
    asked for it, when somebody did.

    Needs no network, so that a school can be provisioned while the sandbox is not running. The
    first account is the default one; a later one is offered beside it.
    """
    known = models.GatewayAccount.objects.filter(mode=models.SANDBOX, provider=provider).first()
    if known:
        return selectors.to_account(known)
    client_id, secret_key = ADAPTERS[provider].practice_keys()
    is_first = selectors.default_account() is None
    account = models.GatewayAccount.objects.create(
        provider=provider,
        mode=models.SANDBOX,
        label=_practice_label(provider),
        client_id=client_id,
        secret_key=secret_key,
        is_default=is_first,
        is_offered=not is_first,
    )
    if actor:
        note_audit(account, "payments.account_connected", actor)
    return selectors.to_account(account)


def _practice_label(provider: str) -> str:
    if provider == models.PAYPAL:
        return _("Practice PayPal (no real money)")
    return _("Practice gateway (no real money)")


@transaction.atomic
def connect_account(
    *,
    label: str,
    mode: str,
    secret_key: str,
    actor: str,
    provider: str = models.STRIPE,
    client_id: str = "",
    connected_account: str = "",
) -> AccountInfo:
    """Save an account of the school. `mode`: test or live; the key must be of that mode.

    `client_id` is PayPal's; `connected_account`: an account of a platform at Stripe whose key
    this is. The account takes payments only after `make_default` or `offer_account`: connecting
    must not move payments by surprise. Raises Invalid.
    """
    if provider not in ADAPTERS:
        raise Invalid(_("Choose one of the gateways."), field="provider")
    if mode not in (models.TEST, models.LIVE):
        raise Invalid(_("Choose test or live."), field="mode")
    keys = checked_keys(
        provider,
        mode=mode,
        client_id=client_id,
        secret_key=secret_key,
        connected_account=connected_account,
    )
    account = models.GatewayAccount.objects.create(
        provider=provider,
        mode=mode,
        label=checked_label(label),
        client_id=keys.client_id,
        secret_key=keys.secret_key,
        connected_account=keys.connected_account,
    )
    note_audit(account, "payments.account_connected", actor, key=account.masked_key)
    return selectors.to_account(account)


@transaction.atomic
def offer_account(*, account_id: UUID, offered: bool, actor: str) -> AccountInfo:
    """Let payers choose this account beside the default one, or no longer.

    Raises NotFound, and Conflict for an account that is turned off.
    """
    account = locked_account(account_id)
    if offered and account.turned_off_at:
        raise Conflict(_("This account is turned off. Turn it on first."))
    if account.is_offered != offered:
        account.is_offered = offered
        account.save(update_fields=["is_offered"])
        action = "payments.account_offered" if offered else "payments.account_not_offered"
        note_audit(account, action, actor)
    return selectors.to_account(account)


def checked_label(label: str) -> str:
    """Raises Invalid."""
    if not label.strip():
        raise Invalid(_("Give the account a name."), field="label")
    return label.strip()[:80]


def checked_keys(
    provider: str, *, mode: str, secret_key: str, client_id: str = "", connected_account: str = ""
) -> Credentials:
    """Keys that may be an account of that gateway and mode, without the blanks around them.

    Raises Invalid; what was typed is in no message.
    """
    keys = Credentials(
        client_id=client_id.strip(),
        secret_key=secret_key.strip(),
        connected_account=connected_account.strip(),
        live=mode == models.LIVE,
    )
    ADAPTERS[provider].check_form(keys)
    return keys


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


def complete_webhook(*, account_id: UUID, actor: str) -> bool:
    """Have the gateway send kinds of events that were added after it was asked the first time.
    True when some were missing. A failure is noted as the account's `problem`. Talks to the
    network."""
    account = get_account(account_id)
    if not account.webhook_endpoint_id:
        return False
    try:
        completed = provider_for(account).complete_webhook(account.webhook_endpoint_id)
    except Gone:
        register_webhook(account)
        return False
    except ProviderError as error:
        _note_problem(account, error.detail)
        return False
    if completed:
        note_audit(account, "payments.webhook_completed", actor)
    return completed


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
