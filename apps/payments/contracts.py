"""What other apps see of payments: plain, frozen data. Amounts: minor units and ISO currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

INITIATED = "initiated"
PENDING = "pending"
PROCESSING = "processing"
CAPTURED = "captured"
PARTIALLY_REFUNDED = "partially_refunded"
REFUNDED = "refunded"
# Like refunded, but a cheque or transfer that was no money after all: nobody was given anything.
REVERSED = "reversed"
DISPUTED = "disputed"
DISPUTE_LOST = "dispute_lost"
DECLINED = "declined"
CANCELLED = "cancelled"
EXPIRED = "expired"
UNKNOWN = "unknown"

PAID_STATUSES = (CAPTURED, PARTIALLY_REFUNDED, REFUNDED, REVERSED, DISPUTED, DISPUTE_LOST)
PAYMENT_STATUSES = (
    *(INITIATED, PENDING, PROCESSING),
    *PAID_STATUSES,
    *(DECLINED, CANCELLED, EXPIRED, UNKNOWN),
)

# Above the school's limit: a second person has to approve before it is requested at all.
REFUND_WAITING = "waiting_approval"
REFUND_REQUESTED = "requested"
REFUND_PENDING = "pending"
REFUND_SUCCEEDED = "succeeded"
REFUND_FAILED = "failed"
# Made at the gateway, and by a person's decision none of this payment's books.
REFUND_IGNORED = "ignored"
# What a person may decide about money that did not match.
BOOK, REFUND, CLOSE = "book", "refund", "close"

OPEN, UNDER_REVIEW, WON, LOST = "open", "under_review", "won", "lost"
UNDECIDED = (OPEN, UNDER_REVIEW)
# A bank that only asks has taken no money: it may be content, or make a dispute of it.
INQUIRY, INQUIRY_ANSWERED, INQUIRY_CLOSED = "inquiry", "inquiry_answered", "inquiry_closed"
UNSETTLED = (OPEN, INQUIRY, UNDER_REVIEW, INQUIRY_ANSWERED)

# Another guardian waits this long for a hosted page that its owner seems to have left.
HELD_FOR = timedelta(minutes=15)
OFFLINE_METHODS = ("cash", "cheque", "transfer")

# The tasks of one school for which work is noted down (tenants.note_due_work).
TIDY_TASK = "payments.tidy_school"
MESSAGES_TASK = "payments.take_up_messages"
RECONCILE_TASK = "payments.reconcile_school"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLine:
    """One thing that is being paid: `reference` is opaque to payments (fees: the invoice's id)."""

    reference: str
    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedPayment:
    """Where to send the payer. `reused`: the payment was open (or paid) already."""

    payment_id: UUID
    redirect_url: str
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMethodInfo:
    """A card that the gateway keeps for a payer; it can be charged until it is removed."""

    id: UUID
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    consented_at: datetime
    account_id: UUID

    @property
    def name(self) -> str:
        """“Visa •• 4242”"""
        return f"{self.brand.replace('_', ' ').title()} •• {self.last4}"

    @property
    def expires(self) -> str:
        return f"{self.exp_month:02}/{self.exp_year}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundInfo:
    """One refund of a payment. Status: waiting_approval (a second person has to release it; not
    among the payment's refunds yet), requested, pending, succeeded, failed,
    ignored.

    `returned`: the reversal of a payment at the counter (a bounced cheque); nobody was given money.
    `mistaken`: such a reversal because the money was never this payer's (a wrong bank match).
    """

    id: UUID
    payment_id: UUID
    status: str
    amount_minor: int
    currency: str
    reason: str
    requested_at: datetime
    completed_at: datetime | None = None
    failure: str = ""
    external: bool = False
    returned: bool = False
    mistaken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MismatchInfo:
    """Money that arrived and is not what was asked for: another sum or currency, or a second time.
    `may_book`: it is in the payment's own currency, so it can be booked or refunded from here."""

    capture_id: str
    amount_minor: int
    currency: str
    expected_minor: int
    expected_currency: str
    is_second: bool
    may_book: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalInfo:
    """A refund above the school's limit, and what a second person said. State: waiting, approved,
    declined, withdrawn, expired. The refund that it becomes has the same id."""

    id: UUID
    payment_id: UUID
    payer_name: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeInfo:
    """A payer's bank takes a capture back, or asks about it (inquiry…). `due_by`: until
    when the school may answer. `gateway_url`: where it is answered; empty when nobody knows."""

    id: UUID
    payment_id: UUID
    provider_dispute_id: str
    payer_name: str
    amount_minor: int
    currency: str
    status: str
    reason: str
    opened_at: datetime
    due_by: datetime | None = None
    closed_at: datetime | None = None
    gateway_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentInfo:
    """A payment as folded from its events. `refundable_minor` is what may still be given back,
    `disputed_minor` what its payer's bank wants back and `lost_minor` what the bank has taken.
    `cover_minor`: what of the amount the payer adds for the cost of processing."""

    id: UUID
    status: str
    currency: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    refundable_minor: int
    lines: tuple[PaymentLine, ...]
    payer_id: UUID
    payer_name: str
    payer_email: str
    provider: str
    method: str
    test_mode: bool
    description: str
    started_at: datetime
    captured_at: datetime | None
    is_open: bool
    attention: str = ""
    disputed_minor: int = 0
    lost_minor: int = 0
    cover_minor: int = 0
    refunds: tuple[RefundInfo, ...] = field(default_factory=tuple)
    charges_method: bool = False  # a saved method is charged: there is no page to go back to

    @property
    def reversed_minor(self) -> int:
        """The part of `refunded_minor` that nobody was given."""
        return sum(refund.amount_minor for refund in self.refunds if refund.returned)

    @property
    def given_back_minor(self) -> int:
        """The part of `refunded_minor` that the payer got."""
        return self.refunded_minor - self.reversed_minor

    @property
    def held_until(self) -> datetime:
        """From then on (UTC) somebody else may pay the same, if this page is still unused."""
        return self.started_at + HELD_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyAction:
    """One line of the audit: who did what with money, when and why. `payment_id` is None for
    what is about no payment, an account or a billing run say. `actor`: an address of staff,
    "payer" or "system: " and which part."""

    at: datetime
    actor: str
    what: str
    why: str
    trace_id: str
    code: str
    subject: str = ""
    payment_id: UUID | None = None


# Which money a report is about: what counts, or what never does (test payments).
REAL_MONEY, TEST_MONEY = "real", "test"
OFFLINE = "offline"  # the provider of money at the counter


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingsCell:
    """Money of one day, one method and one account, minor units. All cuts of a report are sums
    over these cells, so that they agree. Money at the counter (provider "offline") has no
    account, nor has that of demonstration schools."""

    day: date
    method: str
    provider: str
    account_id: UUID | None
    account: str
    taken_minor: int = 0
    cover_minor: int = 0  # what of the taken was added for the cost of processing
    taken_count: int = 0
    returned_minor: int = 0
    returned_count: int = 0
    lost_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFees:
    """What one gateway account kept of what it has paid out; minor units."""

    account_id: UUID
    account: str
    fees_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingsReport:
    """Money in and out of two days and those between, in the school's currency and time zone.

    Money counts on the day it was captured, a refund on the day it was made, a dispute on the day
    it was lost; fees are known once they are paid out. `practice`: some of
    it is sandbox money. `left_out_minor` is of test payments, which never count.
    """

    since: date
    until: date
    currency: str
    cells: tuple[TakingsCell, ...]
    payment_ids: tuple[UUID, ...]
    refund_ids: tuple[UUID, ...]
    fees: tuple[GatewayFees, ...] = ()
    practice: bool = False
    left_out_minor: int = 0
    left_out_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRow:
    """One captured payment of a report. `account` is the gateway account's name, if any."""

    payment_id: UUID
    at: datetime
    payer_name: str
    description: str
    method: str
    account: str
    amount_minor: int
    cover_minor: int
    refunded_minor: int
    test_mode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedRow:
    """One refund of a report. `at`: when it was made or, while it is on its way, asked for.
    `returned`: the payment was taken back, nobody was given money."""

    refund_id: UUID
    payment_id: UUID
    at: datetime
    payer_name: str
    method: str
    account: str
    amount_minor: int
    reason: str
    actor: str
    status: str
    external: bool
    returned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """A connection to a payment gateway; the secret key is shown masked only.

    `is_offered`: payers may choose it instead of the default account.
    """

    id: UUID
    provider: str
    mode: str
    label: str
    masked_key: str
    is_default: bool
    webhook_ready: bool
    webhook_url: str
    problem: str = ""
    connected_account: str = ""
    is_on: bool = True
    checked_at: datetime | None = None
    old_secret_until: datetime | None = None
    is_offered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineTotals:
    """Money that gateways captured in a span of time, in the school's currency."""

    captured_minor: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingsInfo:
    """Money taken and given back between two dates (both included, in the school's zone)."""

    since: date
    until: date
    captured_minor: int
    refunded_minor: int
    count: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """One booked entry of the school's bank account; below zero when money left.

    State: open, matched, ignored. `plan`: what somebody began to record. `attempt` belongs into
    the keys under which payments are recorded for it. `returns_payment`: the payment at the
    counter that it probably takes back.
    """

    id: UUID
    booked_on: date
    amount_minor: int
    currency: str
    name: str
    text: str
    state: str
    reason: str
    decided_by: str
    attempt: int
    plan: Mapping[str, Any] | None
    payment_ids: tuple[UUID, ...]
    payout_id: UUID | None
    is_reversal: bool
    returns_payment: UUID | None
    returns_payer: str
