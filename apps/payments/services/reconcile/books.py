"""Our side of a comparison, in a fixed number of queries however much there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.payments import contracts
from apps.payments.models import PAYPAL, Dispute, GatewayAccount, Payment, Refund
from apps.payments.providers.base import Transaction
from apps.payments.services.counter import RECORD_ONLY
from apps.payments.services.reconcile.compare import OurPayment, OurRefund, Ours


def read(
    account: GatewayAccount, lines: Sequence[Transaction], *, since: datetime, until: datetime
) -> Ours:
    """Payments and refunds of the account in the window, and whatever the lines name."""
    captures = {line.capture_id or line.object_id for line in lines}
    objects = {line.object_id for line in lines}
    payments = _payments(account).filter(
        Q(captured_at__gte=since, captured_at__lt=until)
        | Q(pk__in=payment_ids(lines))
        | Q(capture_id__in=captures)
    )
    made = Q(completed_at__gte=since, completed_at__lt=until, external=False)
    booked = Q(requested_at__gte=since, requested_at__lt=until, external=True)
    refunds = Refund.objects.filter(payment__in=_payments(account))
    refunds = refunds.filter(made | booked | Q(provider_refund_id__in=objects))
    disputes = Dispute.objects.filter(payment__account=account)
    disputes = disputes.exclude(status__startswith=contracts.INQUIRY)  # they take no money
    named = disputes.filter(provider_dispute_id__in=objects)
    return Ours(
        payments=[_payment(row) for row in payments],
        refunds=[_refund(row) for row in refunds.select_related("payment")],
        dispute_ids=frozenset(named.values_list("provider_dispute_id", flat=True)),
        disputed_captures=_disputed(account, disputes, lines),
    )


def _disputed(
    account: GatewayAccount, disputes: QuerySet[Dispute], lines: Sequence[Transaction]
) -> frozenset[str]:
    """PayPal's books give the withdrawal a number of its own and name the capture only. Of a
    dispute that is won the money has come back, too."""
    if account.provider != PAYPAL:
        return frozenset()
    back = {line.capture_id for line in lines if line.kind == "dispute_reversal"}
    rows = disputes.filter(payment__capture_id__in={line.capture_id for line in lines})
    rows = rows.exclude(~Q(payment__capture_id__in=back), status=contracts.WON)
    return frozenset(rows.values_list("payment__capture_id", flat=True))


def _payments(account: GatewayAccount) -> QuerySet[Payment]:
    """Demonstration payments of the past are known to no gateway. (What was sent to the gateway
    is no sign of them: an erasure takes it away.)"""
    return Payment.objects.filter(account=account).exclude(session_id__startswith=RECORD_ONLY)


def payment_ids(lines: Iterable[Transaction]) -> set[UUID]:
    """Payments that lines name. Others may use the same account and write what they like."""
    found = set()
    for line in lines:
        try:
            found.add(UUID(line.payment_id))
        except ValueError:
            continue
    return found


def _payment(row: Payment) -> OurPayment:
    return OurPayment(
        id=row.pk,
        currency=row.currency,
        amount_minor=row.amount_minor,
        captured_minor=row.captured_minor,
        capture_id=row.capture_id,
        captured_at=row.captured_at,
    )


def _refund(row: Refund) -> OurRefund:
    """One made at the gateway was found and booked later than it was made."""
    return OurRefund(
        id=row.pk,
        payment_id=row.payment_id,
        provider_refund_id=row.provider_refund_id,
        currency=row.payment.currency,
        amount_minor=row.amount_minor,
        status=row.status,
        external=row.external,
        at=row.requested_at if row.external else row.completed_at or row.requested_at,
    )
