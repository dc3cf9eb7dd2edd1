"""What fees tells other apps. Amounts are integers in minor units of `currency`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

InvoiceStatus = Literal["open", "part_paid", "overdue", "paid", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeInfo:
    """One posted line. `why` answers "Why do I owe this?" in one sentence."""

    id: UUID
    kind: str
    description: str
    amount_minor: int
    why: str
    booked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceInfo:
    id: UUID
    number: str
    title: str
    student_id: UUID
    student_name: str
    class_name: str
    issued_on: date
    due_on: date
    currency: str
    charged_minor: int
    paid_minor: int
    balance_minor: int
    status: InvoiceStatus
    lines: tuple[ChargeInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyGuardian:
    id: UUID
    name: str
    email: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyChild:
    id: UUID
    name: str
    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildBalance:
    """A child and the invoices that still want money, oldest due first."""

    student: FamilyChild
    invoices: tuple[InvoiceInfo, ...]
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyBalance:
    """Everything one guardian may see of what is owed. Credit is not taken off the total."""

    guardian: FamilyGuardian
    children: tuple[ChildBalance, ...]
    total_minor: int
    overdue_minor: int
    credit_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    text: str
    student_name: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptInfo:
    """The proof of one payment. `credit_minor` is the part kept as family credit;
    `refunded_minor` is what went back to the payer, by refunds and by the payer's bank."""

    payment_id: UUID
    number: str
    payer_id: UUID
    payer_name: str
    method: str
    currency: str
    amount_minor: int
    refunded_minor: int
    credit_minor: int
    paid_at: datetime
    lines: tuple[ReceiptLine, ...] = ()
    refunds: tuple[ReceiptLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One line of a student's account. `amount_minor` is positive when the family owes more."""

    booked_on: date
    kind: str
    text: str
    amount_minor: int
    balance_minor: int
    invoice_id: UUID
    invoice_number: str
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossInfo:
    """A payment that its payer's bank took back, and about which staff has to decide."""

    dispute_id: UUID
    payment_id: UUID
    payer_name: str
    amount_minor: int
    currency: str
    lost_at: datetime
    invoices: tuple["LossPart", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPart:
    """An invoice that is open again by a lost dispute."""

    invoice_id: UUID
    number: str
    student_id: UUID
    student_name: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPayment:
    """A payment as seen from one student: `student_minor` is what it pays for this student.
    `refunded_minor`: what went back of it, by refunds and by the payer's bank."""

    payment_id: UUID
    receipt_number: str
    payer_name: str
    method: str
    paid_at: datetime
    amount_minor: int
    refunded_minor: int
    student_minor: int
    unused_credit_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentLedger:
    entries: tuple[LedgerEntry, ...]
    payments: tuple[LedgerPayment, ...]
    balance_minor: int
    charged_minor: int
    paid_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTotals:
    """The school's money at a glance; collected is net of refunds, this calendar month."""

    outstanding_minor: int
    overdue_minor: int
    collected_month_minor: int
    invoices_open: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    student_id: UUID
    student_number: str
    student_name: str
    class_name: str
    amount_minor: int
    why: str
    guardians: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewException:
    """Something a bursar should look at. `billed` says whether the student is charged anyway."""

    student_id: UUID
    student_name: str
    class_name: str
    reason: str
    text: str
    billed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """This run against the last posted run of the same fee."""

    last_run_id: UUID
    last_posted_on: date
    last_count: int
    last_total_minor: int
    count_change: int
    total_change_minor: int
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingPreview:
    run_id: UUID
    fee_name: str
    currency: str
    amount_minor: int
    due_on: date
    class_names: tuple[str, ...]
    lines: tuple[PreviewLine, ...]
    exceptions: tuple[PreviewException, ...]
    families: int
    total_minor: int
    fingerprint: str
    difference: RunDifference | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedRun:
    """What posting did. `already` is true when the run had been posted before."""

    run_id: UUID
    invoices: int
    families: int
    total_minor: int
    currency: str
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    id: UUID
    fee_id: UUID
    fee_name: str
    class_names: tuple[str, ...]
    due_on: date
    state: str
    invoices: int
    total_minor: int
    currency: str
    created_by: str
    created_at: datetime
    posted_by: str = ""
    posted_at: datetime | None = None
    reversed_by: str = ""
    reversed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayStep:
    """What follows the Pay button: go to the hosted page, or nothing was left to pay."""

    redirect_url: str
    payment_id: UUID | None
    credit_used_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PayGroup:
    """Invoices that one payment can pay: their money goes to the same account of the school."""

    account_id: UUID | None
    real_money: bool
    invoices: tuple[InvoiceInfo, ...]
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotals:
    """Sums over a filtered list of invoices."""

    count: int
    charged_minor: int
    paid_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPart:
    """Where a refund may be taken from: an invoice, or the family's credit (`invoice_id` None).
    `most_minor` is what the payment still gives there, `amount_minor` what is proposed."""

    invoice_id: UUID | None
    text: str
    student_name: str
    most_minor: int
    amount_minor: int
