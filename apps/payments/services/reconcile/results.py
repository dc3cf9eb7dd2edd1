"""What a run found, written down: new exceptions, those that are still there, those that are gone;
and what a person decides about one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.payments.models import Discrepancy, ReconciliationRun
from apps.payments.providers.base import Transaction
from apps.payments.services.reconcile.compare import Found, Ours, Window
from kernel.errors import Conflict, Invalid, NotFound

_FIGURES = {
    "charge": "charged",
    "charge_failure": "charged",
    "refund": "refunded",
    "refund_failure": "refunded",
    "dispute": "disputed",
    "dispute_reversal": "disputed",
    "fee": "fees",
}
# What a run may change about an exception that was known before.
_REWRITTEN = (
    "state",
    "decided_at",
    "decided_by",
    "reason",
    "ours_minor",
    "ours_currency",
    "theirs_minor",
    "theirs_currency",
    "payment_id",
    "refund_id",
    "last_seen",
)
Key = tuple[str, str]


def write(
    run: ReconciliationRun,
    found: Sequence[Found],
    *,
    lines: Sequence[Transaction],
    ours: Ours,
    window: Window,
) -> None:
    """Inside a transaction that holds the account's row."""
    known = _known(run, found)
    still = [_still_there(run, known[_key(x)], x) for x in found if _key(x) in known]
    Discrepancy.objects.bulk_update(still, _REWRITTEN, batch_size=500)
    fresh = [item for item in found if _key(item) not in known]
    Discrepancy.objects.bulk_create(_fresh(run, item) for item in fresh)
    _resolve(run, {_key(item) for item in found}, window)
    _close(run, lines, ours)


def _key(item: Found) -> Key:
    return item.kind, item.object_id


def _known(run: ReconciliationRun, found: Sequence[Found]) -> dict[Key, Discrepancy]:
    """Locked, so that what a person decides meanwhile comes before or after, and is not lost."""
    rows = Discrepancy.objects.select_for_update().filter(
        account=run.account, object_id__in=[item.object_id for item in found]
    )
    return {(row.kind, row.object_id): row for row in rows}


def _sums(item: Found) -> dict[str, Any]:
    ours, theirs = item.ours or (None, ""), item.theirs or (None, "")
    return {
        "ours_minor": ours[0],
        "ours_currency": ours[1],
        "theirs_minor": theirs[0],
        "theirs_currency": theirs[1],
    }


def _fresh(run: ReconciliationRun, item: Found) -> Discrepancy:
    return Discrepancy(
        account=run.account,
        kind=item.kind,
        object_id=item.object_id,
        payment_id=item.payment_id,
        refund_id=item.refund_id,
        at=item.at,
        first_seen=run,
        last_seen=run,
        **_sums(item),
    )


def _still_there(run: ReconciliationRun, row: Discrepancy, item: Found) -> Discrepancy:
    """What was accepted stays so as long as it is the very same; what had gone is open again."""
    same = all(getattr(row, column) == value for column, value in _sums(item).items())
    if row.state == Discrepancy.RESOLVED or not same:
        row.state, row.decided_at, row.decided_by, row.reason = Discrepancy.OPEN, None, "", ""
    for column, value in _sums(item).items():
        setattr(row, column, value)
    row.payment_id, row.refund_id, row.last_seen = item.payment_id, item.refund_id, run
    return row


def _resolve(run: ReconciliationRun, still: set[Key], window: Window) -> None:
    """What this run judged and did not find any more has been put right."""
    rows = Discrepancy.objects.filter(
        account=run.account, state=Discrepancy.OPEN, at__gte=window.since, at__lt=window.until
    )
    gone = [row.pk for row in rows if (row.kind, row.object_id) not in still]
    Discrepancy.objects.filter(pk__in=gone, state=Discrepancy.OPEN).update(
        state=Discrepancy.RESOLVED, decided_at=timezone.now(), last_seen=run
    )


def _close(run: ReconciliationRun, lines: Sequence[Transaction], ours: Ours) -> None:
    inside = [x for x in lines if run.since <= x.at < run.until and x.kind != "payout"]
    captured = [p.captured_at for p in ours.payments if p.captured_at and p.captured_minor]
    run.transactions = len(inside)
    run.payments = sum(run.since <= at < run.until for at in captured)
    run.found = Discrepancy.objects.filter(account=run.account, state=Discrepancy.OPEN).count()
    run.figures = _figures(inside)
    run.state, run.finished_at = ReconciliationRun.DONE, timezone.now()
    run.save()


def _figures(lines: Sequence[Transaction]) -> dict[str, dict[str, int]]:
    """By settlement currency; fees below zero, so that all but the net add up to the net."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        figures = sums[line.settlement_currency]
        figures[_FIGURES.get(line.kind, "other")] += line.net_minor + line.fee_minor
        figures["fees"] -= line.fee_minor
        figures["net"] += line.net_minor
    return {currency: dict(figures) for currency, figures in sorted(sums.items())}


@transaction.atomic
def accept(discrepancy_id: UUID, *, reason: str, actor: str) -> Discrepancy:
    """A person leaves it as it is and says why. Raises NotFound, Invalid, Conflict."""
    row = Discrepancy.objects.select_for_update().filter(pk=discrepancy_id).first()
    if row is None:
        raise NotFound(_("There is no such exception."))
    if not reason.strip():
        raise Invalid(_("Say why it is left as it is."), field="reason")
    if row.state != Discrepancy.OPEN:
        raise Conflict(_("This exception is not open any more."))
    row.state, row.reason = Discrepancy.ACCEPTED, reason.strip()[:300]
    row.decided_by, row.decided_at = actor[:254], timezone.now()
    row.save()
    identity.record_audit(
        actor=actor,
        action="payments.exception_accepted",
        subject=str(row.pk),
        detail={"kind": row.kind, "object_id": row.object_id, "reason": row.reason},
    )
    return row
