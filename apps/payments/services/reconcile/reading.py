"""What pages show of reconciliations: exceptions, runs, payouts."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from apps.payments.models import Discrepancy, LineTie, Payout, PayoutLine, ReconciliationRun
from kernel.errors import NotFound


def exceptions(*, state: str = "", text: str = "") -> QuerySet[Discrepancy]:
    """Exceptions in this state (all when empty), the newest first."""
    rows = Discrepancy.objects.select_related("payment", "refund", "account")
    if state:
        rows = rows.filter(state=state)
    if text:
        named = Q(payment__payer_name__icontains=text) | Q(payment__description__icontains=text)
        rows = rows.filter(Q(object_id=text) | named)
    return rows.order_by("-at", "-id")


def count_open() -> int:
    return Discrepancy.objects.filter(state=Discrepancy.OPEN).count()


def get_exception(discrepancy_id: UUID) -> Discrepancy:
    """Raises NotFound."""
    row = Discrepancy.objects.filter(pk=discrepancy_id).first()
    if row is None:
        raise NotFound(_("There is no such exception."))
    return row


def runs() -> QuerySet[ReconciliationRun]:
    """The newest first."""
    return ReconciliationRun.objects.select_related("account").order_by("-created_at", "-id")


def last_runs() -> list[ReconciliationRun]:
    """The last run of each account: the one that is waiting, under way, or was done last."""
    newest = ReconciliationRun.objects.select_related("account")
    newest = newest.annotate(last=Coalesce("finished_at", Now()))
    newest = newest.order_by("account_id", "-last", "-created_at").distinct("account_id")
    return sorted(newest, key=lambda run: run.account.label)


def payouts(*, text: str = "") -> QuerySet[Payout]:
    """The newest first."""
    rows = Payout.objects.select_related("account").order_by("-made_at", "-id")
    return rows.filter(payout_id=text) if text else rows


def get_payout(payout_id: UUID) -> Payout:
    """Raises NotFound."""
    payout = Payout.objects.select_related("account").filter(pk=payout_id).first()
    if payout is None:
        raise NotFound(_("There is no such payout."))
    return payout


def payout_lines(payout: Payout) -> QuerySet[PayoutLine]:
    """What it is made of, with the payments, the oldest first."""
    return payout.lines.select_related("payment").order_by("at", "id")


def at_bank(payouts: Iterable[Payout]) -> set[UUID]:
    """Those of the payouts that a bank statement shows."""
    ties = LineTie.objects.filter(undone_at=None, payout__in=[payout.pk for payout in payouts])
    return set(ties.values_list("payout_id", flat=True))


def bank_tie(payout: Payout) -> LineTie | None:
    """The bank line that is this payout."""
    return payout.bank_ties.filter(undone_at=None).select_related("line").first()
