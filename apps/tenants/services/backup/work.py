"""Backups as operations: the same for the console, the commands and the keeper."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.tenants.models import Backup
from apps.tenants.services.backup import restoring, sources, take, verify
from apps.tenants.services.backup.catalogue import kept_of
from apps.tenants.services.operations import OperationContext, operation
from kernel.errors import Invalid
from kernel.schools import in_public

BACKUP, RESTORE, VERIFY, UNDO = "backup", "restore", "verify_backup", "undo_restore"
DELETION = "deletion"


@operation(BACKUP, title=gettext_lazy("Backing up a school"), restarts=True)
def back_up(context: OperationContext) -> str:
    """Parameter `purpose`: "deletion" for the last export of a school, which outlives it."""
    row = take.take_backup(
        school_id=_school_id(context), actor=context.actor, progress=context.progress
    )
    if context.parameters.get("purpose") == DELETION:
        _keep_for_deletion(row)
    return _("%(rows)d rows and %(files)d files in %(size)s: %(key)s") % {
        "rows": row.rows,
        "files": row.files,
        "size": filesizeformat(row.size),
        "key": row.key,
    }


def _keep_for_deletion(row: Backup) -> None:
    with in_public():
        row.expires_at = timezone.now() + timedelta(days=settings.BACKUP_KEEP_DELETED_DAYS)
        row.save(update_fields=["expires_at"])


@operation(RESTORE, title=gettext_lazy("Restoring a school"))
def restore(context: OperationContext) -> str:
    """Parameters: `backup` (id, key or path), and `slug` (with `name`) for a new school; without
    it the school itself is put back."""
    source = sources.find_source(str(context.parameters.get("backup", "")))
    slug = str(context.parameters.get("slug", ""))
    if slug:
        done = restoring.restore_as_new(
            source=source,
            slug=slug,
            name=str(context.parameters.get("name", "")),
            actor=context.actor,
            progress=context.progress,
        )
    else:
        done = restoring.restore_in_place(
            source=source,
            school_id=_school_id(context),
            actor=context.actor,
            progress=context.progress,
        )
    return told_of(done)


def told_of(done: restoring.Restored) -> str:
    """What a person reads after a restore."""
    sentence = _("%(school)s is as it was on %(at)s (UTC): %(rows)d rows, %(files)d files.")
    first = sentence % {
        "school": done.school.name,
        "at": f"{done.taken_at:%Y-%m-%d %H:%M:%S}",
        "rows": done.rows,
        "files": done.files,
    }
    return " ".join([first, *done.remarks])


@operation(VERIFY, title=gettext_lazy("Looking whether a backup is good"), restarts=True)
def look_into(context: OperationContext) -> str:
    """Parameters: `backup` (id), `deep`."""
    found = verify.verify_backup(
        source=sources.of_row(sources.get_backup(UUID(str(context.parameters["backup"])))),
        deep=bool(context.parameters.get("deep")),
        progress=context.progress,
    )
    return _("The backup is good: %(rows)d rows, %(files)d files.") % {
        "rows": found.rows,
        "files": found.files,
    }


@operation(UNDO, title=gettext_lazy("Undoing a restore"))
def undo(context: OperationContext) -> str:
    school_id = _school_id(context)
    restoring.undo_restore(school_id=school_id, actor=context.actor)
    told = _("The school is as it was before the restore.")
    kept = kept_of(school_id)
    if kept is None:
        return told
    more = _("What was restored is kept: the tables from before, of %(at)s (UTC).")
    return f"{told} {more % {'at': f'{kept.made_at:%Y-%m-%d %H:%M:%S}'}}"


def _school_id(context: OperationContext) -> int:
    if context.school_id is None:
        raise Invalid(_("Say which school."))
    return context.school_id
