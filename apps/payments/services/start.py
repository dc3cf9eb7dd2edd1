"""Starting a payment: the claim on what is paid, then the hosted page, then the record of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, events, models, selectors
from apps.payments.providers.base import (
    ProviderError,
    SessionLine,
    SessionRequest,
    Unknown,
)
from apps.payments.services import accounts, fraud, journal, methods, sync, ways
from apps.payments.services.errors import AlreadyPaid, KeyReused, PaymentInProgress
from apps.payments.services.orders import Order, check_online_order
from kernel.errors import Conflict, Invalid, Unavailable
from kernel.ids import uuid7
from kernel.jsoncodec import decode, encode
from kernel.schools import school_url

SESSION_LIFETIME = timedelta(hours=1)  # Stripe allows 30 minutes to 24 hours
MAX_TRIES = 4


def start_payment(order: Order) -> contracts.StartedPayment:
    """Claim what is paid, open a hosted page and say where it is. Call outside a transaction: the
    intent is committed before the gateway is called.

    The same person paying the same things gets the same page again (`reused`). Raises
    PaymentInProgress (somebody else is paying one of these), AlreadyPaid, KeyReused, NoGateway,
    Invalid, PaymentsPaused (odd attempts before); Unavailable when the gateway cannot be reached
    (nothing is taken then, and the claim is released); Forbidden when the school has switched
    payments online off.
    """
    check_online_order(order)
    account = ways.chosen(order.account_id, order.method)
    if order.consent and not methods.saves_methods(account):
        raise Invalid(_("Cards cannot be kept here."), code="no_saved_methods")
    for _try in range(MAX_TRIES):
        known = _known(order)
        if known is not None:
            return _again(order, known)
        holder = holder_of(order.references)
        if holder is not None:
            reused = _make_room(order, holder)
            if reused is not None:
                return reused
            continue
        fraud.check(order.origin)
        try:
            payment = _initiate(order, account)
        except IntegrityError:
            continue  # somebody claimed the same a moment earlier: look again
        accounts.ensure_webhook(account)
        return _with_page(payment, reused=False)
    raise Conflict(_("This is being paid in another window. Please try again in a moment."))


def _known(order: Order) -> models.Payment | None:
    """An open or paid payment that the same request has started before."""
    rows = selectors.payments_with_parts().filter(idempotency_key=order.idempotency_key)
    for payment in rows.order_by("-started_at"):
        if payment.is_open or payment.captured_minor:
            return payment
    return None


def _again(order: Order, payment: models.Payment) -> contracts.StartedPayment:
    if not order.is_same_as(payment):
        raise KeyReused
    return _with_page(payment, reused=True)


def holder_of(references: Sequence[str]) -> models.Payment | None:
    """The oldest open payment that holds one of the references."""
    claims = models.OpenClaim.objects.filter(reference__in=references).values("payment_id")
    rows = selectors.payments_with_parts().filter(pk__in=claims)
    return rows.order_by("started_at", "id").first()


def _make_room(order: Order, holder: models.Payment) -> contracts.StartedPayment | None:
    """Deal with the payment that is in the way: use it, or end it (None), or refuse."""
    own = holder.payer_id == order.payer_id
    if own and holder.is_open and order.is_same_as(holder) and not holder.page_is_over():
        return _with_page(holder, reused=True)
    end_holder(order, holder)
    return None


def end_holder(order: Order, holder: models.Payment) -> None:
    """End the payment that is in the way. Raises AlreadyPaid, PaymentInProgress.

    Whether it may be ended is decided by the gateway's answer, never by the clock alone.
    """
    own = holder.payer_id == order.payer_id
    current = sync.refresh(holder.pk)
    if current.is_open and (own or _is_left_alone(holder)):
        current = sync.close(holder.pk, expired=not own)
    if current.captured_minor:
        raise AlreadyPaid(payment_id=holder.pk)
    if current.is_open:
        raise PaymentInProgress(
            payment_id=holder.pk, payer_id=holder.payer_id, started_at=holder.started_at
        )


def _is_left_alone(payment: models.Payment) -> bool:
    return payment.started_at < timezone.now() - contracts.HELD_FOR


@transaction.atomic(durable=True)
def _initiate(order: Order, account: models.GatewayAccount) -> models.Payment:
    """Commit the intent: every parameter of the call, its key, and the claims."""
    now = timezone.now()
    payment_id = uuid7()
    request = _request(
        order,
        payment_id,
        expires_at=int((now + SESSION_LIFETIME).timestamp()),
        customer_id=methods.customer_of(order.payer_id, account) if order.consent else "",
    )
    payment = claim(order, account, payment_id=payment_id, request=request, at=now)
    if order.consent:
        methods.agree(payment, account, consent=order.consent)
    return payment


def claim(
    order: Order, account: models.GatewayAccount, *, payment_id: UUID, request: object, at: datetime
) -> models.Payment:
    """The payment with its lines, its first event and its claims, in the caller's transaction.
    Raises IntegrityError when somebody else holds one of them."""
    payment = create_row(
        order,
        payment_id=payment_id,
        account=account,
        provider=account.provider,
        mode=account.mode,
        method=ways.method_of(account.provider),
        request=encode(request),
        started_at=at,
    )
    # In the order of the references: two payers who share several never wait for each other.
    for reference in order.references:
        models.OpenClaim.objects.create(reference=reference, payment=payment)
    journal.write(payment, [initiated(order, payment)])
    fraud.remember(payment.pk, order.origin, at=at)
    return payment


def create_row(order: Order, *, payment_id: UUID, **values: object) -> models.Payment:
    """The payment and its lines, still without events."""
    payment = models.Payment.objects.create(
        id=payment_id,
        payer_id=order.payer_id,
        payer_name=order.payer_name[:200],
        payer_email=order.payer_email[:254],
        description=order.description[:500],
        currency=order.currency,
        amount_minor=order.amount_minor,
        cover_minor=order.cover_minor,
        idempotency_key=order.idempotency_key,
        **values,
    )
    models.PaymentLine.objects.bulk_create(
        models.PaymentLine(
            payment=payment,
            position=position,
            reference=line.reference,
            description=line.description[:300],
            amount_minor=line.amount_minor,
        )
        for position, line in enumerate(order.lines)
    )
    return payment


def initiated(order: Order, payment: models.Payment) -> events.Initiated:
    """The first event of the payment's story."""
    return events.Initiated(
        payer_id=payment.payer_id,
        lines=tuple(
            events.Part(reference=line.reference, amount_minor=line.amount_minor)
            for line in order.lines
        ),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        provider=payment.provider,
        mode=payment.mode,
        method=payment.method,
        at=payment.started_at,
        cover_minor=payment.cover_minor,
    )


def address(path: str, payment_id: UUID) -> str:
    """A path of the order as an absolute address."""
    return school_url(path.replace("{payment_id}", str(payment_id)))


def _request(
    order: Order, payment_id: UUID, *, expires_at: int, customer_id: str
) -> SessionRequest:
    return SessionRequest(
        payment_id=str(payment_id),
        currency=order.currency,
        description=order.description[:500],
        payer_email=order.payer_email[:254],
        success_url=address(order.return_path, payment_id),
        cancel_url=address(order.cancel_path, payment_id),
        expires_at=expires_at,
        idempotency_key=f"{payment_id}:init:1",
        lines=tuple(_lines(order)),
        save_method=bool(order.consent),
        customer_id=customer_id,
    )


def _lines(order: Order) -> Iterator[SessionLine]:
    """What the hosted page lists; the cover stands on a line of its own."""
    for line in order.lines:
        yield SessionLine(description=line.description[:250], amount_minor=line.amount_minor)
    if order.cover_minor:
        yield SessionLine(description=_("Processing cost"), amount_minor=order.cover_minor)


def _with_page(payment: models.Payment, *, reused: bool) -> contracts.StartedPayment:
    """The address to send the payer to; opens the hosted page when there is none yet."""
    done = payment.captured_minor or payment.status == contracts.PROCESSING
    if done or payment.charges_method:
        url = str(payment.request.get("success_url", "")) or school_url("/")
    elif payment.hosted_url:
        url = payment.hosted_url
    else:
        url = open_page(payment)
    return contracts.StartedPayment(payment_id=payment.pk, redirect_url=url, reused=reused)


def open_page(payment: models.Payment) -> str:
    """Call the gateway with the committed parameters and commit what it said.

    Two callers at once get the same page: the key is the same. Raises Unavailable.
    """
    request = decode(SessionRequest, payment.request)
    provider = accounts.provider_of(payment)
    try:
        session = provider.open_session(request)
        row = sync.commit_session(payment.pk, session)
        if not row.is_open and not row.captured_minor:
            # It was ended while the page was being opened: nobody holds the claim any more.
            provider.expire(session.session_id)
            raise _no_page()
    except ProviderError as error:
        known_url = _note_failure(payment, error)
        if known_url:
            return known_url
        raise _no_page() from error
    return row.hosted_url


def _no_page() -> Unavailable:
    return Unavailable(
        _("The payment page cannot be opened right now. Nothing was charged."), code="gateway"
    )


@transaction.atomic
def _note_failure(payment: models.Payment, error: ProviderError) -> str:
    """No page, so nobody can pay: the claim is released. Only an unknown outcome is looked into
    first, by the janitor and by the next start (the same key finds the same page).

    A second click may have opened the page meanwhile: then that page's address is the answer.
    """
    row = journal.locked(payment.pk)
    if row.session_id:
        return row.hosted_url if row.is_open else ""
    now = timezone.now()
    unclear = events.OutcomeUnknown(operation="open the payment page", detail=error.detail, at=now)
    if isinstance(error, Unknown):
        journal.write(row, [unclear])
    else:
        journal.write(row, [unclear, events.Cancelled(at=now)])
    return ""
