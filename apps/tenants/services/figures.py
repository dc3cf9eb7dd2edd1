"""The installation in numbers, for whoever watches over it. Three statements on the platform's own
tables: what it costs does not grow with what the schools do."""

from __future__ import annotations

from django.db.models import Count, F, Max, Min, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.tenants.contracts import PlatformFigures
from apps.tenants.models import Backup, School, SpareSchool
from kernel.schools import in_public

# A backup of a school that has not changed since is as good as one of that later time.
_SHOWS = Coalesce("unchanged_at", "taken_at")


def platform_figures() -> PlatformFigures:
    """Schools by status, spares, and how old the backups are."""
    with in_public():
        counted = School.objects.order_by().values_list("status").annotate(Count("id"))
        oldest, without = _backups()
        return PlatformFigures(
            schools=dict.fromkeys(School.Status.values, 0) | dict(counted),
            spares=SpareSchool.objects.count(),
            oldest_backup_seconds=oldest,
            schools_without_backup=without,
        )


def _backups() -> tuple[float, int]:
    """Of the active schools: the age in seconds of the newest backup of the school whose newest is
    the oldest (0 without any), and how many schools have none."""
    done = Backup.objects.filter(school_id=OuterRef("pk"), state=Backup.State.DONE)
    newest = done.order_by().values("school_id").annotate(at=Max(_SHOWS)).values("at")
    active = School.objects.filter(status=School.Status.ACTIVE).annotate(newest=Subquery(newest))
    found = active.aggregate(
        oldest=Min("newest"), schools=Count("id"), backed_up=Count(F("newest"))
    )
    age = (timezone.now() - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return age, found["schools"] - found["backed_up"]
