"""Asking the gateway, and believing only its answer.

Used by the webhook worker, the page the payer comes back to, the janitor and the staff's button:
whoever comes first writes the news, the others find nothing new.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, events, models, selectors
from apps.payments.aggregate import PaymentState
from apps.payments.providers.base import (
    ChargeRequest,
    Gone,
    HostedSession,
    PaymentSnapshot,
    Provider,
    ProviderError,
    SavesMethods,
    SessionRequest,
)
from apps.payments.services import accounts, fraud, interpret, journal, methods
from apps.payments.services.errors import NoGateway
from kernel.errors import Unavailable
from kernel.jsoncodec import decode

logger = logging.getLogger(__name__)
# Longer than any call that takes money lasts: until then nobody ends the payment.
CAPTURE_LEASE = timedelta(minutes=2)
# A call to charge a card has ended long before, with its retries.
CHARGE_BUDGET = timedelta(minutes=2)


def refresh(payment_id: UUID) -> contracts.PaymentInfo:
    """Ask the gateway; when it cannot be asked, what is known already. For pages of payers."""
    try:
        return ask_gateway(payment_id)
    except (Unavailable, NoGateway) as error:
        logger.warning("gateway not reached for payment %s: %s", payment_id, error)
        return selectors.get_payment(payment_id)


def ask_gateway(payment_id: UUID) -> contracts.PaymentInfo:
    """Fetch the payment from the gateway, append what is new and publish it.

    Money that the payer has approved is taken on the way: whoever asks first takes it. Raises
    NotFound; Unavailable when the gateway does not answer.
    """
    with _as_unavailable():
        look(payment_id)
    return stop_if_odd(selectors.get_payment(payment_id))


def look(payment_id: UUID) -> PaymentSnapshot | None:
    """The same, and return what the gateway showed; None for a payment that it cannot know.

    Raises NotFound, NoGateway, and ProviderError as it comes from the gateway.
    """
    payment = selectors.get_payment_row(payment_id)
    if payment.provider == models.OFFLINE or payment.account is None:
        return None
    if _is_record_only(payment):
        return None
    provider, asked_at = accounts.provider_for(payment.account), timezone.now()
    snapshot, lease = _take_approved(payment, provider, _snapshot(payment, provider))
    _learn(payment_id, snapshot, asked_at=asked_at, lease=lease)
    return snapshot


def stop_if_odd(info: contracts.PaymentInfo) -> contracts.PaymentInfo:
    """After one decline too many the page is closed, so that no further card is tried on it."""
    if info.status != contracts.DECLINED:
        return info
    declines = len(journal.state_of(info.id).failures)
    held = fraud.after_decline(info.id, declines=declines)
    return give_up(info.id) if held and info.is_open else info


def give_up(payment_id: UUID) -> contracts.PaymentInfo:
    """Close the page for a payer who turned back; left open when the gateway does not answer."""
    try:
        return close(payment_id)
    except (Unavailable, NoGateway) as error:
        logger.warning("payment %s could not be closed: %s", payment_id, error)
        return selectors.get_payment(payment_id)


def close(payment_id: UUID, *, expired: bool = False, actor: str = "") -> contracts.PaymentInfo:
    """End an unpaid payment: the page is closed at the gateway first, then here.

    Money that arrived in between is found and kept: look at the returned status. A payment that
    is being processed by a bank cannot be ended. Raises Unavailable, NotFound.
    """
    payment = selectors.get_payment_row(payment_id)
    if not payment.is_open:
        return selectors.to_info(payment)
    snapshot, asked_at = None, timezone.now()
    if payment.account is not None:
        with _as_unavailable():
            provider = accounts.provider_for(payment.account)
            snapshot = _close_page(payment, provider)
    return _end(payment_id, snapshot, asked_at=asked_at, expired=expired, actor=actor)


def _is_record_only(payment: models.Payment) -> bool:
    """Demonstration payments of the past have no page at any gateway."""
    return not payment.request


def _may_have_page(payment: models.Payment, provider: Provider) -> bool:
    """The call to open a page has not answered: there may be one under the payment's key.

    Once gateways have forgotten the key a page without a record is given up: nobody ever had its
    address to pay at.
    """
    return timezone.now() - payment.started_at < provider.key_lifetime


def _snapshot(payment: models.Payment, provider: Provider) -> PaymentSnapshot | None:
    session_id = payment.session_id
    if not session_id:
        if payment.charges_method and payment.is_open:
            return _look_for_charge(payment, provider)
        if not payment.is_open or not _may_have_page(payment, provider):
            return None
        session_id = _find_page(payment, provider)
    try:
        return provider.fetch(session_id)
    except Gone:
        if not payment.page_is_over():
            raise  # too early to be forgotten: rather the keys are another account's
        return None


def _take_approved(
    payment: models.Payment, provider: Provider, snapshot: PaymentSnapshot | None
) -> tuple[PaymentSnapshot | None, datetime | None]:
    """Approval is not payment. Returns what is true after taking it, and the lease to give back.

    A payment that has been ended is never taken, however late its payer approves.
    """
    if snapshot is None or not snapshot.approved:
        return snapshot, None
    lease = _may_capture(payment.pk)
    return (provider.capture_if_approved(snapshot) if lease else snapshot), lease


@transaction.atomic
def _may_capture(payment_id: UUID) -> datetime | None:
    """Note, before the gateway is asked for it, that money may come; None when it must not."""
    payment = journal.locked(payment_id)
    if not payment.is_open:
        return None
    payment.capturing_until = timezone.now() + CAPTURE_LEASE
    payment.save(update_fields=["capturing_until"])
    return payment.capturing_until


def _look_for_charge(payment: models.Payment, provider: Provider) -> PaymentSnapshot:
    """A charge of a saved card that has not answered is looked for and never sent again. While
    the call may still be running, that it is not there says nothing."""
    if not isinstance(provider, SavesMethods):
        raise NoGateway
    found = provider.find_charge(decode(ChargeRequest, payment.request))
    if found is not None:
        return provider.fetch(commit_session(payment.pk, found).session_id)
    over = timezone.now() - payment.started_at > CHARGE_BUDGET
    return PaymentSnapshot(
        session_id="", payment_id=str(payment.pk), open=not over, expired=over, url=""
    )


def _find_page(payment: models.Payment, provider: Provider) -> str:
    """The same key and parameters find the page that an unanswered call may have made."""
    session = provider.open_session(decode(SessionRequest, payment.request))
    return commit_session(payment.pk, session).session_id


@transaction.atomic
def commit_session(payment_id: UUID, session: HostedSession) -> models.Payment:
    """Write down the hosted page; the second of two who opened it finds it written."""
    payment = journal.locked(payment_id)
    if not payment.session_id:
        payment.session_id, payment.hosted_url = session.session_id, session.url
        payment.session_expires_at = session.expires_at
        created = events.SessionCreated(
            session_id=session.session_id, expires_at=session.expires_at, at=timezone.now()
        )
        journal.write(payment, [created])
    return payment


def _close_page(payment: models.Payment, provider: Provider) -> PaymentSnapshot | None:
    if not payment.session_id and payment.charges_method:
        found = _look_for_charge(payment, provider)
        return provider.expire(found.session_id) if found.session_id else found
    if not payment.session_id and not _may_have_page(payment, provider):
        return None
    try:
        return provider.expire(payment.session_id or _find_page(payment, provider))
    except Gone:
        if not payment.page_is_over():
            raise  # as in _snapshot: a page that may still be paid at is not called closed
        return None


@transaction.atomic
def _learn(
    payment_id: UUID,
    snapshot: PaymentSnapshot | None,
    *,
    asked_at: datetime,
    lease: datetime | None,
) -> None:
    payment = journal.locked(payment_id)
    if lease and payment.capturing_until == lease:
        payment.capturing_until = None
        payment.save(update_fields=["capturing_until"])
    state = journal.state_of(payment_id)
    news = _news(payment, state, snapshot, asked_at)
    if news:
        journal.write(payment, news)
    else:
        journal.postpone_check(payment, state)
    _keep_method(payment, snapshot)


def _keep_method(payment: models.Payment, snapshot: PaymentSnapshot | None) -> None:
    """Only with a payment that was booked, and only what its payer agreed to."""
    if snapshot is not None and payment.captured_minor:
        methods.keep(payment, snapshot.method)


def _news(
    payment: models.Payment,
    state: PaymentState,
    snapshot: PaymentSnapshot | None,
    asked_at: datetime,
) -> list[object]:
    now = timezone.now()
    if snapshot is not None:
        return interpret.news(state, snapshot, payment_id=payment.pk, asked_at=asked_at, now=now)
    # No page is known (any more), so nobody can pay there; what a bank works on may still come.
    return [events.Expired(at=now)] if state.is_open and not state.open_attempts else []


@transaction.atomic
def _end(
    payment_id: UUID,
    snapshot: PaymentSnapshot | None,
    *,
    asked_at: datetime,
    expired: bool,
    actor: str,
) -> contracts.PaymentInfo:
    payment = journal.locked(payment_id)
    state = journal.state_of(payment_id)
    now = timezone.now()
    news = _news(payment, state, snapshot, asked_at) if snapshot else []
    paid = any(isinstance(event, events.Captured | events.MismatchDetected) for event in news)
    closed = (snapshot is None or snapshot.expired) and not _is_being_taken(payment)
    # The page reads as expired because we closed it: what we say about it is why.
    news = [event for event in news if not isinstance(event, events.Expired)]
    if closed and state.is_open and not paid:
        news.append(events.Expired(at=now) if expired else events.Cancelled(at=now))
    journal.write(payment, news, actor=actor)
    _keep_method(payment, snapshot)
    return selectors.get_payment(payment_id)


def _is_being_taken(payment: models.Payment) -> bool:
    return payment.capturing_until is not None and payment.capturing_until > timezone.now()


@contextmanager
def _as_unavailable() -> Iterator[None]:
    """Turns a gateway's failure into the error that pages and the API know."""
    try:
        yield
    except ProviderError as error:
        raise Unavailable(
            _("The payment gateway does not answer: %(detail)s") % {"detail": _(error.detail)},
            code="gateway",
        ) from error
