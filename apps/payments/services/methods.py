"""Cards that a gateway keeps for a payer: agreed to, kept, removed."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, models
from apps.payments.providers.base import MethodSnapshot, ProviderError, SavesMethods
from apps.payments.services import accounts, ways
from apps.payments.services.errors import NoGateway
from kernel.errors import NotFound

logger = logging.getLogger(__name__)


def can_save(account_id: UUID | None = None) -> bool:
    """True when a payer's card can be kept with a payment of this account's money, or of the
    account in use."""
    if not accounts.can_take_payments():
        return False
    return any(saves_methods(account) for account in _taking(account_id))


def _taking(account_id: UUID | None) -> list[models.GatewayAccount]:
    try:
        return ways.ways(account_id)
    except NoGateway:
        return []


def saves_methods(account: models.GatewayAccount) -> bool:
    """True while cards that this account's gateway keeps can be charged."""
    try:
        saving_provider_for(account)
    except NoGateway:
        return False
    return True


def saving_provider_for(account: models.GatewayAccount) -> SavesMethods:
    """The adapter of a gateway that keeps cards. Raises NoGateway for any other, and for an
    account that is turned off."""
    provider = accounts.provider_for(account)
    if account.turned_off_at or not isinstance(provider, SavesMethods):
        raise NoGateway
    return provider


def agree(payment: models.Payment, account: models.GatewayAccount, *, consent: str) -> None:
    """The payer agreed, in these words, that the gateway keeps the card of this payment."""
    models.SavedMethod.objects.create(
        account=account,
        payer_id=payment.payer_id,
        payment=payment,
        consent_text=consent[:1000],
        consented_at=payment.started_at,
    )


def keep(payment: models.Payment, found: MethodSnapshot | None) -> None:
    """Write down what the gateway kept, if the payer agreed to it. The caller holds the payment's
    lock; whoever asks second finds it written."""
    if found is None:
        return
    agreed = models.SavedMethod.objects.filter(payment=payment, kept_at=None, revoked_at=None)
    now = timezone.now()
    kept = agreed.update(
        customer_id=found.customer_id,
        method_id=found.method_id,
        brand=found.brand,
        last4=found.last4,
        exp_month=found.exp_month,
        exp_year=found.exp_year,
        kept_at=now,
    )
    if kept:
        # The same card kept again: the newer consent holds.
        same = standing(payment.payer_id).filter(
            account_id=payment.account_id, method_id=found.method_id
        )
        same.exclude(payment=payment).update(revoked_at=now)


def standing(payer_id: UUID) -> QuerySet[models.SavedMethod]:
    """The payer's cards that are kept and were not removed."""
    rows = models.SavedMethod.objects.filter(payer_id=payer_id, revoked_at=None)
    return rows.exclude(kept_at=None).select_related("account")


def is_kept(payer_id: UUID, method_id: UUID) -> bool:
    """Whether the payer's card was not removed; also while its account takes no payments."""
    return standing(payer_id).filter(pk=method_id).exists()


def usable(payer_id: UUID) -> list[contracts.SavedMethodInfo]:
    """The cards that can be charged now, newest first."""
    rows = standing(payer_id).order_by("-consented_at", "-id")
    return [to_info(row) for row in rows if saves_methods(row.account)]


def usable_for(payer_id: UUID, account_id: UUID | None) -> list[contracts.SavedMethodInfo]:
    """Those that may pay money of this account (else of the account in use), newest first."""
    may_take = {account.pk for account in _taking(account_id)}
    return [info for info in usable(payer_id) if info.account_id in may_take]


def to_info(row: models.SavedMethod) -> contracts.SavedMethodInfo:
    return contracts.SavedMethodInfo(
        id=row.pk,
        brand=row.brand,
        last4=row.last4,
        exp_month=row.exp_month,
        exp_year=row.exp_year,
        consented_at=row.consented_at,
        account_id=row.account_id,
    )


def get_row(method_id: UUID, *, payer_id: UUID) -> models.SavedMethod:
    """The payer's own card. Raises NotFound for any other, and for one that was removed."""
    row = standing(payer_id).filter(pk=method_id).first()
    if row is None:
        raise NotFound(_("This card is not kept any more."))
    return row


def customer_of(payer_id: UUID, account: models.GatewayAccount) -> str:
    """How the gateway knows the payer from an earlier card; empty when it does not."""
    rows = models.SavedMethod.objects.filter(payer_id=payer_id, account=account)
    known = rows.exclude(customer_id="").order_by("-consented_at")
    return known.values_list("customer_id", flat=True).first() or ""


def forget(method_id: UUID, *, payer_id: UUID) -> None:
    """Remove a card: here at once, then at the gateway. Raises NotFound. Talks to the network."""
    row = get_row(method_id, payer_id=payer_id)
    with transaction.atomic():
        models.SavedMethod.objects.filter(pk=row.pk).update(revoked_at=timezone.now())
    try:
        saving_provider_for(row.account).forget_method(row.method_id)
    except (ProviderError, NoGateway) as error:
        # Nothing here uses it any more, whether or not the gateway has heard.
        logger.warning("a removed card could not be detached at the gateway: %s", error)
