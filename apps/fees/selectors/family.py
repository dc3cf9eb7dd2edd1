"""What a guardian may see: their own children and their own payments, nothing else."""

from collections import defaultdict
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.fees.contracts import (
    ChildBalance,
    FamilyBalance,
    FamilyChild,
    FamilyGuardian,
    InvoiceInfo,
)
from apps.fees.models import Allocation, Credit
from apps.fees.selectors import invoices
from apps.students import facade as students
from apps.students.contracts import GuardianInfo, StudentInfo
from kernel.errors import NotFound
from kernel.schools import current_school


def family_balance(*, guardian_id: UUID) -> FamilyBalance:
    """Every child of the guardian with what is still owed. Raises NotFound."""
    guardian = students.get_guardian(guardian_id)
    children = students.children_of(guardian_id)
    owed = invoices.open_invoices(student_ids=[child.id for child in children])
    return FamilyBalance(
        guardian=_guardian(guardian),
        children=tuple(_by_child(children, owed)),
        total_minor=sum(invoice.balance_minor for invoice in owed),
        overdue_minor=sum(i.balance_minor for i in owed if i.status == "overdue"),
        credit_minor=credit_of(household_id=guardian.household_id),
        currency=current_school().currency,
    )


def _guardian(info: GuardianInfo) -> FamilyGuardian:
    return FamilyGuardian(id=info.id, name=info.name, email=info.email, language=info.language)


def _by_child(children: list[StudentInfo], owed: list[InvoiceInfo]) -> list[ChildBalance]:
    per_child: dict[UUID, list[InvoiceInfo]] = defaultdict(list)
    for invoice in owed:
        per_child[invoice.student_id].append(invoice)
    return [
        ChildBalance(
            student=FamilyChild(id=child.id, name=child.name, class_name=child.class_name),
            invoices=tuple(per_child[child.id]),
            total_minor=sum(invoice.balance_minor for invoice in per_child[child.id]),
        )
        for child in children
    ]


def credit_of(*, household_id: UUID) -> int:
    """Unused credit of a household in minor units of the school's currency."""
    rows = Credit.objects.filter(account_id=household_id, currency=current_school().currency)
    return rows.aggregate(total=Sum("amount_minor"))["total"] or 0


def paid_by_credit(*, token: UUID) -> dict[UUID, int]:
    """Invoice -> what credit has paid of it under this token, in minor units."""
    rows = Allocation.objects.filter(kind=Allocation.Kind.CREDIT_USED, source_id=token)
    sums = rows.order_by().values("invoice_id").annotate(total=Sum("amount_minor"))
    return dict(sums.values_list("invoice_id", "total"))


def child_ids(*, guardian_id: UUID) -> set[UUID]:
    return {child.id for child in students.children_of(guardian_id)}


def invoice_of_family(*, guardian_id: UUID, invoice_id: UUID) -> InvoiceInfo:
    """An invoice of one of the guardian's own children. Raises NotFound for any other."""
    invoice = invoices.get_invoice(invoice_id=invoice_id)
    if invoice.student_id not in child_ids(guardian_id=guardian_id):
        raise NotFound(_("There is no such invoice."))
    return invoice
