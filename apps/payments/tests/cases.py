"""Books of the gateway and ours that agree, and faults to plant in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from apps.payments.providers.base import Transaction
from apps.payments.services.reconcile import compare as comparing
from apps.payments.services.reconcile.compare import (
    OurPayment,
    OurRefund,
    Ours,
    Window,
)

START = datetime(2026, 10, 23, tzinfo=UTC)
WINDOW = Window(
    since=START,
    until=START + timedelta(days=3),
    listed_since=START - timedelta(days=1),
    listed_until=START + timedelta(days=5),
    late_after=START + timedelta(days=5),
)


@dataclass
class Case:
    """One payment with what both sides know of it."""

    payment: OurPayment
    refunds: list[OurRefund] = field(default_factory=list)
    lines: list[Transaction] = field(default_factory=list)
    disputes: set[str] = field(default_factory=set)

    @property
    def charge(self) -> Transaction:
        return self.lines[0]

    def add(self, **values: object) -> Transaction:
        number = len(self.lines)
        line = replace(self.charge, transaction_id=f"{self.charge.transaction_id}.{number}")
        self.lines.append(replace(line, **values))  # type: ignore[arg-type]
        return self.lines[-1]


def charge_line(payment: OurPayment, at: datetime, number: int) -> Transaction:
    fee = round(payment.amount_minor * 0.029) + 30
    return Transaction(
        transaction_id=f"txn_{number}",
        kind="charge",
        at=at,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        fee_minor=fee,
        net_minor=payment.amount_minor - fee,
        settlement_currency="EUR",
        object_id=f"ch_{number}",
        capture_id=f"ch_{number}",
        payment_id=str(payment.id),
    )


@st.composite
def cases(draw: st.DrawFn, number: int) -> Case:
    amount = draw(st.integers(1, 900_000))
    seconds = draw(st.integers(0, 3 * 24 * 3600 - 600))  # refunds follow within minutes
    at = START + timedelta(seconds=seconds)
    # We may have heard of it a good while later, and the books may say a second earlier.
    heard = at + timedelta(seconds=draw(st.sampled_from([0, 1, 3000, 90_000])))
    payment = OurPayment(
        id=UUID(int=number + 1),
        currency=draw(st.sampled_from(["USD", "EUR", "JPY"])),
        amount_minor=amount,
        captured_minor=amount,
        capture_id=f"ch_{number}",
        captured_at=heard,
    )
    case = Case(payment, lines=[charge_line(payment, at, number)])
    for part in draw(st.lists(st.sampled_from(["succeeded", "failed", "pending"]), max_size=2)):
        if amount > 2:
            add_refund(case, part, amount // 3)
    if draw(st.booleans()) and draw(st.booleans()):
        add_dispute(case, known=True)
    return case


def add_refund(case: Case, status: str, amount: int, *, external: bool = False) -> OurRefund:
    number = len(case.refunds)
    at = case.charge.at + timedelta(minutes=number)
    refund = OurRefund(
        id=UUID(int=case.payment.id.int * 1000 + number),
        payment_id=case.payment.id,
        provider_refund_id=f"re_{case.charge.object_id}_{number}",
        currency=case.payment.currency,
        amount_minor=amount,
        status=status,
        external=external,
        at=at,
    )
    case.refunds.append(refund)
    object_id = refund.provider_refund_id
    case.add(kind="refund", at=at, object_id=object_id, amount_minor=-amount)
    if status == "failed":
        case.add(kind="refund_failure", at=at, object_id=object_id, amount_minor=amount)
    return refund


def add_dispute(case: Case, *, known: bool) -> str:
    object_id = f"dp_{case.charge.object_id}"
    amount = -case.payment.amount_minor
    case.add(kind="dispute", object_id=object_id, amount_minor=amount, fee_minor=1500)
    if known:
        case.disputes.add(object_id)
    return object_id


# Planting: each changes the case and says what must be found. ----------------------------------


def unpaid(case: Case, **changes: object) -> None:
    """As if we had not heard of the money."""
    unheard = {"captured_minor": 0, "capture_id": "", "captured_at": None}
    case.payment = replace(case.payment, **(unheard | changes))
    case.refunds, case.lines, case.disputes = [], case.lines[:1], set()


def plant_not_local(case: Case) -> str:
    unpaid(case)
    return case.charge.object_id


def plant_missing(case: Case) -> str:
    case.payment = replace(case.payment, captured_at=case.charge.at)
    case.lines = [line for line in case.lines if line.kind != "charge"]
    return case.payment.capture_id


def plant_amount(case: Case) -> str:
    case.lines[0] = replace(case.charge, amount_minor=case.charge.amount_minor + 1)
    return case.charge.object_id


def plant_amount_unbooked(case: Case) -> str:
    unpaid(case, capture_id=case.charge.object_id)
    return plant_amount(case)


def plant_currency(case: Case) -> str:
    case.lines[0] = replace(case.charge, currency="GBP")
    return case.charge.object_id


def plant_failed_charge(case: Case) -> str:
    case.add(kind="charge_failure", amount_minor=-case.payment.amount_minor)
    return case.charge.object_id


def plant_second(case: Case) -> str:
    return case.add(
        object_id="ch_again", capture_id="ch_again", at=case.charge.at + timedelta(seconds=9)
    ).object_id


def plant_unknown(case: Case) -> str:
    object_id = f"other_{case.charge.object_id}"
    return case.add(object_id=object_id, capture_id=object_id, payment_id="theirs").object_id


def plant_external(case: Case) -> str:
    refund = add_refund(case, "pending", 1, external=True)
    case.refunds.pop()
    return refund.provider_refund_id


def plant_external_unbooked(case: Case) -> str:
    return add_refund(case, "pending", 1, external=True).provider_refund_id


def plant_refund_amount(case: Case) -> str:
    refund = add_refund(case, "succeeded", 5)
    case.lines[-1] = replace(case.lines[-1], amount_minor=-6)
    return refund.provider_refund_id


def plant_refund_missing(case: Case) -> str:
    refund = add_refund(case, "succeeded", 5)
    case.lines.pop()
    return refund.provider_refund_id


def plant_refund_failed_there(case: Case) -> str:
    refund = add_refund(case, "succeeded", 5)
    case.add(kind="refund_failure", object_id=refund.provider_refund_id, amount_minor=5)
    return refund.provider_refund_id


def plant_refund_failed_here(case: Case) -> str:
    refund = add_refund(case, "succeeded", 5)
    case.refunds[-1] = replace(refund, status="failed")
    return refund.provider_refund_id


def plant_dispute(case: Case) -> str:
    case.disputes.clear()
    case.lines = [line for line in case.lines if line.kind != "dispute"]
    return add_dispute(case, known=False)


def plant_duplicate(case: Case) -> str:
    return case.add().object_id


def plant_duplicate_refund(case: Case) -> str:
    refund = add_refund(case, "succeeded", 5)
    copied = replace(case.lines[-1], transaction_id=f"{case.lines[-1].transaction_id}-again")
    case.lines.append(copied)
    return refund.provider_refund_id


PLANTS = {
    plant_not_local: comparing.PAID_AT_GATEWAY_NOT_LOCAL,
    plant_missing: comparing.LOCAL_PAID_MISSING_AT_GATEWAY,
    plant_amount: comparing.AMOUNT_MISMATCH,
    plant_amount_unbooked: comparing.AMOUNT_MISMATCH,
    plant_currency: comparing.CURRENCY_MISMATCH,
    plant_failed_charge: comparing.STATUS_MISMATCH,
    plant_second: comparing.SECOND_CAPTURE,
    plant_unknown: comparing.UNKNOWN_AT_LOCAL,
    plant_external: comparing.EXTERNAL_REFUND,
    plant_external_unbooked: comparing.EXTERNAL_REFUND,
    plant_refund_amount: comparing.REFUND_AMOUNT_MISMATCH,
    plant_refund_missing: comparing.LOCAL_REFUND_MISSING,
    plant_refund_failed_there: comparing.STATUS_MISMATCH,
    plant_refund_failed_here: comparing.STATUS_MISMATCH,
    plant_dispute: comparing.UNKNOWN_DISPUTE,
    plant_duplicate: comparing.DUPLICATE_ROW,
    plant_duplicate_refund: comparing.DUPLICATE_ROW,
}


def put_together(found: list[Case]) -> tuple[Ours, list[Transaction]]:
    ours = Ours(
        payments=[case.payment for case in found],
        refunds=[refund for case in found for refund in case.refunds],
        dispute_ids=frozenset(key for case in found for key in case.disputes),
    )
    return ours, [line for case in found for line in case.lines]


@st.composite
def healthy(draw: st.DrawFn) -> list[Case]:
    return [draw(cases(number)) for number in range(draw(st.integers(0, 6)))]


# What is no fault: fees, payouts, the other account of the same page, lines shown twice.
NOISE = Transaction(
    transaction_id="txn_noise",
    kind="payout",
    at=START,
    amount_minor=-1,
    currency="EUR",
    fee_minor=0,
    net_minor=-1,
    settlement_currency="EUR",
    object_id="po_1",
)
