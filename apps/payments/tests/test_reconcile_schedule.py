"""When books are compared, and over which days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from apps.payments import models
from apps.payments.models import ReconciliationRun
from apps.payments.services.reconcile import schedule, windows


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        ("2026-11-29T13:00", "America/Chicago", "2026-11-29"),  # seven in the morning there
        ("2026-11-29T12:59", "America/Chicago", "2026-11-28"),
        ("2026-11-29T05:59", "Europe/Madrid", "2026-11-28"),
        ("2026-11-29T06:00", "Europe/Madrid", "2026-11-29"),
        # the clocks go back in the night, and forward
        ("2026-11-01T12:59", "America/Chicago", "2026-10-31"),
        ("2026-11-01T13:00", "America/Chicago", "2026-11-01"),
        ("2026-03-29T05:00", "Europe/Madrid", "2026-03-29"),
        ("2026-03-29T04:59", "Europe/Madrid", "2026-03-28"),
        # its morning is the evening before in UTC
        ("2026-11-28T18:00", "Pacific/Auckland", "2026-11-28"),
        ("2026-11-28T17:59", "Pacific/Auckland", "2026-11-27"),
    ],
)
def test_the_nightly_window_ends_with_the_utc_day_before_the_schools_morning(now, zone, until):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    since, end = windows.nightly(moment, time_zone=zone)

    assert end == datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert end - since == timedelta(days=3)
    assert moment < windows.next_morning(moment, time_zone=zone) <= moment + timedelta(hours=25)


def test_windows_of_following_nights_overlap_and_leave_no_gap():
    now = datetime(2026, 10, 20, 15, tzinfo=UTC)
    spans = [
        windows.nightly(now + timedelta(days=day), time_zone="America/Chicago") for day in range(30)
    ]

    assert all(later[0] == earlier[0] + timedelta(days=1) for earlier, later in pairwise(spans))


def test_the_morning_run_is_done_once(books):
    assert schedule.look_after() == 1
    assert schedule.look_after() == 0
    [run] = ReconciliationRun.objects.all()
    assert (run.state, run.asked_by) == ("done", "")
    assert schedule.next_due() == windows.next_morning(timezone.now(), time_zone="America/Chicago")


def test_a_morning_run_that_failed_is_tried_again_after_an_hour(books):
    books.sandbox.app.faults.fail["balance_transactions"] = [500] * 3
    assert schedule.look_after() == 0
    assert schedule.look_after() == 0
    due = schedule.next_due() - timezone.now()
    assert timedelta(minutes=59) < due <= timedelta(hours=1)

    ReconciliationRun.objects.update(finished_at=timezone.now() - timedelta(minutes=61))
    assert schedule.look_after() == 1


def test_whoever_asks_twice_gets_the_run_that_is_waiting(books):
    [run] = schedule.ask_for_runs(actor="bursar@example.org")
    [again] = schedule.ask_for_runs(actor="admin@example.org")

    assert (run.pk, run.state, run.asked_by) == (again.pk, "queued", "bursar@example.org")
    assert schedule.next_due() < timezone.now() + timedelta(minutes=5)
    assert schedule.look_after() == 2  # it, and this morning's


def test_a_school_without_an_account_has_nothing_to_do(school):
    models.GatewayAccount.objects.all().delete()

    assert (schedule.look_after(), schedule.next_due()) == (0, None)
    assert schedule.ask_for_runs(actor="bursar") == []


def test_a_restored_copy_asks_nobody(books):
    models.GatewayAccount.objects.update(secret_key="")

    assert (schedule.look_after(), schedule.next_due()) == (0, None)
