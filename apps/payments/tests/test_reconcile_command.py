"""manage.py reconcile: its exit codes, its words, its JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import ReconciliationRun
from apps.payments.tests.factories import start
from kernel.schools import in_public


@pytest.fixture
def paid(account, sandbox):
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def run(**options):
    out = StringIO()
    try:
        call_command("reconcile", school="lincoln", stdout=out, **options)
    except CommandError as error:
        return error.returncode, str(error), out.getvalue()
    return 0, "", out.getvalue()


def lose_the_line(sandbox):
    [line] = sandbox.app.store.all(sandbox.account(), "balance_transaction")
    sandbox.app.store.remove(sandbox.account(), line["id"])


def recent():
    """A window that holds what was paid in this very minute."""
    now = timezone.now()
    return {"since": now - timedelta(hours=1), "until": now + timedelta(minutes=1)}


def test_all_agrees(paid):
    code, _error, out = run(**recent())

    assert code == 0
    assert "1 lines at the gateway, 1 payments here, 0 exceptions open." in out


def test_exceptions_are_listed_and_make_the_exit_code_one(paid, sandbox):
    lose_the_line(sandbox)

    code, error, out = run(**recent())

    assert (code, error) == (1, "1 exceptions are open.")
    assert f"local_paid_missing_at_gateway {models.Payment.objects.get().capture_id}" in out
    assert f"payment {paid} ours $250.00, theirs -" in out


def test_as_json(paid, sandbox):
    lose_the_line(sandbox)

    code, _error, out = run(json=True, **recent())

    told = json.loads(out)
    assert code == 1
    assert told["school"] == "lincoln"
    assert [one["kind"] for one in told["open"]] == ["local_paid_missing_at_gateway"]
    assert told["open"][0]["ours"] == {"amount_minor": 25000, "currency": "USD"}
    assert (told["runs"][0]["state"], told["runs"][0]["payments"]) == ("done", 1)


def test_books_that_cannot_be_read_are_no_finding(paid, sandbox):
    sandbox.app.faults.fail["balance_transactions"] = [500] * 3

    code, error, out = run(**recent())

    assert code == 3
    assert "not compared: The gateway had an internal error." in error
    assert "not compared." in out
    assert models.Discrepancy.objects.count() == 0


def test_a_gateway_that_is_not_there(paid, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:1"

    assert run(**recent())[0] == 3


def test_without_a_window_today_is_looked_at(paid):
    code, _error, _out = run()

    [done] = ReconciliationRun.objects.all()
    assert (code, done.since.hour, done.since.minute) == (0, 0, 0)
    assert timezone.now() - done.until < timedelta(minutes=2)


def test_a_school_without_an_account(school):
    models.GatewayAccount.objects.all().delete()

    assert run() == (0, "", "There is no gateway account to compare with.\n")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--school", "nowhere"], "No school has the short name"),
        (["--school", "lincoln", "--from", "yesterday", "--to", "2026-01-01"], "is no moment like"),
        (["--school", "lincoln", "--from", "2026-13-01", "--to", "2026-01-01"], "is no moment"),
        (["--school", "lincoln", "--from", "2026-01-02", "--to", "2026-01-01"], "must be before"),
        (["--school", "lincoln", "--from", "2026-01-02", "--to", "2026-01-02"], "must be before"),
        (["--school", "lincoln", "--from", "2026-01-02"], "or neither"),
        (["--school", "lincoln", "--to", "2026-01-02"], "or neither"),
        (["--school", "lincoln", "--from", "2999-01-01", "--to", "2999-01-02"], "in the future"),
        (["--school", "lincoln", "--from", "2026-01-01", "--to", "9999-12-31"], "in the future"),
        (["--school", "lincoln", "--from", "0001-01-01", "--to", "2026-01-01"], "before 2000-01"),
        (["--from", "2026-01-01"], "--school"),
        (["--school", "lincoln", "--frmo", "2026-01-01"], "unrecognized"),
    ],
)
def test_wrong_arguments_are_one_clear_line_and_exit_code_two(db, given, message):
    with in_public(), pytest.raises(CommandError, match=message) as caught:
        call_command("reconcile", *given)

    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)
