"""One run: read the gateway's books, compare, ask about what does not agree, compare again, write.

All reading is done outside of transactions. A page that cannot be had ends the run as failed:
nothing is concluded from half of the books.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from apps.payments import models
from apps.payments.models import Discrepancy, ReconciliationRun
from apps.payments.providers.base import (
    PaymentSnapshot,
    PayoutSnapshot,
    Provider,
    ProviderError,
    Transaction,
)
from apps.payments.services import accounts, sync
from apps.payments.services.bank import matching
from apps.payments.services.errors import NoGateway
from apps.payments.services.reconcile import books, payouts, results
from apps.payments.services.reconcile.compare import Found, Ours, Seen, Window, compare

logger = logging.getLogger(__name__)
# A worker that has not been heard of for so long is gone, and its run is taken up by another.
SILENCE = timedelta(minutes=2)
# Lines may be dated a little before our own moment of the same thing.
MARGIN = timedelta(days=1)
# A sliding run looks again at what has been open for longer, as far back as this.
FURTHEST = timedelta(days=90)
PAYOUTS_SINCE = timedelta(days=10)
# How late a gateway may be with its books.
LATE = {"paypal": timedelta(hours=3)}
Report = Callable[[int, int], None]


def perform(run_id: UUID) -> ReconciliationRun:
    """Do a run and return its row: done or failed, or running when another worker is at it."""
    if not _claim(run_id):
        return ReconciliationRun.objects.get(pk=run_id)
    run = ReconciliationRun.objects.select_related("account").get(pk=run_id)
    try:
        _reconcile(run)
    except (ProviderError, NoGateway) as error:
        logger.warning("reconciliation %s failed: %s", run.pk, error)
        _fail(run, str(error))
    except Exception:
        _fail(run, "unexpected error")
        raise
    return run


def _claim(run_id: UUID) -> bool:
    now = timezone.now()
    free = ~Q(state=ReconciliationRun.RUNNING) | Q(seen_at__lt=now - SILENCE)
    claimed = ReconciliationRun.objects.filter(free, pk=run_id).update(
        state=ReconciliationRun.RUNNING,
        started_at=now,
        seen_at=now,
        finished_at=None,
        error="",
        done=0,
        total=0,
    )
    return bool(claimed)


def _fail(run: ReconciliationRun, error: str) -> None:
    run.state, run.error, run.finished_at = ReconciliationRun.FAILED, error[:300], timezone.now()
    run.save(update_fields=["state", "error", "finished_at"])


def _reporter(run: ReconciliationRun) -> Report:
    """Writes down how far the run is, at most once a second."""
    last = [timezone.now()]

    def report(done: int, total: int) -> None:
        now = timezone.now()
        if now - last[0] >= timedelta(seconds=1):
            last[0] = now
            ReconciliationRun.objects.filter(pk=run.pk).update(done=done, total=total, seen_at=now)

    return report


def _reconcile(run: ReconciliationRun) -> None:
    report = _reporter(run)
    provider = accounts.provider_for(run.account)
    window = _window(run)
    lines = list(_counted(_listed(provider, window), report))
    paid_out = _paid_out(provider, window)
    found, ours = _compare(run, lines, window)
    seen = _ask_about(found, report)
    if seen is not None:
        found, ours = _compare(run, lines, window, seen)
    with transaction.atomic():
        models.GatewayAccount.objects.select_for_update().get(pk=run.account_id)
        payouts.save(run.account, paid_out)
        results.write(run, found, lines=lines, ours=ours, window=window)
    # The statement may have been imported before the payout was known.
    matching.tie_payouts()


def _window(run: ReconciliationRun) -> Window:
    now = timezone.now()
    since = _oldest_open(run, now) or run.since
    return Window(
        since=since,
        until=run.until,
        listed_since=since - MARGIN,
        # Whatever came later may have put right what is looked at.
        listed_until=now + timedelta(seconds=1),
        late_after=now - LATE.get(run.account.provider, timedelta(0)),
    )


def _oldest_open(run: ReconciliationRun, now: datetime) -> datetime | None:
    """Where a run that slides with time begins, so that what is open is looked at again."""
    if run.until < now - 2 * MARGIN:
        return None
    rows = Discrepancy.objects.filter(
        account=run.account, state=Discrepancy.OPEN, at__gte=run.since - FURTHEST, at__lt=run.since
    )
    return rows.aggregate(oldest=Min("at"))["oldest"]


def _listed(provider: Provider, window: Window) -> Iterator[Transaction]:
    return provider.list_transactions(since=window.listed_since, until=window.listed_until)


def _counted(lines: Iterator[Transaction], report: Report) -> Iterator[Transaction]:
    for count, line in enumerate(lines, start=1):
        report(count, 0)
        yield line


def _paid_out(provider: Provider, window: Window) -> list[PayoutSnapshot]:
    since = min(window.listed_since, window.listed_until - PAYOUTS_SINCE)
    return list(provider.list_payouts(since=since, until=window.listed_until))


def _compare(
    run: ReconciliationRun,
    lines: list[Transaction],
    window: Window,
    seen: dict[str, Seen] | None = None,
) -> tuple[list[Found], Ours]:
    ours = books.read(run.account, lines, since=window.since, until=window.until)
    return compare(ours, lines, window, seen=seen), ours


def _ask_about(found: list[Found], report: Report) -> dict[str, Seen] | None:
    """Sync each payment that something does not agree about: what we have not heard of is
    written down by that. What the gateway showed by name, or None when there was nothing."""
    wanted = sorted({item.payment_id for item in found if item.payment_id})
    seen: dict[str, Seen] = {}
    for count, payment_id in enumerate(wanted, start=1):
        report(count, len(wanted))
        snapshot = _look(payment_id)
        if snapshot is not None:
            seen |= _shown(snapshot)
    return seen if wanted else None


def _look(payment_id: UUID) -> PaymentSnapshot | None:
    try:
        return sync.look(payment_id)
    except ProviderError as error:
        if error.code == "authentication":
            raise  # nothing at all can be asked with this key
        # It knows no such page, or does not answer about this one payment: a finding stays open
        # and no failure of the run, whose lines are read.
        logger.info("payment %s cannot be looked at: %s", payment_id, error)
        return None


def _shown(snapshot: PaymentSnapshot) -> dict[str, Seen]:
    captures = {capture.capture_id: Seen(at=capture.at) for capture in snapshot.captures}
    refunds = {
        refund.provider_refund_id: Seen(at=refund.at, failed=refund.status == "failed")
        for refund in snapshot.refunds
    }
    return captures | refunds
