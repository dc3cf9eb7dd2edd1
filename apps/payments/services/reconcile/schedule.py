"""When accounts are compared: each morning of the school, and whenever somebody asks."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from apps.identity import facade as identity
from apps.payments.contracts import RECONCILE_TASK
from apps.payments.models import GatewayAccount, ReconciliationRun
from apps.payments.services import accounts
from apps.payments.services.errors import NoGateway
from apps.payments.services.reconcile import running, windows
from apps.tenants import facade as tenants
from kernel.schools import current_school

logger = logging.getLogger(__name__)
AGAIN_AFTER = timedelta(hours=1)
_UNFINISHED = (ReconciliationRun.QUEUED, ReconciliationRun.RUNNING)


def comparable() -> list[GatewayAccount]:
    """Accounts whose gateway can be asked."""
    return [account for account in GatewayAccount.objects.order_by("pk") if _reachable(account)]


def _reachable(account: GatewayAccount) -> bool:
    if not account.secret_key:
        return False  # a restored copy, which knows no key
    try:
        accounts.provider_for(account)
    except NoGateway:
        return False
    return True


def run_for(
    account: GatewayAccount, span: windows.Span, *, asked_by: str = ""
) -> ReconciliationRun:
    """The run of this window; the same window is always the same run."""
    since, until = span
    run, _fresh = ReconciliationRun.objects.get_or_create(
        account=account, since=since, until=until, defaults={"asked_by": asked_by[:254]}
    )
    return run


def ask_for_runs(*, actor: str) -> list[ReconciliationRun]:
    """Have every account compared soon, by a worker; one that is under way is not doubled."""
    runs = [_asked(account, actor) for account in comparable()]
    if runs:
        tenants.note_due_work(task=RECONCILE_TASK)
        identity.record_audit(
            actor=actor,
            action="payments.reconciliation_asked",
            subject=",".join(str(run.pk) for run in runs)[:200],
            detail={"accounts": len(runs)},
        )
    return runs


def _asked(account: GatewayAccount, actor: str) -> ReconciliationRun:
    waiting = ReconciliationRun.objects.filter(account=account, state__in=_UNFINISHED).first()
    if waiting is not None:
        return waiting
    run = run_for(account, windows.until_now(timezone.now()), asked_by=actor)
    if run.state not in _UNFINISHED:
        run.state = ReconciliationRun.QUEUED
        run.save(update_fields=["state"])
    return run


def look_after() -> int:
    """Runs that were asked for, then those of the morning. Returns how many were done."""
    now = timezone.now()
    asked = ReconciliationRun.objects.filter(state__in=_UNFINISHED).order_by("created_at")
    return _perform([*asked, *_of_this_morning(now)])


def _perform(runs: Iterable[ReconciliationRun]) -> int:
    done = 0
    for run in {run.pk: run for run in runs}.values():
        try:
            done += running.perform(run.pk).state == ReconciliationRun.DONE
        except Exception:
            # One odd account must not keep the others waiting; its run says that it failed.
            logger.exception("reconciliation %s", run.pk)
    return done


def _of_this_morning(now: datetime) -> list[ReconciliationRun]:
    span = windows.nightly(now, time_zone=current_school().time_zone)
    runs = [run_for(account, span) for account in comparable()]
    return [run for run in runs if _wanted(run, now)]


def _wanted(run: ReconciliationRun, now: datetime) -> bool:
    if run.state == ReconciliationRun.FAILED:
        return run.finished_at is None or run.finished_at + AGAIN_AFTER <= now
    return run.state != ReconciliationRun.DONE


def next_due() -> datetime | None:
    """When there is something to do again; None for a school without an account."""
    if not comparable():
        return None
    now = timezone.now()
    time_zone = current_school().time_zone
    if ReconciliationRun.objects.filter(state__in=_UNFINISHED).exists():
        return now + running.SILENCE
    since, until = windows.nightly(now, time_zone=time_zone)
    failed = ReconciliationRun.objects.filter(
        since=since, until=until, state=ReconciliationRun.FAILED
    )
    if failed.exists():
        return now + AGAIN_AFTER
    return windows.next_morning(now, time_zone=time_zone)
