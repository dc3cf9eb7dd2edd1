"""Which backups are taken, kept and told of. No backup is really taken here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.tenants.models import Backup, School
from apps.tenants.services.backup import retention, schedule
from kernel.schools import in_public

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _public(school: Any, shelf_of_rows: set[str]) -> Any:
    with in_public():
        yield


@pytest.fixture
def shelf_of_rows(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A storage that only knows which keys it has."""
    stored: set[str] = set()
    monkeypatch.setattr(retention.shelf, "is_there", stored.__contains__)
    monkeypatch.setattr(retention.shelf, "remove", stored.remove)
    return stored


def backup(at: datetime, stored: set[str] | None = None, **values: Any) -> Backup:
    values = {"school_id": 1, "state": "done", "school_name": "Lincoln", **values}
    row = Backup.objects.create(started_at=at, key=f"k/{at.isoformat()}", **values)
    if stored is not None:
        stored.add(row.key)
    return row


def kept_days() -> list[str]:
    return [f"{row.started_at:%m-%d}" for row in Backup.objects.order_by("-started_at")]


def test_a_year_of_nights_leaves_days_weeks_and_months(shelf_of_rows: set[str]) -> None:
    for day in range(400):
        backup(NOON - timedelta(days=day), shelf_of_rows)
    retention.prune_backups(now=NOON)
    days = ["11-22", "11-21", "11-20", "11-19", "11-18", "11-17", "11-16"]
    weeks = ["11-15", "11-08", "11-01"]  # with this week's, four
    months = ["10-31", "09-30", "08-31", "07-31", "06-30", "05-31"]
    months += ["04-30", "03-31", "02-28", "01-31", "12-31"]  # with this month's, twelve
    assert kept_days() == days + weeks + months
    assert len(shelf_of_rows) == Backup.objects.count()


def test_the_last_good_one_is_never_removed(shelf_of_rows: set[str]) -> None:
    good = backup(NOON - timedelta(days=900), shelf_of_rows)
    backup(NOON - timedelta(days=1), state="failed", error="disk full")
    backup(NOON - timedelta(hours=1), shelf_of_rows, error="damaged")
    retention.prune_backups(now=NOON)
    assert good.key in shelf_of_rows


def test_pinned_ones_and_exports_stay_until_their_day(
    shelf_of_rows: set[str], settings: Any
) -> None:
    settings.BACKUP_KEEP_DAILY = settings.BACKUP_KEEP_WEEKLY = settings.BACKUP_KEEP_MONTHLY = 1
    pinned = backup(NOON - timedelta(days=500), pinned=True)
    export = backup(NOON - timedelta(days=89), school_id=77, expires_at=NOON + timedelta(days=1))
    gone = backup(NOON - timedelta(days=91), school_id=78, expires_at=NOON - timedelta(days=1))
    newest = backup(NOON - timedelta(days=3))
    old = backup(NOON - timedelta(days=5))
    retention.prune_backups(now=NOON)
    left = set(Backup.objects.values_list("pk", flat=True))
    assert left == {pinned.pk, export.pk, newest.pk}
    assert not {gone.pk, old.pk} & left


def test_a_killed_backup_is_told_as_failed() -> None:
    row = backup(NOON - timedelta(hours=7), state="running")
    retention.prune_backups(now=NOON)
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "interrupted")


def test_every_school_has_its_minute_of_the_night() -> None:
    slots = {schedule.slot_of(number, NOON) for number in range(1, 241)}
    assert len(slots) == 240
    assert min(slots) == NOON.replace(hour=1)
    assert max(slots) == NOON.replace(hour=4, minute=59)


def test_a_school_is_due_once_a_night() -> None:
    slot = schedule.slot_of(1, NOON)
    assert 1 in schedule.due_schools(NOON)
    backup(slot - timedelta(minutes=1))
    assert 1 in schedule.due_schools(NOON)
    backup(slot + timedelta(minutes=1))
    assert 1 not in schedule.due_schools(NOON)
    assert 1 in schedule.due_schools(NOON + timedelta(days=1))


def test_a_failure_is_tried_again_after_a_pause() -> None:
    backup(NOON - timedelta(minutes=5), state="failed", error="disk full")
    assert 1 not in schedule.due_schools(NOON)
    assert 1 in schedule.due_schools(NOON + timedelta(hours=1))


def test_a_school_that_is_being_deleted_is_left_alone() -> None:
    School.objects.filter(pk=1).update(status="deleting")
    assert 1 not in schedule.due_schools(NOON)


def test_health_names_schools_without_a_recent_backup() -> None:
    School.objects.update(created_at=NOON - timedelta(days=9))
    backup(NOON - timedelta(hours=3))
    backup(NOON - timedelta(hours=40), school_id=2)
    assert schedule.backup_health(NOON).stale == (2,)
    Backup.objects.filter(school_id=2).update(unchanged_at=NOON - timedelta(hours=2))
    assert schedule.backup_health(NOON).is_well
    backup(NOON - timedelta(hours=1), state="failed", error="x")
    assert schedule.backup_health(NOON).failed == (1,)
    backup(NOON - timedelta(minutes=1))
    assert schedule.backup_health(NOON).is_well


def test_the_sample_is_what_nobody_looked_into_for_longest() -> None:
    backup(NOON - timedelta(days=2), verified_at=NOON)
    never = backup(NOON - timedelta(days=3))
    assert schedule.sample_to_verify() == [never]
