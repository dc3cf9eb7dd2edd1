"""A transfer or cheque that was entered at the counter before its line came with the statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from apps.payments import contracts, models, selectors
from apps.payments.models import LineTie, Payment, StatementLine
from apps.payments.services import journal
from apps.payments.services.bank import matching
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import current_school

# Cheques lie about before they are paid in, and transfers are entered when a parent shows them.
WITHIN = timedelta(days=21)


def recorded_like(line_id: UUID) -> Sequence[contracts.PaymentInfo]:
    """Payments at the counter that the open line may be: the very amount, some days around, tied
    to no line yet. Raises NotFound."""
    line = matching.get_line(line_id)
    if line.state != StatementLine.OPEN or line.plan is not None or line.amount_minor <= 0:
        return []
    noon = datetime.combine(line.booked_on, time(12), ZoneInfo(current_school().time_zone))
    rows = selectors.payments_with_parts().filter(
        provider=models.OFFLINE,
        method__in=("transfer", "cheque"),
        currency=line.currency,
        captured_minor=line.amount_minor,
        refunded_minor=0,
        captured_at__range=(noon - WITHIN, noon + WITHIN),
    )
    tied = LineTie.objects.filter(undone_at=None, payment__isnull=False)
    rows = rows.exclude(pk__in=tied.values("payment_id")).order_by("captured_at", "id")
    return [selectors.to_info(row) for row in rows[:20]]


@transaction.atomic
def tie_recorded(line_id: UUID, payment_id: UUID, *, actor: str) -> None:
    """The line is this payment, which stands in the books already. Undoing it reverses nothing.

    Raises NotFound, Invalid (another amount), Conflict (one of them is dealt with already).
    """
    line, payment = matching.locked_line(line_id), journal.locked(payment_id)
    if payment.provider != models.OFFLINE:
        raise NotFound(_("There is no such payment."))
    if line.state != StatementLine.OPEN or line.plan is not None or _is_tied(payment):
        raise Conflict(_("This bank line has been dealt with already."))
    whole = payment.captured_minor - payment.refunded_minor
    if (line.amount_minor, line.currency) != (whole, payment.currency):
        raise Invalid(_("The line is not the amount of this payment."))
    matching.tie(line, LineTie.RECORDED, line.amount_minor, payment=payment, actor=actor)
    matching.note(line, actor, "payments.bank_line_matched")


def _is_tied(payment: Payment) -> bool:
    return payment.bank_ties.filter(undone_at=None).exists()
