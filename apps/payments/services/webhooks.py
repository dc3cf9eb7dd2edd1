"""Messages of the gateway: checked, kept as they came, and then only used as a reason to ask."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, models, selectors
from apps.payments.models import ProviderEvent
from apps.payments.providers.base import BadSignature, Message
from apps.payments.services import accounts, sync
from apps.tenants import facade as tenants
from kernel.errors import Conflict, DomainError, NotFound

logger = logging.getLogger(__name__)
MAX_BODY_BYTES = 512 * 1024
RETRY_DELAYS = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(hours=6),
)
# A message may come before what it is about is written down: look again before a person must.
UNMATCHED_TRIES = 3
# A worker has this long to begin before the sweep takes the message up.
HEAD_START = timedelta(seconds=10)
_MONEY = re.compile(
    r"^(checkout|payment_intent|charge|refund|payment|customer\.dispute)\.", re.IGNORECASE
)


def receive(*, webhook_key: str, body: bytes, headers: Mapping[str, Any]) -> tuple[UUID, bool]:
    """Check and keep one message; returns its id and whether it is new.

    Raises NotFound for an address that is not ours, BadSignature for a message that is not for
    this account: nothing is kept then.
    """
    account = selectors.account_by_webhook_key(webhook_key)
    if account is None:
        raise NotFound(_("There is no such address."))
    secrets = account.secrets_valid(at=timezone.now())
    message = accounts.provider_for(account).verify(body=body, headers=headers, secrets=secrets)
    _check_mode(account, message)
    return _keep(account, message, body)


def _check_mode(account: models.GatewayAccount, message: Message) -> None:
    """Practice money never touches an account of real money, nor the other way round."""
    live = account.mode == models.LIVE
    if message.livemode is not None and message.livemode != live:
        logger.warning(
            "message %s of the other mode refused for %s account %s",
            message.event_id,
            account.mode,
            account.pk,
        )
        raise BadSignature("The message is of the other mode, test or live.")


@transaction.atomic
def _keep(account: models.GatewayAccount, message: Message, body: bytes) -> tuple[UUID, bool]:
    now = timezone.now()
    event, fresh = ProviderEvent.objects.get_or_create(
        account=account,
        event_id=message.event_id,
        defaults={
            "event_type": message.event_type,
            "object_id": message.object_id,
            "payment_hint": message.payment_hint,
            "capture_hint": message.capture_hint,
            # PostgreSQL keeps no NUL in text; JSON writes it as \u0000, so none is lost here.
            "body": body.decode(),
            "received_at": now,
            "next_attempt_at": now + HEAD_START,
        },
    )
    if fresh:
        _announce(event)
    return event.pk, fresh


def _announce(event: ProviderEvent) -> None:
    """So that the sweep looks into this school then (apps/tenants/services/due.py)."""
    tenants.note_due_work(task=contracts.MESSAGES_TASK, due_at=event.next_attempt_at)


def process(provider_event_id: UUID) -> str:
    """Find the payment the message is about and ask the gateway. Safe to repeat.

    Returns the message's state afterwards; when the gateway does not answer it stays received
    and is taken up again later.
    """
    event = ProviderEvent.objects.select_related("account").filter(pk=provider_event_id).first()
    if event is None or event.state in (ProviderEvent.PROCESSED, ProviderEvent.IGNORED):
        return event.state if event else ""
    payment_id = _payment_of(event)
    if payment_id is None:
        return _without_payment(event)
    try:
        sync.ask_gateway(payment_id)
    except DomainError as error:
        return try_later(event, str(error))
    event.payment_id = payment_id
    return _finish(event, ProviderEvent.PROCESSED)


def _without_payment(event: ProviderEvent) -> str:
    """Of money that nobody knows yet: shown to staff, and looked for again a few times."""
    if not _MONEY.match(event.event_type):
        return _finish(event, ProviderEvent.IGNORED)
    if event.attempts >= UNMATCHED_TRIES:
        return _finish(event, ProviderEvent.UNMATCHED)
    event.state = ProviderEvent.UNMATCHED
    return try_later(event, "")


@transaction.atomic
def put_away(*, event_id: UUID, actor: str) -> str:
    """A person says that an unmatched message is not the school's concern.

    Returns the message's state. Raises NotFound, and Conflict for one that is not unmatched.
    """
    rows = ProviderEvent.objects.select_for_update(of=("self",)).select_related("account")
    event = rows.filter(pk=event_id).first()
    if event is None:
        raise NotFound(_("There is no such message."))
    if event.state != ProviderEvent.UNMATCHED:
        raise Conflict(_("Only a message that matches no payment can be put away."))
    detail = {"kind": event.event_type, "number": event.object_id}
    accounts.note_audit(event.account, "payments.message_put_away", actor, **detail)
    return _finish(event, ProviderEvent.IGNORED)


def _payment_of(event: ProviderEvent) -> UUID | None:
    """Only a payment of the very account that signed the message."""
    own = models.Payment.objects.filter(account=event.account)
    try:
        hinted = own.filter(pk=UUID(event.payment_hint)).values_list("id", flat=True).first()
    except ValueError:
        hinted = None
    if hinted or not event.capture_hint:
        return hinted
    return own.filter(capture_id=event.capture_hint).values_list("id", flat=True).first()


def _finish(event: ProviderEvent, state: str) -> str:
    event.state, event.error = state, ""
    event.processed_at, event.next_attempt_at = timezone.now(), None
    event.save(update_fields=["state", "error", "processed_at", "next_attempt_at", "payment_id"])
    return state


def try_later(event: ProviderEvent, problem: str) -> str:
    """Keep the message for another attempt, ever later."""
    delay = RETRY_DELAYS[min(event.attempts, len(RETRY_DELAYS) - 1)]
    event.attempts = min(event.attempts + 1, 30_000)
    event.error, event.next_attempt_at = problem[:300], timezone.now() + delay
    with transaction.atomic():
        event.save(update_fields=["state", "attempts", "error", "next_attempt_at"])
        _announce(event)
    return event.state
