"""Charging a saved card: with the same claims, story and janitor as a hosted page.

The charge is sent in one request, at the moment it is wanted. When no answer comes it is looked
for (`sync`), and never sent again: money is only taken when somebody means it to be.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, events, models, selectors
from apps.payments.providers.base import (
    ChargeRequest,
    Declined,
    ProviderError,
    SavesMethods,
    Unknown,
)
from apps.payments.services import accounts, fraud, journal, methods, start, sync, ways
from apps.payments.services.errors import KeyReused, PaymentInProgress
from apps.payments.services.orders import Order, check_online_order
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.jsoncodec import decode

OPERATION = "charge the saved card"


def charge_saved_method(
    order: Order, *, method_id: UUID, make_room: bool, still_wanted: Callable[[], bool]
) -> contracts.PaymentInfo:
    """Charge the payer's saved card, once for this key. Call outside a transaction.

    Look at the status: captured, processing, unknown (no answer: the janitor finds out), declined
    (`refusal_code` says why), cancelled (the gateway was not reached; nothing was charged).
    `make_room` closes the payer's own open page first. `still_wanted` is asked last, with the
    claims held and nothing sent: when it says no, Conflict is raised and nothing is charged.
    Raises NotFound (no such card), PaymentInProgress, AlreadyPaid, KeyReused, NoGateway, Invalid
    (also when the money has another account), PaymentsPaused (odd attempts before), Forbidden.
    """
    check_online_order(order)
    known = _known(order)
    if known is not None:
        return selectors.get_payment(known.pk)
    method = methods.get_row(method_id, payer_id=order.payer_id)
    _check_account(order, method)
    provider = methods.saving_provider_for(method.account)
    fraud.check(order.origin)
    payment, fresh = _claim(order, method, make_room=make_room)
    if not fresh:
        return selectors.get_payment(payment.pk)
    if not still_wanted():
        journal.record(payment.pk, [events.Cancelled(at=timezone.now())])
        message = _("The list has changed since you looked at it. Please check it again.")
        raise Conflict(message, code="balance_changed")
    accounts.ensure_webhook(method.account)
    return _carry_out(payment, provider)


def _check_account(order: Order, method: models.SavedMethod) -> None:
    """Money goes to an account that may take it, and to no other."""
    if method.account not in ways.ways(order.account_id):
        message = _("This card cannot pay what you chose. Please pay on the payment page.")
        raise Invalid(message, code="other_account")


def _known(order: Order) -> models.Payment | None:
    """What the same request has started before, also when it failed: a card is tried once."""
    rows = models.Payment.objects.filter(idempotency_key=order.idempotency_key)
    known = rows.prefetch_related("lines").order_by("started_at").first()
    if known is not None and not order.is_same_as(known):
        raise KeyReused
    return known


def _claim(
    order: Order, method: models.SavedMethod, *, make_room: bool
) -> tuple[models.Payment, bool]:
    for _try in range(start.MAX_TRIES):
        holder = start.holder_of(order.references)
        if holder is not None:
            _deal_with(order, holder, make_room=make_room)
            continue
        try:
            return _intend(order, method), True
        except IntegrityError:
            known = _known(order)
            if known is not None:
                return known, False
    raise Conflict(_("This is being paid in another window. Please try again in a moment."))


def _deal_with(order: Order, holder: models.Payment, *, make_room: bool) -> None:
    if not make_room or holder.charges_method:
        raise PaymentInProgress(
            payment_id=holder.pk, payer_id=holder.payer_id, started_at=holder.started_at
        )
    start.end_holder(order, holder)


@transaction.atomic(durable=True)
def _intend(order: Order, method: models.SavedMethod) -> models.Payment:
    """Commit the intent: every parameter of the call, its key, and the claims."""
    now, payment_id = timezone.now(), uuid7()
    request = ChargeRequest(
        payment_id=str(payment_id),
        currency=order.currency,
        amount_minor=order.amount_minor,
        description=order.description[:500],
        customer_id=method.customer_id,
        method_id=method.method_id,
        success_url=start.address(order.return_path, payment_id),
        started_at=int(now.timestamp()),
        idempotency_key=f"{payment_id}:charge",
    )
    payment = start.claim(order, method.account, payment_id=payment_id, request=request, at=now)
    # With the claims held: the same request may have failed, and let them go, a moment ago.
    same_key = models.Payment.objects.filter(idempotency_key=order.idempotency_key)
    if same_key.exclude(pk=payment_id).exists():
        raise IntegrityError("the same request was carried out before")
    return payment


def _carry_out(payment: models.Payment, provider: SavesMethods) -> contracts.PaymentInfo:
    """Send the charge, outside any transaction, and write down what became of it."""
    try:
        sent = provider.charge(decode(ChargeRequest, payment.request))
    except ProviderError as error:
        _note_failure(payment.pk, error)
        return sync.stop_if_odd(selectors.get_payment(payment.pk))
    sync.commit_session(payment.pk, sent)
    return sync.refresh(payment.pk)


@transaction.atomic
def _note_failure(payment_id: UUID, error: ProviderError) -> None:
    row = journal.locked(payment_id)
    if row.session_id:
        return  # somebody who looked for it has found it meanwhile
    now = timezone.now()
    if isinstance(error, Declined):
        refusal = events.AttemptFailed(
            attempt_id=str(payment_id),
            code=error.code[:60] or "declined",
            message=error.detail[:300],
            final=True,
            at=now,
        )
        journal.write(row, [refusal])
        return
    unclear = events.OutcomeUnknown(operation=OPERATION, detail=error.detail, at=now)
    over = [] if isinstance(error, Unknown) else [events.Cancelled(at=now)]
    journal.write(row, [unclear, *over])


def refusal_code(payment_id: UUID) -> str:
    """Why the bank refused, in the gateway's word (card_declined, authentication_required,
    expired_card, …); empty when it did not."""
    failures = journal.state_of(payment_id).failures.values()
    last = max(failures, key=lambda failure: failure.at, default=None)
    return last.code if last else ""
