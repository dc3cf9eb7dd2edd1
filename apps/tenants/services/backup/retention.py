"""Which backups are kept: the newest of each day, week and month for a while; never the last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from apps.tenants.models import Backup, School, SideSchema
from apps.tenants.services.backup import candidates, shelf
from kernel.schools import in_public

# What was taken by hand before a risky change should survive that day's nightly backup.
UNTOUCHED = timedelta(days=2)
FAILED_KEPT = timedelta(days=30)
# A backup that runs this long was killed: taking one takes seconds to minutes.
LOST_AFTER = timedelta(hours=6)
_STATE = Backup.State


def prune_backups(*, now: datetime | None = None) -> int:
    """Remove what the settings do not keep: the file first, then its card. Returns how many."""
    at = now or timezone.now()
    with in_public():
        _end_lost(at)
        schools = set(Backup.objects.order_by().values_list("school_id", flat=True))
        living = set(School.objects.filter(pk__in=schools).values_list("pk", flat=True))
        return sum(_prune(school_id, school_id in living, at) for school_id in sorted(schools))


def _end_lost(at: datetime) -> None:
    for row in Backup.objects.filter(state=_STATE.RUNNING, started_at__lt=at - LOST_AFTER):
        shelf.discard(row.key)
        row.state, row.error = _STATE.FAILED, "interrupted"
        row.save(update_fields=["state", "error"])


def _prune(school_id: int, living: bool, at: datetime) -> int:
    rows = list(Backup.objects.filter(school_id=school_id).order_by("-started_at"))
    kept = {row.pk for row in _kept(rows, living, at)}
    gone = [row for row in rows if row.pk not in kept]
    for row in gone:
        if shelf.is_there(row.key):
            shelf.remove(row.key)
        row.delete()
    return len(gone)


def _kept(rows: list[Backup], living: bool, at: datetime) -> Iterable[Backup]:
    good = [row for row in rows if row.is_good]
    yield from (row for row in rows if _is_wanted(row, at))
    if good and living:
        yield good[0]
    yield from keepers([row for row in good if row.expires_at is None], at)


def _is_wanted(row: Backup, at: datetime) -> bool:
    """Whatever the periods say: by hand, under way, or a failure that is still news."""
    if row.pinned or row.state == _STATE.RUNNING:
        return True
    if row.expires_at is not None and row.expires_at > at:
        return True
    return row.state == _STATE.FAILED and row.started_at > at - FAILED_KEPT


def keepers(good: list[Backup], at: datetime) -> Iterable[Backup]:
    """Of good backups, newest first, those that the settings keep."""
    yield from (row for row in good if row.started_at > at - UNTOUCHED)
    for count, period in (
        (settings.BACKUP_KEEP_DAILY, "%Y-%m-%d"),
        (settings.BACKUP_KEEP_WEEKLY, "%G-%V"),
        (settings.BACKUP_KEEP_MONTHLY, "%Y-%m"),
    ):
        newest: dict[str, Backup] = {}
        for row in good:
            newest.setdefault(row.started_at.strftime(period), row)
        yield from list(newest.values())[:count]


def drop_replaced(*, now: datetime | None = None) -> int:
    """Drop the tables that restores replaced and nobody wanted back, and what killed restores
    left. Returns how many schemas."""
    at = now or timezone.now()
    with in_public():
        kept = SideSchema.objects.filter(purpose=SideSchema.Purpose.KEPT, drop_after__lte=at)
        names = list(kept.values_list("schema_name", flat=True))
    for name in names:
        candidates.remove(name)
    return len(names) + candidates.remove_abandoned()


def drop_all_kept(school_id: int) -> int:
    """Before a school is deleted: nothing of it may stay in tables beside it."""
    with in_public():
        rows = SideSchema.objects.filter(school_id=school_id)
        names = list(rows.values_list("schema_name", flat=True))
    for name in names:
        candidates.remove(name)
    return len(names)
