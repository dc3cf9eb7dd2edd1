"""Money that leaves a payment, and money that comes back to it: contra entries in the books.

Refunds and lost disputes are booked alike; only the kind of their rows and what they are called
differ. Everything here is called with the family's account locked.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from apps.fees.models import Allocation, Charge, Credit, FamilyAccount
from apps.fees.services.allocation import (
    announce_booked,
    announce_settled,
    lock_balances,
    write_credit,
)
from apps.fees.services.split import split_capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What moves money: a refund or a dispute (`source_id`), and how its rows are called."""

    payment_id: UUID
    source_id: UUID
    allocation_kind: str
    credit_kind: str
    on: date

    def is_booked(self) -> bool:
        """Whether the books have it already."""
        where = {"payment_id": self.payment_id, "source_id": self.source_id}
        return (
            Allocation.objects.filter(kind=self.allocation_kind, **where).exists()
            or Credit.objects.filter(kind=self.credit_kind, **where).exists()
        )


def given_by(payment_id: UUID) -> dict[UUID, int]:
    """Invoice -> what the payment gives it now; the latest given first."""
    net: dict[UUID, int] = defaultdict(int)
    rows = Allocation.objects.filter(payment_id=payment_id).order_by("-created_at", "-id")
    for invoice_id, amount in rows.values_list("invoice_id", "amount_minor"):
        net[invoice_id] += amount
    return {key: amount for key, amount in net.items() if amount > 0}


def newest_invoice(payment_id: UUID) -> UUID | None:
    """The invoice that the payment last gave to, or lost."""
    rows = Allocation.objects.filter(payment_id=payment_id).order_by("-created_at", "-id")
    return rows.values_list("invoice_id", flat=True).first()


def take_back(
    move: Movement, taken: Mapping[UUID, int], from_credit: int, *, account: FamilyAccount
) -> None:
    """Take these parts from invoices, and the rest from the family's credit."""
    _write(move, {key: -amount for key, amount in taken.items()})
    if from_credit:
        _write_credit(move, account, -from_credit)
    announce_booked([move.payment_id])


def give_again(move: Movement, amount: int, *, taken_as: Movement, account: FamilyAccount) -> None:
    """Money that had been taken is back: to its invoices as far as they want it, the rest becomes
    credit. Publishes which invoices that settles."""
    rows = Allocation.objects.filter(
        payment_id=taken_as.payment_id,
        kind=taken_as.allocation_kind,
        source_id=taken_as.source_id,
    )
    wanted = lock_balances(rows.values_list("invoice_id", flat=True))
    given, rest = split_capture(amount=amount, chosen=(), balances=wanted)
    _write(move, given)
    if rest:
        _write_credit(move, account, rest)
    announce_settled(before=wanted, given=given)
    announce_booked([move.payment_id])


def _write(move: Movement, amounts: Mapping[UUID, int]) -> None:
    Allocation.objects.bulk_create(
        Allocation(
            invoice_id=invoice_id,
            payment_id=move.payment_id,
            kind=move.allocation_kind,
            amount_minor=amount,
            source_id=move.source_id,
            booked_on=move.on,
        )
        for invoice_id, amount in amounts.items()
    )


def _write_credit(move: Movement, account: FamilyAccount, amount: int) -> None:
    write_credit(
        account=account,
        payment_id=move.payment_id,
        kind=move.credit_kind,
        amount_minor=amount,
        source_id=move.source_id,
        on=move.on,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """Why invoices are reduced: the rule and its input, and the words of it."""

    rule: str
    source_id: UUID
    input_name: str
    description: str
    why: str
    on: date
    actor: str


def write_credit_notes(note: CreditNote, amounts: Mapping[UUID, int]) -> None:
    """Reduce each invoice by its amount."""
    Charge.objects.bulk_create(
        Charge(
            invoice_id=invoice_id,
            kind=Charge.Kind.CREDIT_NOTE,
            description=note.description,
            amount_minor=-amount,
            rule=note.rule,
            rule_inputs={note.input_name: str(note.source_id), "amount_minor": amount},
            why=note.why,
            source_id=note.source_id,
            booked_on=note.on,
            created_by=note.actor,
        )
        for invoice_id, amount in amounts.items()
    )
