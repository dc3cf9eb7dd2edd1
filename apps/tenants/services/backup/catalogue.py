"""The catalogue of backups, for lists."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.tenants.models import Backup, SideSchema
from kernel.schools import in_public


def backups_of(school_id: int) -> QuerySet[Backup]:
    """A school's backups, newest first. Lazy: evaluate it in the public schema."""
    return Backup.objects.filter(school_id=school_id).order_by("-started_at")


def kept_of(school_id: int) -> SideSchema | None:
    """What the school's last restore replaced, while it is kept."""
    with in_public():
        rows = SideSchema.objects.filter(school_id=school_id, purpose=SideSchema.Purpose.KEPT)
        return rows.order_by("-made_at").first()


def last_backed_up(school_id: int) -> datetime | None:
    """The last moment that a good backup shows the school at; None without one."""
    with in_public():
        good = backups_of(school_id).filter(state=Backup.State.DONE, error="").first()
    if good is None:
        return None
    return good.unchanged_at or good.taken_at or good.started_at


def pin_backup(*, backup_id: UUID, pinned: bool) -> None:
    """A pinned backup is kept whatever the retention says."""
    with in_public():
        Backup.objects.filter(pk=backup_id).update(pinned=pinned)
