"""Writing invoices and telling the families: shared by billing runs and activities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.fees.events import FamilyBilled
from apps.fees.models import BillingRun, Charge, Fee, Invoice
from apps.fees.services.numbers import take_numbers
from apps.students import facade as students
from apps.students.contracts import GuardianInfo
from kernel.schools import current_school, today


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One student's charge that is about to be posted. `why` is read by the parent."""

    student_id: UUID
    student_name: str
    class_name: str
    title: str
    amount_minor: int
    why: str
    rule: str
    kind: str = Charge.Kind.FEE
    rule_version: int = 1
    rule_inputs: dict[str, Any] = field(default_factory=dict)
    source_id: UUID | None = None


def write_invoices(
    *,
    bills: Sequence[Bill],
    issued_on: date,
    due_on: date,
    actor: str,
    at: datetime,
    run: BillingRun | None = None,
    fee: Fee | None = None,
) -> list[Invoice]:
    """An invoice with one charge for each bill; the caller holds the transaction."""
    numbers = take_numbers(kind="invoice", year=issued_on.year, count=len(bills))
    currency = current_school().currency
    invoices = [
        Invoice(
            number=number,
            title=bill.title,
            student_id=bill.student_id,
            student_name=bill.student_name,
            class_name=bill.class_name,
            fee=fee,
            billing_run=run,
            source_id=bill.source_id,
            issued_on=issued_on,
            due_on=due_on,
            currency=currency,
            created_at=at,
        )
        for number, bill in zip(numbers, bills, strict=True)
    ]
    Invoice.objects.bulk_create(invoices)
    Charge.objects.bulk_create(
        _charge(invoice, bill, actor=actor) for invoice, bill in zip(invoices, bills, strict=True)
    )
    return invoices


def _charge(invoice: Invoice, bill: Bill, *, actor: str) -> Charge:
    return Charge(
        invoice=invoice,
        kind=bill.kind,
        description=bill.title,
        amount_minor=bill.amount_minor,
        rule=bill.rule,
        rule_version=bill.rule_version,
        rule_inputs=bill.rule_inputs,
        why=bill.why,
        booked_on=invoice.issued_on,
        created_at=invoice.created_at,
        created_by=actor,
    )


def take_back(invoice_ids: Sequence[UUID], *, rule: str, why: str, actor: str) -> None:
    """A contra entry for every standing charge of these invoices; the caller holds their locks
    and has checked that nothing is paid."""
    standing = Charge.objects.filter(invoice_id__in=invoice_ids, reverses=None)
    on = today()
    Charge.objects.bulk_create(
        Charge(
            invoice_id=row.invoice_id,
            kind=Charge.Kind.REVERSAL,
            description=_("Reversed: %(what)s") % {"what": row.description},
            amount_minor=-row.amount_minor,
            rule=rule,
            rule_inputs={"charge_id": str(row.id)},
            why=why,
            reverses=row,
            booked_on=on,
            created_by=actor,
        )
        for row in standing.order_by("created_at", "id")
    )


def tell_families(
    *,
    invoices: Sequence[Invoice],
    amounts: Sequence[int],
    actor: str,
    billing_run_id: UUID | None = None,
) -> int:
    """Publish one FamilyBilled for each paying guardian over all their children; returns how
    many guardians were told. Same transaction as the invoices."""
    guardians = students.guardians_of([invoice.student_id for invoice in invoices])
    people: dict[UUID, GuardianInfo] = {}
    billed: dict[UUID, list[tuple[Invoice, int]]] = defaultdict(list)
    for invoice, amount in zip(invoices, amounts, strict=True):
        for guardian in guardians.get(invoice.student_id, []):
            people[guardian.id] = guardian
            billed[guardian.id].append((invoice, amount))
    for guardian_id, rows in billed.items():
        event = _family_billed(people[guardian_id], rows, billing_run_id)
        events.publish(event, stream_type="guardian", stream_id=guardian_id, actor=actor)
    return len(billed)


def _family_billed(
    guardian: GuardianInfo, rows: list[tuple[Invoice, int]], billing_run_id: UUID | None
) -> FamilyBilled:
    return FamilyBilled(
        billing_run_id=billing_run_id,
        guardian_id=guardian.id,
        guardian_name=guardian.name,
        guardian_email=guardian.email,
        language=guardian.language,
        invoice_ids=[invoice.id for invoice, _ in rows],
        total_minor=sum(amount for _, amount in rows),
        currency=rows[0][0].currency,
        due_on=min(invoice.due_on for invoice, _ in rows),
    )
