"""What the platform asks of a payment gateway, and the four ways in which a call can fail.

A provider never touches the database and moves money only in `capture_if_approved` and `refund`.
Amounts are minor units; a gateway takes only currencies that have the decimals of kernel.money
there (`takes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol, runtime_checkable


class ProviderError(Exception):
    """A call to the gateway that brought no result. `detail` is safe to show to staff."""

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class Declined(ProviderError):
    """The gateway understood and said no: asking again changes nothing."""


class Invalid(ProviderError):
    """Our request or our key is wrong; nothing happened at the gateway."""


class Gone(Invalid):
    """The gateway does not know the page (any more): no money can come by it."""


class Retryable(ProviderError):
    """Nothing happened at the gateway (not reached, or too many requests): try again later."""


class Unknown(ProviderError):
    """The request may or may not have been carried out: only asking again can tell."""


class BadSignature(ProviderError):
    """A message that was not signed by the gateway, or too old, or from the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """`client_id` is empty where the key says whose it is. `connected_account`: whose behalf the
    key acts on, when not its own. `live`: real money. `api_base` empty: the gateway's own address.
    `loopback`: a stand-in on this machine, never by proxy."""

    secret_key: str
    client_id: str = ""
    connected_account: str = ""
    live: bool = False
    api_base: str = ""
    loopback: bool = False

    def __repr__(self) -> str:
        return f"Credentials(api_base={self.api_base!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """Everything a hosted payment page needs. Kept with the payment: a retry sends the same."""

    payment_id: str
    currency: str
    description: str
    payer_email: str
    success_url: str
    cancel_url: str
    expires_at: int  # Unix seconds
    idempotency_key: str
    lines: tuple[SessionLine, ...]
    # The payer agreed that the gateway keeps the card; `customer_id`: how it knows them already.
    save_method: bool = False
    customer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """A charge of a saved method with no page. Kept with the payment; it is sent once, and looked
    for when no answer came. `success_url`: where the payer sees what became of it."""

    payment_id: str
    currency: str
    amount_minor: int
    description: str
    customer_id: str
    method_id: str
    success_url: str
    started_at: int  # Unix seconds
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSnapshot:
    """A card that the gateway keeps: its tokens, and what a person recognises it by."""

    customer_id: str
    method_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedSession:
    session_id: str
    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSnapshot:
    capture_id: str
    amount_minor: int
    currency: str
    method: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureSnapshot:
    attempt_id: str
    code: str
    message: str
    final: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSnapshot:
    """`our_id` is empty for a refund that was made at the gateway itself."""

    provider_refund_id: str
    our_id: str
    amount_minor: int
    currency: str
    status: str  # pending, succeeded, failed
    failure: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSnapshot:
    """The payer's bank takes a capture back. `due_by`: until when the school may answer."""

    dispute_id: str
    capture_id: str
    amount_minor: int
    currency: str
    status: str  # open, under_review, won, lost
    reason: str
    due_by: datetime | None
    at: datetime
    # The bank only asks and takes no money; it is won when the bank is content.
    inquiry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One line of the gateway's own books, for reconciliation.

    `amount_minor` is in the currency of what was paid, negative when money left the school's
    account; fee and net are in the currency the gateway settles in. `kind`: charge, charge_failure
    (a bank takes it back after all), refund, refund_failure, dispute, dispute_reversal, fee,
    payout, other. `object_id` is the capture's, refund's, dispute's or payout's own id.
    """

    transaction_id: str
    kind: str
    at: datetime
    amount_minor: int
    currency: str
    fee_minor: int
    net_minor: int
    settlement_currency: str
    object_id: str
    capture_id: str = ""
    payment_id: str = ""
    payout_id: str = ""
    settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutSnapshot:
    """Money the gateway sent to the school's bank, and the lines of its books that make it up.

    `amount_minor` is what arrives, in the currency of the bank account. `status`: pending,
    in_transit, paid, failed. `transactions` leave out the payout's own line.
    """

    payout_id: str
    amount_minor: int
    currency: str
    status: str
    descriptor: str
    arrives_on: date
    at: datetime
    transactions: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSnapshot:
    """What the gateway says about one hosted session, now.

    `approved`: the payer has agreed, and the money waits for us to take it. `expired`: no money
    can come by this page any more.
    """

    session_id: str
    payment_id: str
    open: bool
    expired: bool
    url: str
    approved: bool = False
    processing: tuple[tuple[str, datetime], ...] = ()
    captures: tuple[CaptureSnapshot, ...] = ()
    failures: tuple[FailureSnapshot, ...] = ()
    refunds: tuple[RefundSnapshot, ...] = ()
    disputes: tuple[DisputeSnapshot, ...] = ()
    # Kept by the gateway with this payment.
    method: MethodSnapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """`idempotency_key` is the refund's own id, for ever. `capture_id`: of the money that came;
    `by_capture`: of several captures it is this one."""

    session_id: str
    capture_id: str
    payment_id: str
    refund_id: str
    amount_minor: int
    currency: str
    idempotency_key: str
    by_capture: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """`secret`: what `verify` checks messages with."""

    endpoint_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A verified message: what it is called and what it says it is about. Nothing to believe."""

    event_id: str
    event_type: str
    object_id: str
    payment_hint: str
    capture_hint: str
    livemode: bool | None = None  # None: the gateway does not say


class Provider(Protocol):
    """A gateway with a hosted payment page. README.md of payments says what a new one needs.

    `method`: what the payer pays by, until the gateway says it more exactly. `key_lifetime`: how
    long a page is found again by its idempotency key.
    """

    method: str
    key_lifetime: timedelta

    def takes(self, currency: str) -> bool:
        """True for a currency this gateway knows with the decimals of kernel.money."""

    def open_session(self, request: SessionRequest) -> HostedSession:
        """Create the page, or find the one the same key made before (see `key_lifetime`)."""

    def fetch(self, session_id: str) -> PaymentSnapshot:
        """Read everything about the session again."""

    def capture_if_approved(self, snapshot: PaymentSnapshot) -> PaymentSnapshot:
        """Take the money of a page whose payer has agreed, and read everything again.

        Approval is not payment. Returns the snapshot as it is when there is nothing to take; a
        page whose money was taken meanwhile is read again. A refusal is one of `failures`.
        """

    def expire(self, session_id: str) -> PaymentSnapshot:
        """Close the page for good and say what is true then (`expired`, unless money came).

        A page that is closed or paid already is left as it is.
        """

    def refund(self, request: RefundRequest) -> RefundSnapshot:
        """Give money back. The key is the refund's own, so that twice is once."""

    def register_webhook(self, *, url: str, idempotency_key: str) -> WebhookEndpoint:
        """Ask the gateway to send its events to this address."""

    def complete_webhook(self, endpoint_id: str) -> bool:
        """Have an endpoint of before send the kinds of events that were added since. True when
        some were missing; raises Gone when the gateway has no such endpoint."""

    def remove_webhook(self, endpoint_id: str) -> None:
        """Stop sending there. An endpoint that is gone already is fine."""

    def check(self) -> None:
        """One cheap reading call that proves address and key. Raises ProviderError."""

    def verify(self, *, body: bytes, headers: Mapping[str, Any], secrets: Sequence[str]) -> Message:
        """Check the signature against any of the secrets. Raises BadSignature."""

    def list_transactions(self, *, since: datetime, until: datetime) -> Iterator[Transaction]:
        """Every line of the gateway's own books from `since` up to `until` (exclusive), each page
        fetched as it is needed. Raises ProviderError on the way when a page cannot be had: what
        came before is then no answer at all."""

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        """Payouts made from `since` up to `until` (exclusive), each with what it is made of.
        Empty for a gateway that leaves the money until the school fetches it."""


@runtime_checkable
class SavesMethods(Protocol):
    """What a gateway can do besides when it keeps methods of payment. Not every one does."""

    def charge(self, request: ChargeRequest) -> HostedSession:
        """Charge the saved method while nobody is there, and return what `fetch` can read, also
        when the bank refused. Raises Declined when there is not even that."""

    def find_charge(self, request: ChargeRequest) -> HostedSession | None:
        """The charge that an earlier call made; moves no money."""

    def forget_method(self, method_id: str) -> None:
        """Nobody can charge it any more. One that is gone already is fine."""
