"""What the gateway sent to the bank, and what each payout is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from apps.payments.models import GatewayAccount, Payment, Payout, PayoutLine
from apps.payments.providers.base import PayoutSnapshot, Transaction
from apps.payments.services.reconcile import books

# Kind of a line -> the column its sum is in.
_COLUMNS = {
    "charge": "gross_minor",
    "charge_failure": "gross_minor",
    "refund": "refunds_minor",
    "refund_failure": "refunds_minor",
    "dispute": "disputes_minor",
    "dispute_reversal": "disputes_minor",
    "fee": "fees_minor",
}


def save(account: GatewayAccount, snapshots: Iterable[PayoutSnapshot]) -> None:
    """Write payouts down, or what has become of them. Inside a transaction."""
    for snapshot in snapshots:
        payout, _fresh = Payout.objects.update_or_create(
            account=account, payout_id=snapshot.payout_id, defaults=_columns(snapshot)
        )
        _save_lines(payout, snapshot.transactions)


def _columns(snapshot: PayoutSnapshot) -> dict[str, object]:
    sums: Counter[str] = Counter(dict.fromkeys(["other_minor", *_COLUMNS.values()], 0))
    for line in snapshot.transactions:
        sums[_COLUMNS.get(line.kind, "other_minor")] += _gross(line)
        sums["fees_minor"] -= line.fee_minor
    return {
        "status": snapshot.status,
        "currency": snapshot.currency,
        "net_minor": snapshot.amount_minor,
        "line_count": len(snapshot.transactions),
        "descriptor": snapshot.descriptor[:100],
        "arrives_on": snapshot.arrives_on,
        "made_at": snapshot.at,
        **sums,
    }


def _gross(line: Transaction) -> int:
    """Before the fee, in the currency of the payout."""
    return line.net_minor + line.fee_minor


def _save_lines(payout: Payout, lines: Sequence[Transaction]) -> None:
    payments = _payments(payout, lines)
    PayoutLine.objects.bulk_create(
        [
            PayoutLine(
                payout=payout,
                transaction_id=line.transaction_id,
                kind=line.kind,
                object_id=line.object_id,
                payment_id=payments.get(line.capture_id) or payments.get(line.payment_id),
                gross_minor=_gross(line),
                fee_minor=line.fee_minor,
                net_minor=line.net_minor,
                at=line.at,
            )
            for line in lines
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )


def _payments(payout: Payout, lines: Sequence[Transaction]) -> dict[str, UUID]:
    """Capture id, and id of ours as text -> payment."""
    own = Payment.objects.filter(account=payout.account_id)
    captures = {line.capture_id for line in lines if line.capture_id}
    by_capture = own.filter(capture_id__in=captures).values_list("capture_id", "pk")
    by_id = own.filter(pk__in=books.payment_ids(lines)).values_list("pk", flat=True)
    return {**{str(key): key for key in by_id}, **dict(by_capture)}
