"""Nothing stays pending for ever: what the gateway has not told us, we ask."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.payments import models, selectors
from apps.payments.services import approvals, journal, refunds, sync, webhooks
from apps.payments.services.errors import NoGateway
from kernel.errors import Unavailable

logger = logging.getLogger(__name__)


def tidy_payments() -> int:
    """Ask about every payment whose turn has come (1 min, 5 min, 1 h, daily), and end requests for
    refunds that nobody decided about. Returns how many payments."""
    approvals.expire_due()
    due = selectors.due_checks(now=timezone.now())
    for payment_id in due:
        try:
            tidy_payment(payment_id)
        except (Unavailable, NoGateway) as error:
            logger.warning("payment %s: %s", payment_id, error)
            _later(payment_id)
        except Exception:
            # One odd payment must not keep the others waiting; it is tried again later.
            logger.exception("payment %s could not be looked into", payment_id)
            _later(payment_id)
    return len(due)


def tidy_payment(payment_id: UUID) -> None:
    """Bring one payment up to date, close its page when its time is over, send lost refunds."""
    sync.ask_gateway(payment_id)
    payment = selectors.get_payment_row(payment_id)
    if payment.is_open and payment.page_is_over():
        sync.close(payment_id, expired=True)
    for refund_id in refunds.unsent(payment_id):
        refunds.send(refund_id)


def _later(payment_id: UUID) -> None:
    with transaction.atomic():
        payment = journal.locked(payment_id)
        journal.postpone_check(payment, journal.state_of(payment_id))


def sweep_provider_events() -> int:
    """Take up messages that no worker has dealt with (the broker was away, or the gateway was).

    Returns how many were looked at.
    """
    due = selectors.due_provider_events(now=timezone.now())
    for event_id in due:
        try:
            webhooks.process(event_id)
        except Exception:
            logger.exception("provider event %s could not be processed", event_id)
            _postpone_event(event_id)
    return len(due)


def _postpone_event(event_id: UUID) -> None:
    event = models.ProviderEvent.objects.filter(pk=event_id).first()
    if event is not None:
        webhooks.try_later(event, "unexpected error")
