"""Which schools are due for a backup, which backups for a closer look, and whether all is well.

Nothing is remembered but the backups themselves: each school has its own minute of the night,
made of its number, and is due once that minute has passed without a backup since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from apps.tenants.models import Backup, School
from apps.tenants.services.backup.activity import activity_of
from apps.tenants.services.backup.take import take_backup
from kernel.schools import in_public

BACKED_UP_IN = (School.Status.ACTIVE, School.Status.SUSPENDED, School.Status.ARCHIVED)
# After a night that failed, people should hear of it before the next one.
STALE_AFTER = timedelta(hours=30)
# A backup that failed is tried again, but not every ten minutes of the day.
PAUSE = timedelta(hours=1)
_SPREAD = 7919  # a prime: neighbouring numbers fall into different hours


def slot_of(school_id: int, now: datetime) -> datetime:
    """The school's latest minute of the night that has passed, UTC."""
    minute = school_id * _SPREAD % max(settings.BACKUP_SPREAD_HOURS * 60, 1)
    start = now.replace(hour=settings.BACKUP_HOUR % 24, minute=0, second=0, microsecond=0)
    slot = start + timedelta(minutes=minute)
    return slot if slot <= now else slot - timedelta(days=1)


def due_schools(now: datetime | None = None) -> list[int]:
    """Schools without a good backup since their minute of the night, longest without first."""
    at = now or timezone.now()
    with in_public():
        schools = School.objects.filter(status__in=BACKED_UP_IN).values_list("id", flat=True)
        last = dict(last_good())
        tried = dict(
            Backup.objects.filter(started_at__gt=at - PAUSE)
            .exclude(state=Backup.State.DONE)
            .order_by()
            .values_list("school_id")
            .annotate(Max("started_at"))
        )
    due = [
        school_id
        for school_id in schools
        if school_id not in tried
        and (school_id not in last or last[school_id] < slot_of(school_id, at))
    ]
    return sorted(due, key=lambda school_id: (school_id in last, last.get(school_id)))


def last_good() -> QuerySet:
    """(school, when) of each school's latest good backup, or of finding it unchanged since."""
    seen = Greatest("started_at", Coalesce("unchanged_at", "started_at"))
    good = Backup.objects.filter(state=Backup.State.DONE, error="")
    return good.order_by().values_list("school_id").annotate(seen=Max(seen))


def back_up_if_due(*, school_id: int, actor: str, now: datetime | None = None) -> str:
    """The night's work for one school: "taken", "unchanged" or "not due". May be repeated."""
    at = now or timezone.now()
    if school_id not in due_schools(at):
        return "not due"
    with in_public():
        last = Backup.objects.filter(school_id=school_id, state=Backup.State.DONE, error="").first()
        schema_name = School.objects.values_list("schema_name", flat=True).get(pk=school_id)
    if last is not None and last.activity and last.activity == activity_of(schema_name):
        with in_public():
            Backup.objects.filter(pk=last.pk).update(unchanged_at=at)
        return "unchanged"
    take_backup(school_id=school_id, actor=actor)
    return "taken"


def sample_to_verify(count: int = 0) -> list[Backup]:
    """Good backups that nobody has looked into for longest: a twentieth of them, at least one."""
    with in_public():
        good = Backup.objects.filter(state=Backup.State.DONE, error="")
        wanted = count or max(1, good.count() // 20)
        oldest_look = good.order_by(Coalesce("verified_at", datetime.min.replace(tzinfo=UTC)))
        return list(oldest_look[:wanted])


@dataclass(frozen=True, slots=True)
class Health:
    """How backups stand: schools (ids) without a recent good one, and failures since."""

    schools: int
    stale: tuple[int, ...]
    failed: tuple[int, ...]
    damaged: int

    @property
    def is_well(self) -> bool:
        return not (self.stale or self.failed or self.damaged)


def backup_health(now: datetime | None = None) -> Health:
    """For the console, `list_backups --check` and monitoring."""
    at = now or timezone.now()
    with in_public():
        schools = School.objects.filter(status__in=BACKED_UP_IN)
        since = dict(schools.values_list("id", "created_at"))
        last = dict(last_good())
        recent = Backup.objects.filter(started_at__gt=at - STALE_AFTER).order_by("started_at")
        ended = recent.exclude(state=Backup.State.RUNNING)
        latest = dict(ended.values_list("school_id", "state"))  # of each, the last one wins
        damaged = Backup.objects.filter(state=Backup.State.DONE).exclude(error="").count()
    stale = [key for key, made in since.items() if (last.get(key) or made) < at - STALE_AFTER]
    failed = [key for key, state in latest.items() if state == Backup.State.FAILED]
    return Health(len(since), tuple(sorted(stale)), tuple(sorted(failed)), damaged)
