"""Money that is handed over at the school: cash, a cheque, a bank transfer."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from django.utils.translation import gettext as _

from apps.fees.contracts import InvoiceInfo
from apps.fees.selectors import invoices
from apps.fees.services.allocation import catch_up
from apps.fees.services.split import spread
from apps.identity import facade as identity
from apps.payments import facade as payments
from apps.payments.contracts import PaymentLine
from kernel.errors import Invalid
from kernel.schools import current_school, today

PREPAID = "prepayment:"


def record_payment(
    *,
    payer_id: UUID,
    payer_name: str,
    student_id: UUID,
    amount_minor: int,
    method: str,
    received_on: date,
    note: str,
    actor: str,
    key: str,
) -> UUID:
    """Book money received at the counter for a student: oldest invoice first, the rest is credit.

    The same `key` books once. Raises Invalid for an amount of zero or a day that has not come.
    """
    if amount_minor <= 0:
        raise Invalid(_("The amount must be more than zero."), field="amount")
    if received_on > today():
        raise Invalid(_("This day has not come yet."), field="received_on")
    owed = invoices.open_invoices(student_ids=[student_id])
    payment_id = payments.record_offline_payment(
        payer_id=payer_id,
        payer_name=payer_name,
        lines=payment_lines(owed, amount_minor=amount_minor, payer_id=payer_id),
        currency=current_school().currency,
        method=method,
        received_on=received_on,
        note=note,
        actor=actor,
        idempotency_key=key,
    )
    catch_up([payments.get_payment(payment_id)])
    identity.record_audit(
        actor=actor,
        action="fees.payment_recorded",
        subject=str(payment_id),
        detail={"amount_minor": amount_minor, "method": method, "student_id": str(student_id)},
    )
    return payment_id


def payment_lines(
    owed: Sequence[InvoiceInfo], *, amount_minor: int, payer_id: UUID
) -> list[PaymentLine]:
    """`amount_minor` over these invoices in their order; what is too much is a prepayment, under a
    reference of the payer's own: two families that prepay at once do not wait for each other."""
    by_date = sorted(
        ((part, i.id) for i in owed for part in i.parts), key=lambda pair: pair[0].due_on
    )
    parts = spread(
        amount=amount_minor,
        balances={i.id: i.balance_minor for i in owed},
        order=[(key, part.amount_minor) for part, key in by_date],
    )
    lines = [
        PaymentLine(reference=str(i.id), description=describe(i), amount_minor=parts[i.id])
        for i in owed
        if i.id in parts
    ]
    if rest := amount_minor - sum(parts.values()):
        text = _("Payment in advance")
        reference = f"{PREPAID}{payer_id}"
        lines.append(PaymentLine(reference=reference, description=text, amount_minor=rest))
    return lines


def prepaid_minor(lines: Iterable[PaymentLine]) -> int:
    """The part of a payment that was meant as credit from the start."""
    return sum(line.amount_minor for line in lines if line.reference.startswith(PREPAID))


def describe(invoice: InvoiceInfo) -> str:
    """How an invoice is named on the gateway's page and on statements."""
    return f"{invoice.student_name}: {invoice.title} ({invoice.number})"
