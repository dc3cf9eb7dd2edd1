"""What the Pay button of a family's page would do: which invoices, how much of it from credit."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.utils import timezone

from apps.fees.contracts import FamilyBalance, InvoiceInfo, PayGroup
from apps.fees.preferences import USE_CREDIT
from apps.fees.selectors import accounts
from apps.payments import facade as payments
from apps.payments.contracts import PROCESSING, PaymentInfo
from kernel.schools import today


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """`groups`: what may be paid now, by the account of the school that takes it. `invoices`: what
    the button pays, the first group. `held`: invoices that nobody can pay just now, since another
    guardian is paying them (`other`) or a bank is still working on them. `own`: the reader's own
    payment that is not done.
    `methods`: the ways to pay the first group, the usual one first."""

    groups: tuple[PayGroup, ...]
    invoices: tuple[InvoiceInfo, ...]
    held: frozenset[UUID]
    credit_minor: int
    own: PaymentInfo | None
    other: PaymentInfo | None
    methods: tuple[str, ...] = ()

    @property
    def account_id(self) -> UUID | None:
        """The account of the school that the button pays into; None while it owes no choice."""
        return self.groups[0].account_id if self.groups else None

    @property
    def total_minor(self) -> int:
        """What should be paid next."""
        return sum(invoice.now_minor(today()) for invoice in self.invoices)

    @property
    def later_minor(self) -> int:
        """What of these invoices is due with later instalments."""
        return sum(invoice.balance_minor for invoice in self.invoices) - self.total_minor

    @property
    def rest_minor(self) -> int:
        """What the card is asked for, after the credit."""
        return self.total_minor - self.credit_minor

    @property
    def other_is_processing(self) -> bool:
        """The other guardian is done; the bank is not."""
        return self.other is not None and self.other.status == PROCESSING

    @property
    def own_is_processing(self) -> bool:
        """The reader is done; the bank is not."""
        return self.own is not None and self.own.status == PROCESSING


def offer_to(owed: FamilyBalance) -> Offer:
    """The offer to this guardian, with what is under way for the same invoices."""
    found = [invoice for child in owed.children for invoice in child.invoices]
    references = [str(invoice.id) for invoice in found]
    under_way = payments.open_payments(references) if references else []
    holding = [info for info in under_way if _holds(info, owed.guardian.id)]
    held = {line.reference for info in holding for line in info.lines}
    free = [invoice for invoice in found if str(invoice.id) not in held]
    groups = [
        replace(group, methods=payments.pay_methods(group.account_id))
        for group in accounts.pay_groups(sorted(free, key=lambda i: (i.next_due_on, i.number)))
    ]
    wanted = groups[0].now_minor if groups else 0
    return Offer(
        groups=tuple(groups),
        invoices=groups[0].invoices if groups else (),
        held=frozenset(invoice.id for invoice in found if str(invoice.id) in held),
        credit_minor=min(wanted, owed.credit_minor) if USE_CREDIT.value else 0,
        own=next((info for info in under_way if info.payer_id == owed.guardian.id), None),
        other=next((info for info in holding if info.payer_id != owed.guardian.id), None),
        methods=groups[0].methods if groups else payments.pay_methods(None),
    )


def _holds(info: PaymentInfo, reader_id: UUID) -> bool:
    """Whether this payment keeps the reader from paying. Their own page does not, nor one that
    seems left alone: the gateway is asked to close it when the reader pays."""
    if info.status == PROCESSING:
        return True
    return info.payer_id != reader_id and info.held_until > timezone.now()
