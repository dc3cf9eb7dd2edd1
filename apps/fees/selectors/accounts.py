"""Which account of the school takes the money of an invoice: its category may choose one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Case, F, When

from apps.fees.contracts import InvoiceInfo, PayGroup
from apps.fees.models import FeeCategory, Invoice
from apps.fees.selectors import catalogue
from apps.payments import facade as payments
from apps.payments.contracts import AccountInfo
from kernel.schools import today


def accounts_of(invoice_ids: Iterable[UUID]) -> dict[UUID, AccountInfo | None]:
    """Invoice -> the account that would take its money now; None while the school has none.

    A category's account that is turned off gives way to the account in use.
    """
    rows = Invoice.objects.filter(pk__in=list(invoice_ids)).order_by()
    choice = Case(
        When(fee=None, then=catalogue.of_activities("account_id")),
        default=F("fee__category__account_id"),
    )
    wanted = dict(rows.annotate(choice=choice).values_list("pk", "choice"))
    taking = {choice: payments.account_taking(choice) for choice in set(wanted.values())}
    return {invoice_id: taking[choice] for invoice_id, choice in wanted.items()}


def choices() -> set[UUID | None]:
    """What categories choose; None is the account in use."""
    chosen = FeeCategory.objects.exclude(account_id=None).order_by()
    return {None, *chosen.values_list("account_id", flat=True)}


def pay_groups(owed: Sequence[InvoiceInfo]) -> list[PayGroup]:
    """What is owed, by the account that takes it, in the order given: a payment for each group."""
    accounts = accounts_of(invoice.id for invoice in owed)
    groups: dict[UUID | None, list[InvoiceInfo]] = defaultdict(list)
    for invoice in owed:
        account = accounts.get(invoice.id)
        groups[account.id if account else None].append(invoice)
    return [_group(rows, accounts.get(rows[0].id)) for rows in groups.values()]


def _group(rows: list[InvoiceInfo], account: AccountInfo | None) -> PayGroup:
    return PayGroup(
        account_id=account.id if account else None,
        real_money=account is None or account.mode == "live",
        invoices=tuple(rows),
        total_minor=sum(invoice.balance_minor for invoice in rows),
        now_minor=sum(invoice.now_minor(today()) for invoice in rows),
    )
