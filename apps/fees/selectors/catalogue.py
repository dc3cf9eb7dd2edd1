"""The school's fees and how often they were billed."""

from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from apps.fees.models import BillingRun, Fee, FeeCategory
from kernel.errors import NotFound

POSTED = Q(runs__state=BillingRun.State.POSTED)


def list_fees(*, text: str = "", archived: bool = False) -> QuerySet[Fee]:
    """Fees with their category, number of posted runs and the last due date billed."""
    rows = Fee.objects.filter(is_archived=archived).select_related("category")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(category__name__icontains=text))
    return rows.annotate(
        posted_runs=Count("runs", filter=POSTED), last_due=Max("runs__due_on", filter=POSTED)
    ).order_by("category__position", "category__name", "name")


def get_fee(*, fee_id: UUID) -> Fee:
    """The fee's row (inside this app only). Raises NotFound."""
    fee = Fee.objects.select_related("category").filter(pk=fee_id).first()
    if fee is None:
        raise NotFound(_("There is no such fee."))
    return fee


def list_categories() -> QuerySet[FeeCategory]:
    return FeeCategory.objects.all()


def get_category(*, category_id: UUID) -> FeeCategory:
    """Raises NotFound."""
    category = FeeCategory.objects.filter(pk=category_id).first()
    if category is None:
        raise NotFound(_("There is no such category."))
    return category


def of_activities(column: str) -> Subquery:
    """A column of the category as which activities count: theirs are invoices without a fee."""
    return Subquery(FeeCategory.objects.filter(for_activities=True).values(column)[:1])


def suggested_due_date(fee: Fee, *, on: date) -> date:
    """When a bill made today would be due; a fixed date that has passed moves to `on`."""
    if fee.due_rule == Fee.DueRule.DATE and fee.due_date:
        return max(fee.due_date, on)
    return on + timedelta(days=fee.due_days)


def has_fees() -> bool:
    return Fee.objects.filter(is_archived=False).exists()
