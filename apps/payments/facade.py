"""What other apps may ask of payments. They hear back by payments.* events, never by a call.

`reference` is whatever the caller can find its own object by (fees: the invoice's id).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from apps.payments import selectors
from apps.payments.contracts import (
    REAL_MONEY,
    AccountInfo,
    BankLine,
    OnlineTotals,
    PaymentInfo,
    PaymentLine,
    RefundInfo,
    ReturnedRow,
    TakenRow,
    TakingsInfo,
    TakingsReport,
)
from apps.payments.selectors import payment_of_key
from apps.payments.selectors.money_back import (
    disputes_of,
    get_refund,
    refunds_under_way,
    reversals_of,
    waiting_approvals,
)
from apps.payments.selectors.waiting import waiting
from apps.payments.services import accounts, counter, refunds, ways
from apps.payments.services import sync as sync_service
from apps.payments.services import takings as money
from apps.payments.services.accounts import account_taking, can_take_payments
from apps.payments.services.bank import matching as bank
from apps.payments.services.bank.matching import give_up_plan as give_up_bank_plan
from apps.payments.services.bank.matching import ignore as ignore_bank_line
from apps.payments.services.bank.matching import take_back as take_back_by_bank_line
from apps.payments.services.bank.matching import tie_payments as tie_bank_line
from apps.payments.services.bank.matching import undo as undo_bank_line
from apps.payments.services.bank.recorded import recorded_like as recorded_like_bank_line
from apps.payments.services.bank.recorded import tie_recorded as tie_recorded_payment
from apps.payments.services.charging import charge_saved_method, refusal_code
from apps.payments.services.errors import (
    AlreadyPaid,
    KeyReused,
    NoGateway,
    PaymentInProgress,
    PaymentsPaused,
)
from apps.payments.services.fraud import source_of
from apps.payments.services.methods import can_save as can_save_methods
from apps.payments.services.methods import forget as forget_saved_method
from apps.payments.services.methods import is_kept as keeps_method
from apps.payments.services.methods import usable as saved_methods
from apps.payments.services.methods import usable_for as saved_methods_for
from apps.payments.services.orders import Order
from apps.payments.services.refunds import book_external_refund, ignore_external_refund
from apps.payments.services.start import start_payment
from apps.payments.services.timeline import method_name
from apps.payments.services.timeline import reason_text as dispute_reason

__all__ = [
    "AlreadyPaid",
    "KeyReused",
    "NoGateway",
    "Order",
    "PaymentInProgress",
    "PaymentLine",
    "PaymentsPaused",
    "account_taking",
    "bank_line",
    "bank_lines",
    "book_external_refund",
    "can_save_methods",
    "can_take_payments",
    "cancel",
    "charge_saved_method",
    "count_bank_lines",
    "create_sandbox_account",
    "dispute_reason",
    "disputes_of",
    "forget_saved_method",
    "get_payment",
    "get_refund",
    "give_up_bank_plan",
    "ignore_bank_line",
    "ignore_external_refund",
    "keeps_method",
    "kept_minor",
    "list_accounts",
    "list_payments",
    "method_name",
    "open_payments",
    "pay_methods",
    "payment_of_key",
    "payments_for",
    "plan_bank_line",
    "record_offline_payment",
    "recorded_like_bank_line",
    "refunds_on_their_way",
    "refunds_under_way",
    "refusal_code",
    "request_refund",
    "resume_url",
    "returned_rows",
    "reversals_of",
    "saved_methods",
    "saved_methods_for",
    "source_of",
    "start_payment",
    "sync",
    "take_back_by_bank_line",
    "taken_rows",
    "takings",
    "takings_report",
    "tie_bank_line",
    "tie_recorded_payment",
    "undo_bank_line",
    "waiting",
    "waiting_approvals",
]


def get_payment(payment_id: UUID) -> PaymentInfo:
    """What is known, without asking the gateway. Raises NotFound."""
    return selectors.get_payment(payment_id)


def kept_minor() -> int:
    """Captured minus refunded minus lost to disputes over all payments, in minor units: what the
    ledger must hold."""
    return selectors.kept_minor()


def sync(payment_id: UUID) -> PaymentInfo:
    """Ask the gateway, write down and publish what is new, and return the result.

    When the gateway does not answer: what was known before. Raises NotFound.
    """
    return sync_service.refresh(payment_id)


def cancel(payment_id: UUID) -> PaymentInfo:
    """The payer gave up: close the page for good. Look at the status returned: money that
    arrived meanwhile is kept, and a gateway that does not answer leaves it open.
    Raises NotFound."""
    return sync_service.give_up(payment_id)


def resume_url(payment_id: UUID) -> str | None:
    """The hosted page when it is still open, else None. Raises NotFound."""
    return selectors.resume_url(payment_id)


def open_payments(references: Iterable[str]) -> list[PaymentInfo]:
    """Payments that may still bring money for one of these references."""
    return selectors.open_payments(references)


def payments_for(references: Iterable[str]) -> list[PaymentInfo]:
    """Every payment for one of these references, newest first, in a fixed number of queries."""
    return selectors.payments_for(references)


def list_payments(
    *,
    text: str = "",
    status: str = "",
    since: date | None = None,
    until: date | None = None,
    payer_id: UUID | None = None,
    limit: int = 50,
) -> list[PaymentInfo]:
    """The newest payments that match; days are the school's, both included."""
    rows = selectors.search_payments(
        text=text, status=status, since=since, until=until, payer_id=payer_id
    ).prefetch_related("lines", "refunds")
    return [selectors.to_info(row) for row in rows[:limit]]


def record_offline_payment(
    *,
    payer_id: UUID,
    payer_name: str,
    lines: Sequence[PaymentLine],
    currency: str,
    method: str,
    received_on: date,
    note: str,
    actor: str,
    idempotency_key: str,
    payer_email: str = "",
) -> UUID:
    """Write down cash, a cheque or a transfer (`method`) and return the payment's id.

    payments.payment_captured is published; the same key records it once. Raises Invalid,
    KeyReused, AlreadyPaid, PaymentInProgress, Unavailable (an open page cannot be closed).
    """
    order = counter.order_of(
        payer_id, payer_name, payer_email, tuple(lines), currency, idempotency_key
    )
    return counter.record_offline_payment(
        order, method=method, received_on=received_on, note=note, actor=actor
    )


def request_refund(
    *, payment_id: UUID, amount_minor: int, reason: str, actor: str, idempotency_key: str
) -> RefundInfo:
    """Give money back by the way it came. Call outside a transaction.

    The refund may still be on its way when this returns (status requested or pending), or wait
    for a second person (waiting_approval, when it is above the school's limit);
    payments.refund_completed or payments.refund_failed tells the end. The same key never gives
    back twice. Raises NotFound, Invalid (more than is left), KeyReused.
    """
    return refunds.request_refund(
        payment_id=payment_id,
        amount_minor=amount_minor,
        reason=reason,
        actor=actor,
        idempotency_key=idempotency_key,
    )


def list_accounts() -> list[AccountInfo]:
    """The school's accounts at gateways, the one in use first; keys masked only."""
    return selectors.list_accounts()


def pay_methods(account_id: UUID | None = None) -> tuple[str, ...]:
    """The ways (card, paypal) in which a payer may pay money of this account, the usual one first.
    Empty while the school takes no payments online."""
    return ways.methods(account_id)


def create_sandbox_account(provider: str = "stripe") -> AccountInfo:
    """The school's account at the sandbox gateway; made once a provider, without network."""
    return accounts.create_sandbox_account(provider=provider)


def takings(since: date, until: date) -> TakingsInfo:
    """Money taken and given back between two days of the school, both included."""
    return selectors.takings(since=since, until=until)


def takings_report(*, since: date, until: date, which: str = REAL_MONEY) -> TakingsReport:
    """What came in and went back between two days of the school (both included), by day, method
    and account. `which`: contracts.REAL_MONEY or TEST_MONEY. Raises Invalid for a span of more
    than three years, or that ends before it begins."""
    return money.takings_report(since=since, until=until, money=which)


def taken_rows(*, since: date, until: date, which: str = REAL_MONEY) -> Iterator[TakenRow]:
    """The payments of such a report one by one, oldest first; read while the school is open."""
    return money.taken_rows(since=since, until=until, money=which)


def returned_rows(*, since: date, until: date, which: str = REAL_MONEY) -> Iterator[ReturnedRow]:
    """The refunds of such a report one by one, oldest first; read while the school is open."""
    return money.returned_rows(since=since, until=until, money=which)


def refunds_on_their_way() -> list[ReturnedRow]:
    """Refunds that are asked for and not made yet, oldest first; at most 50."""
    return money.refunds_on_their_way()


def captured_online(*, begins: datetime, ends: datetime) -> OnlineTotals:
    """What gateways captured from `begins` up to `ends` (exclusive); test payments left out."""
    return selectors.captured_online(begins=begins, ends=ends)


def bank_lines(
    *, state: str = "", text: str = "", offset: int = 0, limit: int = 500
) -> list[BankLine]:
    """Entries of the school's bank account, newest first; open ones that take back a payment at
    the counter say which."""
    rows = list(bank.lines(state=state, text=text)[offset : offset + limit])
    returned = bank.returned_by(rows)
    return [bank.to_bank_line(row, returned) for row in rows]


def count_bank_lines(*, state: str = "", text: str = "") -> int:
    """How many there are."""
    return bank.lines(state=state, text=text).count()


def bank_line(line_id: UUID) -> BankLine:
    """Raises NotFound."""
    return bank.to_bank_line(bank.get_line(line_id))


def plan_bank_line(line_id: UUID, what: Mapping[str, Any]) -> BankLine:
    """Say what is about to be recorded for a line (plain JSON), before anything is. The same plan
    may be carried on, another one is refused. Returns the line as it was then: keys are made of
    its attempt. Raises NotFound, Conflict."""
    return bank.to_bank_line(bank.plan(line_id, what))
