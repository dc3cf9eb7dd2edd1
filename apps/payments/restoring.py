"""After a restore: a copy never speaks to a gateway; a school in its place keeps its keys."""

from __future__ import annotations

from django.db import connection
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.payments import contracts
from apps.payments.models import (
    GatewayAccount,
    OpenClaim,
    Payment,
    ProviderEvent,
    ReconciliationRun,
    SavedMethod,
    new_webhook_key,
)
from apps.tenants.contracts import BookReport, RestoreContext
from apps.tenants.facade import after_restore, books
from kernel.money import format_money
from kernel.schools import current_school

_KEYS = (
    *("client_id", "secret_key"),
    *("webhook_secret", "previous_webhook_secret", "webhook_endpoint_id"),
)
_OF_TODAY = ("connected_account", "previous_secret_until", "turned_off_at")


@books("payments")
def add_up() -> BookReport:
    """Captured, refunded and lost over all payments, and whether each payment's parts agree."""
    payments = Payment.objects.order_by()
    columns = ("captured", "refunded", "lost")
    sums = payments.aggregate(**{name: Sum(f"{name}_minor") for name in columns})
    return BookReport(
        totals={
            "payments": payments.count(),
            **{f"{name}_minor": sums[name] or 0 for name in columns},
        },
        problems=tuple(_odd_payments()),
    )


def _odd_payments() -> list[str]:
    lined = Payment.objects.annotate(lined=Sum("lines__amount_minor"))
    odd = lined.exclude(lined=F("amount_minor") - F("cover_minor")).order_by("pk")
    told = [_("Payment %(id)s: its lines are not its amount.") % {"id": p.pk} for p in odd[:20]]
    given = Q(refunds__status=contracts.REFUND_SUCCEEDED, refunds__capture_id="")
    refunded = Payment.objects.annotate(given=Sum("refunds__amount_minor", filter=given))
    off = refunded.exclude(given=F("refunded_minor")).exclude(given=None, refunded_minor=0)
    told += [
        _("Payment %(id)s: its refunds are not what was refunded.") % {"id": p.pk}
        for p in off.order_by("pk")[:20]
    ]
    return told + [
        _("Payment %(id)s: its disputes are not what was lost.") % {"id": p.pk}
        for p in _off_disputes().order_by("pk")[:20]
    ]


def _off_disputes() -> QuerySet[Payment]:
    taken = Q(disputes__status=contracts.LOST, disputes__counts=True)
    disputed = Payment.objects.annotate(taken=Sum("disputes__amount_minor", filter=taken))
    return disputed.exclude(taken=F("lost_minor")).exclude(taken=None, lost_minor=0)


@after_restore
def keep_away_from_gateways(context: RestoreContext) -> None:
    if context.is_copy:
        _cut_off()
    else:
        _take_keys_of_today(context)
        _keep_removed_cards_removed(context)
        _tell_of_lost_payments(context)


def _cut_off() -> None:
    """By SQL: the keys of another installation cannot even be read here."""
    blank = ", ".join(f"{column} = ''" for column in (*_KEYS, "webhook_url"))
    off = ", ".join(f"{column} = false" for column in ("is_default", "is_offered"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE payments_gatewayaccount SET {blank}, {off}, problem = %s",  # noqa: S608
            [_("Restored copy: enter the key again to use this account.")],
        )
    for account_id in GatewayAccount.objects.values_list("pk", flat=True):
        GatewayAccount.objects.filter(pk=account_id).update(webhook_key=new_webhook_key())
    Payment.objects.exclude(next_check_at=None).update(next_check_at=None)
    ProviderEvent.objects.filter(state=ProviderEvent.RECEIVED).update(state=ProviderEvent.IGNORED)
    ProviderEvent.objects.exclude(next_attempt_at=None).update(next_attempt_at=None)
    OpenClaim.objects.all().delete()
    ReconciliationRun.objects.filter(
        state__in=(ReconciliationRun.QUEUED, ReconciliationRun.RUNNING)
    ).update(state=ReconciliationRun.FAILED, error=_("Restored copy: it asks no gateway."))
    SavedMethod.objects.update(customer_id="", method_id="", revoked_at=timezone.now())


def _take_keys_of_today(context: RestoreContext) -> None:
    """A key or webhook that was changed since the backup would not work any more."""
    columns = (*_KEYS, *_OF_TODAY, "webhook_url", "problem")
    rows = context.replaced(f"SELECT {', '.join(columns)}, id FROM payments_gatewayaccount")  # noqa: S608
    change = ", ".join(f"{column} = %s" for column in columns)
    with connection.cursor() as cursor:
        for row in rows or ():
            cursor.execute(f"UPDATE payments_gatewayaccount SET {change} WHERE id = %s", row)  # noqa: S608


def _keep_removed_cards_removed(context: RestoreContext) -> None:
    standing = SavedMethod.objects.filter(revoked_at=None)
    removed = context.replaced("SELECT id FROM payments_savedmethod WHERE revoked_at IS NOT NULL")
    if removed is not None:  # else nobody can tell which: none is charged
        standing = standing.filter(pk__in=[row[0] for row in removed])
    standing.update(revoked_at=timezone.now())


def _tell_of_lost_payments(context: RestoreContext) -> None:
    """Money that arrived since the backup is at the gateway or in the till, not in these books."""
    rows = context.replaced(
        "SELECT id, captured_minor - refunded_minor FROM payments_payment"  # noqa: S608
        f" WHERE captured_at > '{context.taken_at.isoformat()}'"
    )
    known = set(
        Payment.objects.filter(
            pk__in=[row[0] for row in rows or ()], captured_at__isnull=False
        ).values_list("pk", flat=True)
    )
    lost = [amount for key, amount in rows or () if key not in known]
    if lost:
        total = format_money(sum(lost), current_school().currency)
        told = ngettext(
            "%(count)d payment of %(total)s arrived after the backup and is not in these books. "
            "It is in the tables that are kept.",
            "%(count)d payments of %(total)s in all arrived after the backup and are not in "
            "these books. They are in the tables that are kept.",
            len(lost),
        )
        context.tell(told % {"count": len(lost), "total": total})
