"""Demonstration data: payments and refunds of the past, through the same services as real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.payments import facade
from apps.payments.contracts import PaymentLine, RefundInfo
from apps.payments.services import counter, refunds
from apps.payments.services.start import Order


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
    order = Order(
        payer_id=payer_id,
        payer_name=payer_name,
        payer_email=payer_email,
        lines=tuple(lines),
        currency=currency,
        description=", ".join(line.description for line in lines)[:500],
        return_path="",
        cancel_path="",
        idempotency_key=f"{key[:150]}:{paid_at.isoformat()}",
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
