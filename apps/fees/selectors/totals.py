"""The school's money at a glance."""

from django.db.models import BigIntegerField, OuterRef, Subquery, Sum
from django.db.models.functions import Least
from django.db.models.query import QuerySet

from apps.fees.contracts import MoneyTotals
from apps.fees.models import Allocation, Charge, Cover, Credit, Instalment, Invoice
from apps.fees.preferences import overdue_before
from kernel.schools import current_school, today


def money_totals() -> MoneyTotals:
    """Owed, overdue and collected this month (net of refunds), as plain sums over the books."""
    on = today()
    late = {"invoice__due_on__lt": overdue_before()}
    this_month = {"booked_on__gte": on.replace(day=1), "booked_on__lte": on}
    # Credit that is used nets to zero.
    books = (Allocation.objects, Credit.objects, Cover.objects)
    collected = sum(_sum(book.filter(**this_month)) for book in books)
    return MoneyTotals(
        outstanding_minor=_sum(Charge.objects.all()) - _sum(Allocation.objects.all()),
        overdue_minor=_sum(Charge.objects.filter(**late))
        - _sum(Allocation.objects.filter(**late))
        - _not_due_yet(),
        collected_month_minor=collected,
        invoices_open=Invoice.objects.with_balances().filter(balance__gt=0).count(),
        currency=current_school().currency,
    )


def _not_due_yet() -> int:
    """Later instalments of invoices whose first one is overdue: they are owed, and not late."""
    passed = Instalment.objects.filter(invoice=OuterRef("pk"), due_on__lt=overdue_before())
    later = passed.order_by("-due_on").values("left_after_minor")[:1]
    rows = Invoice.objects.with_balances().annotate(later=Subquery(later))
    rows = rows.filter(later__gt=0, balance__gt=0)
    not_due = Least("balance", "later", output_field=BigIntegerField())
    return rows.aggregate(total=Sum(not_due))["total"] or 0


def _sum(rows: QuerySet) -> int:
    return rows.order_by().aggregate(total=Sum("amount_minor"))["total"] or 0
