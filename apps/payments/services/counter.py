"""Payments that no gateway takes: cash, cheque or transfer, recorded by the school's staff; and
the payments of the past that a demonstration school is filled with."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.payments import contracts, events, models
from apps.payments.providers import offline
from apps.payments.providers.base import CaptureSnapshot
from apps.payments.services import journal, start, sync
from apps.payments.services.bank.entries import EARLIEST
from apps.payments.services.errors import AlreadyPaid, KeyReused, PaymentInProgress
from apps.payments.services.orders import Order, check_order
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.schools import current_school, today

# What the session of a demonstration payment begins with: no gateway knows it.
RECORD_ONLY = "cs_demo_"


def order_of(
    payer_id: UUID,
    payer_name: str,
    payer_email: str,
    lines: tuple[contracts.PaymentLine, ...],
    currency: str,
    idempotency_key: str,
) -> Order:
    """What is paid at the counter: it has no page, and what it costs is nobody's to cover."""
    return Order(
        payer_id=payer_id,
        payer_name=payer_name,
        payer_email=payer_email,
        lines=lines,
        currency=currency,
        description=", ".join(line.description for line in lines)[:500],
        return_path="",
        cancel_path="",
        idempotency_key=idempotency_key,
    )


def record_offline_payment(
    order: Order, *, method: str, received_on: date, note: str, actor: str
) -> UUID:
    """Write down money that was received. The same key records it once.

    A hosted page that is open for the same things is closed first, so that a parent cannot pay
    them again. Raises Invalid, KeyReused, AlreadyPaid (by card, a moment ago), PaymentInProgress
    (a bank is working on it), Unavailable (the gateway cannot close the page).
    """
    check_order(order)
    if method not in contracts.OFFLINE_METHODS:
        raise Invalid(_("Choose cash, cheque or transfer."), field="method")
    if received_on > today():
        raise Invalid(_("The day cannot lie in the future."), field="received_on")
    if received_on < EARLIEST:
        raise Invalid(_("This day lies too far away."), field="received_on")
    known = models.Payment.objects.filter(idempotency_key=order.idempotency_key).first()
    if known is not None:
        return _same(order, known, method=method)
    _close_hosted_pages(order)
    now = timezone.now()
    received_at = offline.moment_of(received_on, now=now, time_zone=current_school().time_zone)
    try:
        return _record(order, method=method, at=received_at, note=note, actor=actor)
    except _RecordedMeanwhile as error:
        return _same(order, error.known, method=method)
    except IntegrityError:
        _refuse_held(order)
        raise


class _RecordedMeanwhile(Exception):
    """A second click at the same moment: the first one has recorded the money."""

    def __init__(self, known: models.Payment) -> None:
        self.known = known


def _same(order: Order, known: models.Payment, *, method: str) -> UUID:
    """Lines are not compared: the first request has paid what they were for, so that a second
    one finds other invoices owed."""
    ours = (order.payer_id, order.currency, order.amount_minor, method)
    if ours != (known.payer_id, known.currency, known.amount_minor, known.method):
        raise KeyReused
    return known.pk


def _close_hosted_pages(order: Order) -> None:
    claims = models.OpenClaim.objects.filter(reference__in=order.references)
    for payment_id in sorted(set(claims.values_list("payment_id", flat=True))):
        closed = sync.close(payment_id)
        if closed.captured_minor:
            raise AlreadyPaid(payment_id=payment_id)
    _refuse_held(order)


def _refuse_held(order: Order) -> None:
    held = models.OpenClaim.objects.filter(reference__in=order.references)
    claim = held.select_related("payment").first()
    if claim is not None:
        raise PaymentInProgress(
            payment_id=claim.payment_id,
            payer_id=claim.payment.payer_id,
            started_at=claim.payment.started_at,
        )


@transaction.atomic
def _record(order: Order, *, method: str, at: datetime, note: str, actor: str) -> UUID:
    payment = start.create_row(
        order,
        payment_id=uuid7(),
        provider=models.OFFLINE,
        mode=models.LIVE,
        method=method,
        note=note.strip()[:500],
        actor=actor[:200],
        started_at=at,
    )
    _refuse_second(payment)
    # Held and released within this transaction: a card payment cannot begin meanwhile.
    models.OpenClaim.objects.bulk_create(
        models.OpenClaim(reference=reference, payment=payment) for reference in order.references
    )
    capture = offline.receive(
        payment_id=str(payment.pk),
        amount_minor=order.amount_minor,
        currency=order.currency,
        method=method,
        received_at=at,
    )
    story = [start.initiated(order, payment), captured(capture)]
    journal.write(payment, story, actor=actor)
    return payment.pk


def _refuse_second(payment: models.Payment) -> None:
    """The new row waited for a request with the same key that was being recorded. Raises
    _RecordedMeanwhile."""
    same_key = models.Payment.objects.filter(idempotency_key=payment.idempotency_key)
    known = same_key.exclude(pk=payment.pk).first()
    if known is not None:
        raise _RecordedMeanwhile(known)


def captured(capture: CaptureSnapshot) -> events.Captured:
    return events.Captured(
        capture_id=capture.capture_id,
        amount_minor=capture.amount_minor,
        currency=capture.currency,
        method=capture.method,
        at=capture.at,
    )


@transaction.atomic
def record_card_payment_of_the_past(order: Order, *, paid_at: datetime) -> UUID:
    """A card payment for demonstration data: always marked as sandbox money.

    No gateway knows it; a refund of it is only written down.
    """
    check_order(order)
    payment_id = uuid7()
    payment = start.create_row(
        order,
        payment_id=payment_id,
        provider=models.STRIPE,
        mode=models.SANDBOX,
        method="card",
        session_id=f"{RECORD_ONLY}{payment_id.hex}",
        started_at=paid_at,
    )
    capture = CaptureSnapshot(
        capture_id=f"ch_demo_{payment_id.hex}",
        amount_minor=order.amount_minor,
        currency=order.currency,
        method="card",
        at=paid_at,
    )
    session = events.SessionCreated(session_id=payment.session_id, expires_at=None, at=paid_at)
    journal.write(payment, [start.initiated(order, payment), session, captured(capture)])
    return payment_id
