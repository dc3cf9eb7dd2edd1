"""Demonstration data: payments and refunds of the past, through the same services as real ones, and
what happens at the practice gateway while it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import requests
from django.conf import settings

from apps.payments import facade, models, selectors
from apps.payments.contracts import PaymentInfo, PaymentLine, RefundInfo
from apps.payments.services import counter, refunds

SECONDS = 5  # for one request to the practice gateway, and for it to start


def demo_card_payment(
    *,
    payer_id: UUID,
    payer_name: str,
    payer_email: str,
    lines: Sequence[PaymentLine],
    currency: str,
    paid_at: datetime,
) -> UUID:
    """A sandbox card payment of the past; returns its id."""
    key = "demo:" + ":".join(sorted(line.reference for line in lines))
    order = counter.order_of(
        payer_id,
        payer_name,
        payer_email,
        tuple(lines),
        currency,
        f"{key[:150]}:{paid_at.isoformat()}",
    )
    return counter.record_card_payment_of_the_past(order, paid_at=paid_at)


def demo_refund(
    *, payment_id: UUID, amount_minor: int, reason: str, actor: str, at: datetime
) -> RefundInfo:
    """A refund of the past of a demonstration payment."""
    return refunds.request_refund(
        payment_id=payment_id,
        amount_minor=amount_minor,
        reason=reason,
        actor=actor,
        idempotency_key=f"demo:{payment_id}:{at.isoformat()}",
        requested_at=at,
    )


def offer_practice_paypal() -> bool:
    """PayPal for practice beside the card, so that families can choose. False when it was there."""
    if "paypal" in facade.pay_methods():
        return False
    facade.create_sandbox_account("paypal")
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricPayment:
    """One payment of the past. `method`: card, cash, cheque or transfer."""

    payer_id: UUID
    payer_name: str
    payer_email: str
    lines: tuple[PaymentLine, ...]
    currency: str
    method: str
    paid_at: datetime
    note: str = ""


def record_history(*, payments: Sequence[HistoricPayment], actor: str = "demo") -> list[UUID]:
    """Record them all, in order; returns their ids in the same order."""
    return [_record(payment, actor=actor) for payment in payments]


def _record(payment: HistoricPayment, *, actor: str) -> UUID:
    if payment.method == "card":
        return demo_card_payment(
            payer_id=payment.payer_id,
            payer_name=payment.payer_name,
            payer_email=payment.payer_email,
            lines=payment.lines,
            currency=payment.currency,
            paid_at=payment.paid_at,
        )
    references = ":".join(sorted(line.reference for line in payment.lines))
    return facade.record_offline_payment(
        payer_id=payment.payer_id,
        payer_name=payment.payer_name,
        payer_email=payment.payer_email,
        lines=payment.lines,
        currency=payment.currency,
        method=payment.method,
        received_on=payment.paid_at.date(),
        note=payment.note,
        actor=actor,
        idempotency_key=f"demo:{references[:140]}:{payment.paid_at.isoformat()}",
    )


def sandbox_answers() -> bool:
    """Whether the practice gateway runs: without it nobody can pay on its page. It may have been
    started a moment ago."""
    until = time.monotonic() + SECONDS
    while not (answers := _answers()) and time.monotonic() < until:
        time.sleep(0.2)
    return answers


def _answers() -> bool:
    try:
        return requests.get(_sandbox("/_control/state"), timeout=SECONDS).ok
    except requests.RequestException:
        return False


def press_pay(payment_id: UUID) -> PaymentInfo:
    """What the payer does on the gateway's page; a payment that is made stays as it is."""
    if page := facade.resume_url(payment_id):
        pressed = requests.post(page, {"action": "pay"}, allow_redirects=False, timeout=SECONDS)
        pressed.raise_for_status()
    return facade.sync(payment_id)


def has_disputes() -> bool:
    return models.Dispute.objects.exists()


def open_dispute(payment_id: UUID, *, reason: str, answer_within: timedelta) -> PaymentInfo:
    """The payer's bank takes the payment back, for a reason as the gateway calls it."""
    wanted = {
        "session": selectors.get_payment_row(payment_id).session_id,
        "reason": reason,
        "seconds": int(answer_within.total_seconds()),
    }
    opened = requests.post(_sandbox("/_control/dispute"), json=wanted, timeout=SECONDS)
    opened.raise_for_status()
    return facade.sync(payment_id)


def _sandbox(path: str) -> str:
    return f"{settings.SANDBOX_URL.rstrip('/')}{path}"
