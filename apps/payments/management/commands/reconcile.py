"""manage.py reconcile: a school's payments beside the gateway's own books."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import DatabaseError
from django.utils import timezone

from apps.payments.models import Discrepancy, GatewayAccount, ReconciliationRun
from apps.payments.services.reconcile import running, schedule, windows
from apps.tenants import facade as tenants
from kernel.commands import FAILED, Error, PlainCommand
from kernel.errors import Invalid
from kernel.money import format_money
from kernel.schools import in_school

NOT_COMPARED = 3
# No gateway keeps books of earlier days, and a run far outside of time could not be read again.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)


class Command(PlainCommand):
    help = (
        "Compare a school's payments with its gateways' own books: ask about whatever does not "
        "agree, write down what is new, and list the exceptions that are left for a person. "
        "Without --from and --to: the last three UTC days and today so far. Exit code 0 when "
        "nothing is open, 1 when exceptions are, 2 when something you gave is wrong, 3 when the "
        "books could not be read (then nothing is concluded)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--school", required=True, metavar="NAME", help="slug or address")
        parser.add_argument("--from", dest="since", type=_moment, help="ISO, UTC")
        parser.add_argument("--to", dest="until", type=_moment, help="ISO, UTC, not included")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def run(self, options: dict[str, Any]) -> None:
        span = _span(options["since"], options["until"])
        school = tenants.find_school(options["school"])
        with in_school(school.schema_name):
            try:
                runs = [_compared(account, span) for account in schedule.comparable()]
            except (DatabaseError, psycopg.Error) as error:
                raise Error(f"The database says: {error}", returncode=NOT_COMPARED) from error
            open_rows = list(Discrepancy.objects.filter(state=Discrepancy.OPEN).order_by("at"))
            self._tell(school.slug, runs, open_rows, as_json=options["json"])
        _leave(runs, open_rows)

    def _tell(
        self,
        school: str,
        runs: list[ReconciliationRun],
        open_rows: list[Discrepancy],
        *,
        as_json: bool,
    ) -> None:
        if as_json:
            told = {
                "school": school,
                "runs": [_run_facts(run) for run in runs],
                "open": [_facts(row) for row in open_rows],
            }
            self.stdout.write(json.dumps(told))
            return
        if not runs:
            self.stdout.write("There is no gateway account to compare with.")
        for run in runs:
            self.stdout.write(_run_line(run))
        for row in open_rows:
            self.stdout.write(f"  {_line(row)}")


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is no moment like 2026-11-29 or 2026-11-29T14:30"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _span(since: datetime | None, until: datetime | None) -> windows.Span:
    """Raises Invalid for a window that is empty, half given, or not of these days."""
    now = timezone.now()
    if since is None and until is None:
        return windows.until_now(now)
    if since is None or until is None:
        raise Invalid("Give --from and --to, or neither.")
    if since >= until:
        raise Invalid("--from must be before --to.")
    if since > now:
        raise Invalid("--from lies in the future.")
    if until > now + AHEAD:
        raise Invalid("--to lies in the future.")
    if since < EARLIEST:
        raise Invalid(f"--from lies before {EARLIEST:%Y-%m-%d}.")
    return since, until


def _compared(account: GatewayAccount, span: windows.Span) -> ReconciliationRun:
    run = schedule.run_for(account, span, asked_by="manage.py")
    return running.perform(run.pk)


def _leave(runs: list[ReconciliationRun], open_rows: list[Discrepancy]) -> None:
    for run in runs:
        if run.state != ReconciliationRun.DONE:
            why = run.error or "another worker is comparing this window"
            raise Error(f"{run.account.label}: not compared: {why}", returncode=NOT_COMPARED)
    if open_rows:
        raise Error(f"{len(open_rows)} exceptions are open.", returncode=FAILED)


def _run_line(run: ReconciliationRun) -> str:
    span = f"{run.since:%Y-%m-%d %H:%M} to {run.until:%Y-%m-%d %H:%M} UTC"
    if run.state != ReconciliationRun.DONE:
        return f"{run.account.label}, {span}: not compared."
    return (
        f"{run.account.label}, {span}: {run.transactions} lines at the gateway, "
        f"{run.payments} payments here, {run.found} exceptions open."
    )


def _run_facts(run: ReconciliationRun) -> dict[str, Any]:
    return {
        "account": run.account.label,
        "account_id": str(run.account_id),
        "since": run.since.isoformat(),
        "until": run.until.isoformat(),
        "state": run.state,
        "error": run.error,
        "transactions": run.transactions,
        "payments": run.payments,
        "figures": run.figures,
    }


def _facts(row: Discrepancy) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "object_id": row.object_id,
        "payment_id": str(row.payment_id) if row.payment_id else None,
        "at": row.at.isoformat(),
        "ours": {"amount_minor": row.ours_minor, "currency": row.ours_currency},
        "theirs": {"amount_minor": row.theirs_minor, "currency": row.theirs_currency},
        "found_at": row.created_at.isoformat(),
    }


def _line(row: Discrepancy) -> str:
    ours = format_money(row.ours_minor, row.ours_currency) if row.ours_minor is not None else "-"
    theirs = (
        format_money(row.theirs_minor, row.theirs_currency) if row.theirs_minor is not None else "-"
    )
    about = f" payment {row.payment_id}" if row.payment_id else ""
    return f"{row.at:%Y-%m-%d} {row.kind} {row.object_id}:{about} ours {ours}, theirs {theirs}"
