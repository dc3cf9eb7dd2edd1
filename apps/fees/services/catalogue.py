"""Making, changing and retiring fees."""

from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.fees.models import Fee, FeeCategory
from apps.fees.preferences import DUE_DAYS
from apps.fees.selectors import catalogue
from apps.fees.services.plans import checked_shares
from apps.identity import facade as identity
from apps.payments import facade as payments
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import current_school


@transaction.atomic
def create_fee(
    *,
    category_id: UUID,
    name: str,
    amount_minor: int,
    actor: str,
    description: str = "",
    due_rule: str = Fee.DueRule.DAYS,
    due_days: int | None = None,
    due_date: date | None = None,
    shares: str = "",
    months_between: int = 1,
) -> UUID:
    """A new fee in the school's currency; `shares` like “40, 30, 30” make it payable in
    instalments, so many months between them. Raises Invalid for a bad amount, date rule or plan
    and Conflict when a fee in use has the name."""
    _check(amount_minor=amount_minor, due_rule=due_rule, due_date=due_date)
    fee = Fee(
        category=_category(category_id),
        name=name.strip(),
        description=description.strip(),
        amount_minor=amount_minor,
        currency=current_school().currency,
        due_rule=due_rule,
        due_days=DUE_DAYS.value if due_days is None else due_days,
        due_date=due_date,
        shares=checked_shares(shares),
        months_between=months_between,
        created_by=actor,
    )
    _save(fee)
    identity.record_audit(
        actor=actor, action="fees.fee_created", subject=str(fee.id), detail={"name": fee.name}
    )
    return fee.id


@transaction.atomic
def change_fee(
    *,
    fee_id: UUID,
    category_id: UUID,
    name: str,
    amount_minor: int,
    actor: str,
    description: str = "",
    due_rule: str = Fee.DueRule.DAYS,
    due_days: int | None = None,
    due_date: date | None = None,
    shares: str = "",
    months_between: int = 1,
) -> None:
    """Change the template; what was posted keeps its old amount. Raises like create_fee."""
    _check(amount_minor=amount_minor, due_rule=due_rule, due_date=due_date)
    catalogue.get_fee(fee_id=fee_id)
    fee = Fee.objects.select_for_update().get(pk=fee_id)
    before = fee.amount_minor
    fee.category = _category(category_id)
    fee.name, fee.description = name.strip(), description.strip()
    fee.amount_minor, fee.version = amount_minor, fee.version + 1
    fee.due_rule, fee.due_date = due_rule, due_date
    fee.shares, fee.months_between = checked_shares(shares), months_between
    fee.due_days = DUE_DAYS.value if due_days is None else due_days
    _save(fee)
    identity.record_audit(
        actor=actor,
        action="fees.fee_changed",
        subject=str(fee.id),
        detail={"name": fee.name, "before_minor": before, "after_minor": amount_minor},
    )


@transaction.atomic
def archive_fee(*, fee_id: UUID, archived: bool, actor: str) -> None:
    """Take a fee out of the lists, or bring it back. Posted invoices are not touched."""
    fee = catalogue.get_fee(fee_id=fee_id)
    fee.is_archived = archived
    _save(fee)
    identity.record_audit(
        actor=actor,
        action="fees.fee_archived" if archived else "fees.fee_restored",
        subject=str(fee_id),
        detail={"name": fee.name},
    )


@transaction.atomic
def choose_account(*, category_id: UUID, account_id: UUID | None, actor: str) -> None:
    """Have the category's money go to this gateway account; None: to the one in use.

    Raises NotFound for an unknown category, Invalid for an unknown account.
    """
    category = catalogue.get_category(category_id=category_id)
    labels = {account.id: account.label for account in payments.list_accounts()}
    if account_id is not None and account_id not in labels:
        raise Invalid(_("There is no such gateway account."), field="account")
    before, category.account_id = category.account_id, account_id
    category.save(update_fields=["account_id"])
    identity.record_audit(
        actor=actor,
        action="fees.category_account_chosen",
        subject=category.name,
        detail={
            "before": labels.get(before, "–") if before else "–",
            "after": labels[account_id] if account_id else "–",
        },
    )


@transaction.atomic
def choose_for_activities(*, category_id: UUID | None, actor: str) -> None:
    """Have what activities cost count as this category, in reports and for the account that takes
    it; None: as none. Invoices that are there count so, too. Raises NotFound."""
    rows = {row.pk: row for row in FeeCategory.objects.select_for_update().order_by("pk")}
    if category_id is not None and category_id not in rows:
        raise NotFound(_("There is no such category."))
    FeeCategory.objects.filter(for_activities=True).update(for_activities=False)
    if category_id is not None:
        FeeCategory.objects.filter(pk=category_id).update(for_activities=True)
    identity.record_audit(
        actor=actor,
        action="fees.activity_category_chosen",
        subject=rows[category_id].name if category_id else "–",
        detail={},
    )


def add_default_categories() -> int:
    """Add the usual categories that are missing, named in the active language; returns how many
    the school has then."""
    names = [_("Tuition"), _("Lunch"), _("Trips"), _("Activities"), _("Materials"), _("Other")]
    known = set(FeeCategory.objects.values_list("name", flat=True))
    FeeCategory.objects.bulk_create(
        FeeCategory(name=name, position=position)
        for position, name in enumerate(names)
        if name not in known
    )
    return FeeCategory.objects.count()


def _check(*, amount_minor: int, due_rule: str, due_date: date | None) -> None:
    if amount_minor <= 0:
        raise Invalid(_("A fee must be more than zero."), field="amount")
    if due_rule == Fee.DueRule.DATE and due_date is None:
        raise Invalid(_("Choose the date on which the fee is due."), field="due_date")


def _category(category_id: UUID) -> FeeCategory:
    category = FeeCategory.objects.filter(pk=category_id).first()
    if category is None:
        raise Invalid(_("There is no such category."), field="category")
    return category


def _save(fee: Fee) -> None:
    try:
        with transaction.atomic():
            fee.save()
    except IntegrityError as error:
        message = _("There is another fee called “%(name)s”.") % {"name": fee.name}
        raise Conflict(message, field="name") from error
