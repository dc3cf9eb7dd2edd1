"""From where a refund is taken: what its payment still gives to invoices, keeps as credit and has
as cover of its processing cost, what is proposed, and what a person chose.

The cover goes back last: a full refund gives it back, a partial one only what invoices and credit
cannot give, unless a person chooses otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.fees.contracts import COVER, RefundPart
from apps.fees.models import Invoice
from apps.fees.models import RefundDecision as Decision
from apps.fees.selectors import ledger
from apps.fees.services.contra import given_by, without_cover
from apps.fees.services.split import split_refund
from apps.payments import facade as payments
from apps.payments.contracts import REFUND_FAILED, PaymentInfo
from kernel.errors import Invalid
from kernel.money import format_money

# Where money is taken from: an invoice's key, COVER, or None for the credit.
Parts = Mapping[UUID | None, int]


def propose(
    *,
    payment_id: UUID,
    student_id: UUID | None,
    amount_minor: int,
    effect: str,
    alone: bool = False,
) -> list[RefundPart]:
    """How this refund would be taken: the student's invoices first, then credit, then others, the
    cover last.

    Every place that the payment still gives to is listed, with what is proposed for it; `alone`
    leaves siblings' invoices out. Raises Invalid for more than the payment gives.
    """
    if effect not in Decision.Effect.values:
        raise Invalid(_("Choose what happens to the invoice."), field="effect")
    if amount_minor <= 0:
        raise Invalid(_("A refund must be more than zero."), field="amount")
    info = payments.get_payment(payment_id)
    given, credit = available(info)
    if effect == Decision.Effect.FROM_CREDIT:
        given = _narrowed(given, frozenset())
    elif alone:
        own = of_student(given, student_id)
        given, credit = _narrowed(without_cover(given) if credit else given, own), 0
    most = max(min(sum(given.values()) + credit, info.refundable_minor), 0)
    if amount_minor > most:
        message = _("At most %(amount)s of this payment can be given back this way.")
        amount = format_money(most, info.currency)
        raise Invalid(message % {"amount": amount}, field="amount")
    taken, from_credit = split_refund(
        amount=amount_minor,
        given=list(given.items()),
        credit=credit,
        preferred=of_student(given, student_id),
        credit_first=effect == Decision.Effect.FROM_CREDIT,
    )
    return _listed(given, credit, _with_credit(taken, from_credit))


def _narrowed(given: Mapping[UUID, int], wanted: frozenset[UUID]) -> dict[UUID, int]:
    """Of these invoices only the wanted; then the cover, where no other is left."""
    left_out = any(most for key, most in without_cover(given).items() if key not in wanted)
    kept = wanted if left_out else wanted | {COVER}
    return {key: most for key, most in given.items() if key in kept}


def listed(info: PaymentInfo, amount_minor: int) -> list[RefundPart]:
    """The same for money that has gone back already: as much of it as the payment still gives."""
    given, credit = available(info)
    taken, from_credit = split_refund(
        amount=min(amount_minor, sum(given.values()) + credit),
        given=list(given.items()),
        credit=credit,
    )
    return _listed(given, credit, _with_credit(taken, from_credit))


def available(info: PaymentInfo) -> tuple[dict[UUID, int], int]:
    """What the payment gives to each invoice, the latest first, and its unused credit; without
    what refunds on their way will take."""
    given = given_by(info.id)
    credit = max(ledger.unused_credit(payment_ids=[info.id]).get(info.id, 0), 0)
    for part in _on_its_way(info):
        key, amount = part
        if key is None:
            credit = max(credit - amount, 0)
        elif key in given:
            given[key] = max(given[key] - amount, 0)
    return given, credit


def _on_its_way(info: PaymentInfo) -> list[tuple[UUID | None, int]]:
    """Parts of refunds that the gateway (or a second person) has been asked for and the books do
    not show yet: without them a second refund would take the same again."""
    standing = [refund.id for refund in info.refunds if refund.status != REFUND_FAILED]
    standing += [approval.id for approval in payments.waiting_approvals([info.id])]
    rows = Decision.objects.filter(refund_id__in=standing, state=Decision.State.REQUESTED)
    return [part for row in rows for part in loaded(row.parts).items()]


def of_student(given: Mapping[UUID, int], student_id: UUID | None) -> frozenset[UUID]:
    """Those of the invoices that are this student's."""
    if student_id is None:
        return frozenset()
    rows = Invoice.objects.filter(pk__in=given, student_id=student_id)
    return frozenset(rows.values_list("pk", flat=True))


def _with_credit(invoices: Mapping[UUID, int], credit: int) -> dict[UUID | None, int]:
    rows: list[tuple[UUID | None, int]] = [(None, credit), *invoices.items()]
    return dict(rows)


def _listed(given: Mapping[UUID, int], credit: int, proposed: Parts) -> list[RefundPart]:
    rows = Invoice.objects.in_bulk(without_cover(given))
    parts = [
        RefundPart(
            invoice_id=key,
            text=f"{rows[key].title} ({rows[key].number})",
            student_name=rows[key].student_name,
            most_minor=most,
            amount_minor=proposed.get(key, 0),
        )
        for key, most in without_cover(given).items()
        if most > 0
    ]
    others = (
        (None, _("Credit of the family"), credit),
        (COVER, _("Processing cost"), given.get(COVER, 0)),
    )
    parts += [
        RefundPart(
            invoice_id=key,
            text=text,
            student_name="",
            most_minor=most,
            amount_minor=proposed.get(key, 0),
        )
        for key, text, most in others
        if most
    ]
    return parts


def check(*, payment_id: UUID, amount_minor: int, parts: Parts) -> None:
    """Raise Invalid unless these parts come to the amount and the payment gives each of them."""
    info = payments.get_payment(payment_id)
    given, credit = available(info)
    most = _with_credit(given, credit)
    if any(amount < 0 or amount > most.get(key, 0) for key, amount in parts.items()):
        raise Invalid(_("A part is more than the payment gives there."), field="parts")
    total = sum(parts.values())
    if total != amount_minor:
        message = _("The parts come to %(total)s and not to %(amount)s.")
        amounts = {
            "total": format_money(total, info.currency),
            "amount": format_money(amount_minor, info.currency),
        }
        raise Invalid(message % amounts, field="parts")


def stored(parts: Parts) -> list[dict[str, Any]]:
    """As a decision keeps them."""
    return [
        {"invoice": str(key) if key else "", "amount_minor": amount}
        for key, amount in parts.items()
        if amount
    ]


def loaded(rows: Sequence[Mapping[str, Any]]) -> dict[UUID | None, int]:
    return {
        UUID(row["invoice"]) if row["invoice"] else None: int(row["amount_minor"]) for row in rows
    }
