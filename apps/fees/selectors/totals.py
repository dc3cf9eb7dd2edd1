"""The school's money at a glance."""

from datetime import date

from django.db.models import BigIntegerField, Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Least
from django.db.models.query import QuerySet

from apps.fees.contracts import MoneyTotals
from apps.fees.models import Allocation, Cover, Credit, Instalment, Invoice
from apps.fees.preferences import overdue_before
from kernel.schools import current_school, today

# More than there are. PostgreSQL works out what is limited once, not again for each sum over it.
MANY = 2**31 - 1


def money_totals() -> MoneyTotals:
    """Owed, overdue and collected this month (net of refunds), as plain sums over the books."""
    owed = _invoices().aggregate(
        total=Sum("balance"),
        late=Sum("balance", filter=Q(due_on__lt=overdue_before())),
        # Later instalments of invoices whose first one is overdue: they are owed, and not late.
        not_due=Sum(
            Least("balance", "later", output_field=BigIntegerField()),
            filter=Q(later__gt=0, balance__gt=0),
        ),
        open=Count("pk", filter=Q(balance__gt=0)),
    )
    return MoneyTotals(
        outstanding_minor=owed["total"] or 0,
        overdue_minor=(owed["late"] or 0) - (owed["not_due"] or 0),
        collected_month_minor=_collected(today()),
        invoices_open=owed["open"],
        currency=current_school().currency,
    )


def _invoices() -> QuerySet:
    """Every invoice with its balance and, in `later`, what is due after its overdue parts."""
    passed = Instalment.objects.filter(invoice=OuterRef("pk"), due_on__lt=overdue_before())
    later = passed.order_by("-due_on").values("left_after_minor")[:1]
    rows = Invoice.objects.with_balances().annotate(later=Subquery(later)).order_by()
    return rows[:MANY]


def _collected(on: date) -> int:
    """What came in this month up to that day; credit that is used nets to zero."""
    this_month = {"booked_on__gte": on.replace(day=1), "booked_on__lte": on}
    books = (Allocation.objects, Credit.objects, Cover.objects)
    sums = [book.filter(**this_month).aggregate(sum=Sum("amount_minor"))["sum"] for book in books]
    return sum(amount or 0 for amount in sums)
