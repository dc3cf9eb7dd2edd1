"""An activity that costs something becomes an invoice when the place is sure."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.fees.models import Charge, Invoice
from apps.fees.preferences import DUE_DAYS
from apps.fees.services.allocation import catch_up_references, moving_payments
from apps.fees.services.invoicing import Bill, take_back, tell_families, write_invoices
from apps.students import facade as students
from apps.students.contracts import StudentInfo
from kernel.errors import Invalid
from kernel.money import format_money
from kernel.schools import current_school, today

ACTOR = "activities"


@transaction.atomic
def bill_activity(
    *,
    signup_id: UUID,
    activity_title: str,
    student_id: UUID,
    fee_minor: int,
    currency: str,
    on: date | None = None,
    at: datetime | None = None,
) -> UUID | None:
    """Invoice one sign-up, due after the school's usual days, and tell the family.

    None when it costs nothing or was billed before. Raises Invalid for another currency.
    """
    if fee_minor <= 0 or Invoice.objects.filter(source_id=signup_id).exists():
        return None
    if currency != current_school().currency:
        raise Invalid(_("This activity is in another currency than the school's."))
    on = on or today()
    bill = _bill(students.get_student(student_id), signup_id, activity_title, fee_minor)
    due_on = on + timedelta(days=DUE_DAYS.value)
    written = write_invoices(
        bills=[bill], issued_on=on, due_on=due_on, actor=ACTOR, at=at or timezone.now()
    )
    tell_families(invoices=written, amounts=[fee_minor], actor=ACTOR)
    return written[0].id


@transaction.atomic
def unbill_activity(*, signup_id: UUID) -> bool:
    """Take an unpaid charge back, by a contra entry, when the place was given up.

    False when there is none, it was taken back before, or money has come in or is on its way:
    then the office decides, with a refund from the ledger.
    """
    invoice_id = Invoice.objects.filter(source_id=signup_id).values_list("pk", flat=True).first()
    if invoice_id is None:
        return False
    catch_up_references([invoice_id])
    invoice = Invoice.objects.select_for_update().get(pk=invoice_id)
    if not _is_untouched(invoice):
        return False
    take_back(
        [invoice.id],
        rule="activity_cancelled",
        why=_("The place in this activity was given up."),
        actor=ACTOR,
    )
    return True


def _is_untouched(invoice: Invoice) -> bool:
    taken_back = invoice.charges.exclude(reverses=None).exists()
    paid = invoice.allocations.exists() or moving_payments([invoice.id])
    return not taken_back and not paid


def _bill(student: StudentInfo, signup_id: UUID, title: str, fee_minor: int) -> Bill:
    why = _("%(student)s has a place in “%(activity)s”, which costs %(amount)s.") % {
        "student": student.name,
        "activity": title,
        "amount": format_money(fee_minor, current_school().currency),
    }
    return Bill(
        student_id=student.id,
        student_name=student.name,
        class_name=student.class_name,
        title=title[:160],
        amount_minor=fee_minor,
        why=why[:400],
        kind=Charge.Kind.ACTIVITY,
        rule="activity_signup",
        rule_inputs={"signup_id": str(signup_id), "activity": title, "amount_minor": fee_minor},
        source_id=signup_id,
    )
