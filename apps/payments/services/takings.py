"""Reports of money: what came in and went out between two days of the school."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Least, TruncDate
from django.utils.translation import gettext as _

from apps.payments import contracts, models
from apps.payments.contracts import REAL_MONEY, TEST_MONEY
from apps.payments.selectors import start_of_day, unreal_modes
from apps.payments.selectors.reversals import is_reversal
from kernel.errors import Invalid
from kernel.schools import current_school

MAX_DAYS = 3 * 366
CHUNK = 2000
Cells = dict[tuple[date, str, str, UUID | None], dict[str, Any]]


def takings_report(*, since: date, until: date, money: str = REAL_MONEY) -> contracts.TakingsReport:
    """Money in and out by day, method and account; in a fixed number of queries.

    Raises Invalid for days out of order and for more than MAX_DAYS.
    """
    taken, returned, lost = _taken(since, until), _returned(since, until), _lost(since, until)
    counted = _captures(taken.filter(_which(money)))
    refunded = _refunds(returned.filter(_which(money, "payment__")))
    disputed = _losses(lost.filter(_which(money, "payment__")))
    other = TEST_MONEY if money == REAL_MONEY else REAL_MONEY
    left_out = taken.filter(_which(other)).aggregate(minor=Sum("captured_minor"), count=Count("pk"))
    return contracts.TakingsReport(
        since=since,
        until=until,
        currency=current_school().currency,
        cells=tuple(_cells([*counted, *refunded, *disputed])),
        payment_ids=_keys(taken.filter(_which(money))),
        refund_ids=_keys(returned.filter(_which(money, "payment__"))),
        fees=_fees(since, until, money),
        practice=taken.filter(_which(money), mode=models.SANDBOX).exists(),
        left_out_minor=left_out["minor"] or 0,
        left_out_count=left_out["count"],
    )


def _cells(rows: list[dict[str, Any]]) -> Iterator[contracts.TakingsCell]:
    """Captures, refunds and losses of the same day, method and account in one cell; by day."""
    found: Cells = defaultdict(dict)
    for row in rows:
        found[row["day"], row["method"], row["provider"], row["account_key"]] |= row
    for _cell, sums in sorted(found.items(), key=lambda cell: cell[0][:3]):
        yield contracts.TakingsCell(
            account_id=sums.pop("account_key"), account=sums.pop("label") or "", **sums
        )


def taken_rows(
    *, since: date, until: date, money: str = REAL_MONEY
) -> Iterator[contracts.TakenRow]:
    """Each captured payment of the report, oldest first; read while the school is open."""
    rows = _taken(since, until).filter(_which(money)).order_by("captured_at", "id")
    for row in rows.select_related("account").iterator(chunk_size=CHUNK):
        yield contracts.TakenRow(
            payment_id=row.pk,
            at=row.captured_at or row.started_at,
            payer_name=row.payer_name,
            description=row.description,
            method=row.method,
            account=row.account.label if row.account else "",
            amount_minor=row.captured_minor,
            cover_minor=min(row.cover_minor, row.captured_minor),
            refunded_minor=row.refunded_minor,
            test_mode=row.mode != models.LIVE,
        )


def returned_rows(
    *, since: date, until: date, money: str = REAL_MONEY
) -> Iterator[contracts.ReturnedRow]:
    """Each refund that was made between the days, oldest first; read while the school is open."""
    rows = _returned(since, until).filter(_which(money, "payment__"))
    rows = rows.order_by("completed_at", "id").select_related("payment__account")
    return map(_returned_row, rows.iterator(chunk_size=CHUNK))


def refunds_on_their_way(*, limit: int = 50) -> list[contracts.ReturnedRow]:
    """Refunds that are asked for and not yet made, oldest first."""
    waiting = (contracts.REFUND_REQUESTED, contracts.REFUND_PENDING)
    rows = models.Refund.objects.filter(status__in=waiting).select_related("payment__account")
    return [_returned_row(row) for row in rows.order_by("requested_at", "id")[:limit]]


def _returned_row(row: models.Refund) -> contracts.ReturnedRow:
    payment = row.payment
    return contracts.ReturnedRow(
        refund_id=row.pk,
        payment_id=payment.pk,
        at=row.completed_at or row.requested_at,
        payer_name=payment.payer_name,
        method=payment.method,
        account=payment.account.label if payment.account else "",
        amount_minor=row.amount_minor,
        reason=row.reason,
        actor=row.actor,
        status=row.status,
        external=row.external,
        returned=is_reversal(row),
    )


def _which(money: str, prefix: str = "") -> Q:
    unreal = Q(**{f"{prefix}mode__in": unreal_modes()})
    return unreal if money == TEST_MONEY else ~unreal


def _span(since: date, until: date) -> dict[str, Any]:
    if until < since:
        raise Invalid(_("The last day lies before the first."), field="until")
    if (until - since).days >= MAX_DAYS:
        raise Invalid(_("Choose at most three years."), field="since")
    return {"gte": start_of_day(since), "lt": start_of_day(until + timedelta(days=1))}


def _taken(since: date, until: date) -> QuerySet[models.Payment]:
    span = {f"captured_at__{side}": moment for side, moment in _span(since, until).items()}
    return models.Payment.objects.filter(**span, currency=current_school().currency)


def _returned(since: date, until: date) -> QuerySet[models.Refund]:
    """A refund that came back was not made: it has failed."""
    span = {f"completed_at__{side}": moment for side, moment in _span(since, until).items()}
    return models.Refund.objects.order_by().filter(
        **span,
        status=contracts.REFUND_SUCCEEDED,
        payment__currency=current_school().currency,
    )


def _lost(since: date, until: date) -> QuerySet[models.Dispute]:
    """What payers' banks took back for good, on the day that was decided."""
    span = {f"closed_at__{side}": moment for side, moment in _span(since, until).items()}
    currency = current_school().currency
    rows = models.Dispute.objects.order_by().filter(**span, status=contracts.LOST, counts=True)
    return rows.filter(currency=currency, payment__currency=currency)


def _fees(since: date, until: date, money: str) -> tuple[contracts.GatewayFees, ...]:
    """What gateways kept, as far as they have told: their books come with the payouts."""
    span = {f"at__{side}": moment for side, moment in _span(since, until).items()}
    rows = models.PayoutLine.objects.filter(
        _which(money, "payout__account__"), **span, payout__currency=current_school().currency
    )
    by_account = rows.order_by().values("payout__account_id", "payout__account__label")
    return tuple(
        contracts.GatewayFees(account_id=key, account=label, fees_minor=fees)
        for key, label, fees in by_account.annotate(fees=Sum("fee_minor"))
        .filter(fees__gt=0)
        .values_list("payout__account_id", "payout__account__label", "fees")
    )


def _captures(rows: QuerySet[models.Payment]) -> list[dict[str, Any]]:
    cells = rows.values(
        "method",
        "provider",
        day=_day_of("captured_at"),
        account_key=F("account_id"),
        label=F("account__label"),
    )
    sums: Any = cells.annotate(
        taken_minor=Sum("captured_minor"),
        cover_minor=Sum(Least("cover_minor", "captured_minor")),
        taken_count=Count("pk"),
    )
    return list(sums.order_by())


def _refunds(rows: QuerySet[models.Refund]) -> list[dict[str, Any]]:
    cells = rows.values(
        day=_day_of("completed_at"),
        method=F("payment__method"),
        provider=F("payment__provider"),
        account_key=F("payment__account_id"),
        label=F("payment__account__label"),
    )
    sums: Any = cells.annotate(returned_minor=Sum("amount_minor"), returned_count=Count("pk"))
    return list(sums.order_by())


def _losses(rows: QuerySet[models.Dispute]) -> list[dict[str, Any]]:
    cells: Any = rows.values(
        day=_day_of("closed_at"),
        method=F("payment__method"),
        provider=F("payment__provider"),
        account_key=F("payment__account_id"),
        label=F("payment__account__label"),
    )
    sums: Any = cells.annotate(lost_minor=Sum("amount_minor"))
    return list(sums.order_by())


def _day_of(column: str) -> TruncDate:
    return TruncDate(column, tzinfo=ZoneInfo(current_school().time_zone))


def _keys(rows: QuerySet[Any]) -> tuple[UUID, ...]:
    return tuple(rows.order_by("pk").values_list("pk", flat=True))
