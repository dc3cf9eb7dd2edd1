"""What fees tells other apps. Amounts are integers in minor units of `currency`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

# Stands for the cover of the processing cost where the parts of a refund are invoices' keys.
COVER = UUID(int=0)
# The task of one school that charges cards automatically (tenants.note_due_work).
AUTOPAY_TASK = "fees.run_autopay"
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
class Part:
    """A part of an amount and the day on which it is due."""

    due_on: date
    amount_minor: int


def open_parts(
    balance_minor: int, *, due_on: date, instalments: Sequence[Part] = ()
) -> tuple[Part, ...]:
    """What of an invoice still wants money, and when: what was paid counts for the earliest."""
    left, parts = balance_minor, []
    for part in reversed(instalments):
        wanted = min(left, part.amount_minor)
        if wanted > 0:
            parts.append(Part(due_on=part.due_on, amount_minor=wanted))
            left -= wanted
    if left > 0:  # no plan, or charged later than it
        parts.append(Part(due_on=due_on, amount_minor=left))
    return tuple(reversed(parts))


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
    instalments: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """What still wants money, by due date."""
        return open_parts(self.balance_minor, due_on=self.due_on, instalments=self.instalments)

    @property
    def next_due_on(self) -> date:
        """When the first part that is not paid is due."""
        return self.parts[0].due_on if self.parts else self.due_on

    def due_minor(self, until: date, *, after: date = date.min) -> int:
        """What is due up to a day (and after another)."""
        return sum(part.amount_minor for part in self.parts if after < part.due_on <= until)

    def now_minor(self, today: date) -> int:
        """What should be paid next: all of it, or of a plan what is due with the next part."""
        return self.due_minor(max(today, self.next_due_on))


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
    """`reversed`: no refund, the payment (or a part of it) did not count after all."""

    text: str
    student_name: str
    amount_minor: int
    reversed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptInfo:
    """The proof of one payment. `credit_minor` is the part kept as family credit;
    `refunded_minor` is what went back to the payer, by refunds and by the payer's bank;
    `cover_minor` what was added for the cost of processing."""

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
    cover_minor: int = 0
    lines: tuple[ReceiptLine, ...] = ()
    refunds: tuple[ReceiptLine, ...] = ()

    @property
    def reversed_minor(self) -> int:
        """The part of `refunded_minor` that nobody was given."""
        return sum(line.amount_minor for line in self.refunds if line.reversed)

    @property
    def is_void(self) -> bool:
        """Nothing of the payment counts: the receipt proves none."""
        return self.reversed_minor > 0 and self.refunded_minor >= self.amount_minor


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
    `refunded_minor`: what went back of it, by refunds and by the payer's bank. `cover_minor`: what
    of it still covers its processing cost."""

    payment_id: UUID
    receipt_number: str
    payer_name: str
    method: str
    paid_at: datetime
    amount_minor: int
    refunded_minor: int
    student_minor: int
    unused_credit_minor: int
    cover_minor: int = 0

    @property
    def is_for_others(self) -> bool:
        """Whether it gives to anybody beside the student and the family's credit."""
        rest = self.amount_minor - self.refunded_minor - self.cover_minor
        return self.student_minor + self.unused_credit_minor != rest

    @property
    def is_only_cover(self) -> bool:
        """Whether everything else of it went back."""
        return 0 < self.cover_minor == self.amount_minor - self.refunded_minor


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
    instalments: tuple[Part, ...] = ()
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
    """Invoices that one payment can pay: their money goes to the same account of the school.
    `now_minor`: what of the total should be paid next; of instalments the later ones are not.
    `methods`: the ways to pay it, the usual one first, where they were asked for."""

    account_id: UUID | None
    real_money: bool
    invoices: tuple[InvoiceInfo, ...]
    total_minor: int
    now_minor: int
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotals:
    """Sums over a filtered list of invoices."""

    count: int
    charged_minor: int
    paid_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPart:
    """Where a refund may be taken from: an invoice, the family's credit (`invoice_id` None) or the
    cover of the processing cost (COVER).
    `most_minor` is what the payment still gives there, `amount_minor` what is proposed."""

    invoice_id: UUID | None
    text: str
    student_name: str
    most_minor: int
    amount_minor: int
