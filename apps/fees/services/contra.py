"""Money that leaves a payment, and money that comes back to it: contra entries in the books.

Refunds and lost disputes are booked alike; only the kind of their rows and what they are called
differ. Everything here is called with the family's account locked.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet, Sum

from apps.fees.contracts import COVER
from apps.fees.models import Allocation, Charge, Cover, Credit, FamilyAccount
from apps.fees.services.allocation import (
    announce_booked,
    announce_settled,
    lock_balances,
    write_cover,
    write_credit,
)
from apps.fees.services.split import split_capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What moves money: a refund or a dispute (`source_id`), and how its rows are called; those of
    the cover as those of credit."""

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
            or self.of_cover().exists()
        )

    def of_cover(self) -> QuerySet[Cover]:
        """What it has taken from the cover, or brought back there: one row at most."""
        return Cover.objects.filter(
            kind=self.credit_kind, payment_id=self.payment_id, source_id=self.source_id
        )


def given_by(payment_id: UUID) -> dict[UUID, int]:
    """Invoice -> what the payment gives it now; the latest given first. The cover of its
    processing cost stands last (COVER), so that it goes back when all the rest has: with a full
    refund, but not with a part."""
    net: dict[UUID, int] = defaultdict(int)
    rows = Allocation.objects.filter(payment_id=payment_id).order_by("-created_at", "-id")
    for invoice_id, amount in rows.values_list("invoice_id", "amount_minor"):
        net[invoice_id] += amount
    net[COVER] = _sum(Cover.objects.filter(payment_id=payment_id))
    return {key: amount for key, amount in net.items() if amount > 0}


def _sum(rows: QuerySet[Cover]) -> int:
    return rows.order_by().aggregate(total=Sum("amount_minor"))["total"] or 0


def without_cover(parts: Mapping[UUID, int]) -> dict[UUID, int]:
    """The invoices among these parts."""
    return {key: amount for key, amount in parts.items() if key != COVER}


def newest_invoice(payment_id: UUID) -> UUID | None:
    """The invoice that the payment last gave to, or lost."""
    rows = Allocation.objects.filter(payment_id=payment_id).order_by("-created_at", "-id")
    return rows.values_list("invoice_id", flat=True).first()


def take_back(
    move: Movement, taken: Mapping[UUID, int], from_credit: int, *, account: FamilyAccount
) -> None:
    """Take these parts from invoices and the cover, and the rest from the family's credit."""
    _write(move, {key: -amount for key, amount in without_cover(taken).items()})
    _write_cover(move, -taken.get(COVER, 0))
    if from_credit:
        _write_credit(move, account, -from_credit)
    announce_booked([move.payment_id])


def give_again(move: Movement, amount: int, *, taken_as: Movement, account: FamilyAccount) -> None:
    """Money that had been taken is back: to the cover what was its part, to its invoices as far as
    they want it, the rest becomes credit. Publishes which invoices that settles."""
    cover = min(-_sum(taken_as.of_cover()), amount)
    _write_cover(move, cover)
    rows = Allocation.objects.filter(
        payment_id=taken_as.payment_id,
        kind=taken_as.allocation_kind,
        source_id=taken_as.source_id,
    )
    wanted = lock_balances(rows.values_list("invoice_id", flat=True))
    given, rest = split_capture(amount=amount - cover, chosen=(), balances=wanted)
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


def _write_cover(move: Movement, amount: int) -> None:
    if amount:
        write_cover(
            payment_id=move.payment_id,
            kind=move.credit_kind,
            amount_minor=amount,
            source_id=move.source_id,
            on=move.on,
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
    """Reduce each invoice by its amount; the cover is on none."""
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
        for invoice_id, amount in without_cover(amounts).items()
    )
