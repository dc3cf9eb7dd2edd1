"""Taking a backup of one school."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO

import psycopg
import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from apps.events import facade as events
from apps.tenants.events import BackupFailed
from apps.tenants.models import Backup, OperatorAction, School
from apps.tenants.services.backup import keys, media, shelf
from apps.tenants.services.backup.activity import activity_of
from apps.tenants.services.backup.copying import copied_out
from apps.tenants.services.backup.entries import BLOCK, Packer
from apps.tenants.services.backup.head import Sum, Tail, describe
from apps.tenants.services.backup.locks import hold_school
from apps.tenants.services.backup.snapshot import Moment, moment_of
from apps.tenants.services.backup.tables import Table, positions_of
from apps.tenants.services.status import stream_id
from kernel.errors import DomainError, NotFound, Unavailable
from kernel.schools import in_public

BACKED_UP = "school.backed_up"
BACKUP_FAILED = "school.backup_failed"
# Who takes the nightly ones.
BEAT = "beat"
Progress = Callable[[int, int, str], None]
log = structlog.get_logger("homeroom.backups")


def take_backup(
    *, school_id: int, actor: str, progress: Progress | None = None, pinned: bool = False
) -> Backup:
    """Back up one school as it is at this moment; people go on working meanwhile.

    Returns the catalogue's row. Raises NotFound, Busy while a restore, migration or deletion
    works on the school, Unavailable when it could not be taken: then there is a failed row that
    says why, and nothing on the shelf.
    """
    school = _school(school_id)
    with hold_school(school_id):
        row = _begin(school, actor, pinned)
        try:
            _take(school, row, progress or _silent)
        except BaseException as error:
            _failed(row, error)
            if isinstance(error, (DomainError, KeyboardInterrupt, SystemExit)):
                raise
            log.exception("backup failed", school=school.schema_name)
            told = _("The backup failed: %(error)s") % {"error": _line(error)}
            raise Unavailable(told, code="backup_failed") from error
    return row


def _silent(_done: int, _total: int, _note: str) -> None:
    """Nobody is watching."""


def _school(school_id: int) -> School:
    with in_public():
        school = School.objects.filter(pk=school_id).first()
    if school is None:
        raise NotFound(_("There is no such school."))
    return school


def _begin(school: School, actor: str, pinned: bool) -> Backup:
    with in_public():
        started_at = timezone.now()
        return Backup.objects.create(
            key=key_for(school, started_at),
            started_at=started_at,
            school_id=school.id,
            school_name=school.name,
            taken_by=actor,
            encrypted=bool(keys.newest()),
            activity=activity_of(school.schema_name),
            pinned=pinned,
        )


def key_for(school: School, at: datetime) -> str:
    """`lincoln/t_000001-20261122T031500123456Z.homeroom`"""
    return f"{school.slug}/{school.schema_name}-{at:%Y%m%dT%H%M%S%fZ}{shelf.SUFFIX}"


def _take(school: School, row: Backup, progress: Progress) -> None:
    with shelf.putting(row.key) as out:
        counted = _Counted(out)
        tail, taken_at = _write(school, row, counted, progress)
    with in_public():
        row.state, row.taken_at = Backup.State.DONE, taken_at
        row.size, row.sha256 = counted.size, counted.digest.hexdigest()
        row.rows, row.files = tail.rows, len(tail.files)
        row.totals = {
            f"{name}.{what}": amount
            for name, report in tail.books.items()
            for what, amount in report.totals.items()
        }
        row.save()
        if row.taken_by != BEAT:  # each night's would bury what people did
            _audit(row, BACKED_UP, {"size": row.size, "rows": row.rows})


def _failed(row: Backup, error: BaseException) -> None:
    with in_public(), transaction.atomic():
        row.state, row.error = Backup.State.FAILED, _line(error)
        row.save(update_fields=["state", "error"])
        _audit(row, BACKUP_FAILED, {"reason": row.error})
        events.publish(
            BackupFailed(
                school_id=row.school_id,
                school_name=row.school_name,
                backup_id=row.id,
                reason=row.error,
            ),
            stream_type="school",
            stream_id=stream_id(row.school_id),
            actor=row.taken_by,
        )


def _audit(row: Backup, action: str, detail: dict[str, Any]) -> None:
    OperatorAction.objects.create(
        school_id=row.school_id,
        actor=row.taken_by,
        action=action,
        detail={"backup": str(row.id), **detail},
    )


def _line(error: BaseException) -> str:
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return text[:500]


def _write(school: School, row: Backup, out: _Counted, progress: Progress) -> tuple[Tail, datetime]:
    packer, tail = Packer(out, keys.newest()), Tail()  # type: ignore[arg-type]
    with moment_of(school.schema_name) as moment:
        packer.document(_head(school, row, moment).as_entry())
        for done, table in enumerate(moment.tables):
            progress(done, len(moment.tables) + 1, table.name)
            tail.tables[table.name] = _write_table(packer, moment.session, table)
        tail.sequences = positions_of(moment.session, school.schema_name)
        tail.books = moment.books()
    progress(len(tail.tables), len(tail.tables) + 1, _("files"))
    for name, total in _write_files(packer, school.schema_name):
        tail.files[name] = total
    packer.document(tail.as_entry())
    packer.finish()
    progress(len(tail.tables) + 1, len(tail.tables) + 1, "")
    return tail, moment.taken_at


def _head(school: School, row: Backup, moment: Moment) -> Any:
    table = sql.Identifier(school.schema_name, "django_migrations")
    query = sql.SQL("SELECT app, name FROM {} ORDER BY id").format(table)
    return describe(
        school,
        migrations=moment.session.execute(query).fetchall(),
        taken_at=moment.taken_at,
        taken_by=row.taken_by,
        postgresql=str(moment.session.info.server_version),
    )


def _write_table(packer: Packer, session: psycopg.Connection[Any], table: Table) -> Sum:
    header = {"kind": "table", "name": table.name, "columns": table.columns}
    with packer.entry(header) as written:
        rows = 0
        for lines in copied_out(session, table):
            rows += lines.count(b"\n")
            written.write(lines)
    return Sum(sha256=written.digest.hexdigest(), size=written.size, rows=rows)


def _write_files(packer: Packer, schema_name: str) -> Iterator[tuple[str, Sum]]:
    for name in media.names_of(schema_name):
        try:
            opened = media.opened(schema_name, name)
        except FileNotFoundError:  # deleted since it was listed, and so is its row by now
            continue
        with opened as file, packer.entry({"kind": "file", "name": name}) as written:
            for block in file.chunks(BLOCK):
                written.write(block)
        yield name, Sum(sha256=written.digest.hexdigest(), size=written.size)


class _Counted:
    """Passes bytes on; keeps their number and sum."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.size, self.digest = out, 0, sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._out.write(data)
