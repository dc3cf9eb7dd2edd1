"""Whether a backup is good: read from front to back, or restored and taken away again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.tenants.models import Backup
from apps.tenants.services.backup import keys
from apps.tenants.services.backup.building import check_known
from apps.tenants.services.backup.candidates import candidate_of
from apps.tenants.services.backup.entries import Entry, Unpacker
from apps.tenants.services.backup.errors import Damaged, Incomparable
from apps.tenants.services.backup.head import Head, Sum, Tail, read_tail
from apps.tenants.services.backup.loading import check_sums
from apps.tenants.services.backup.sources import Source
from apps.tenants.services.backup.take import Progress
from kernel.schools import in_public


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a good backup holds. `deep`: it was restored, compared and taken away again."""

    name: str
    school: str
    taken_at: datetime
    tables: int
    rows: int
    files: int
    encrypted: bool
    deep: bool


def _silent(_done: int, _total: int, _note: str) -> None:
    """Nobody is watching."""


def verify_backup(*, source: Source, deep: bool = False, progress: Progress = _silent) -> Verified:
    """Read all of it and check every sum, count and the end.

    `deep` needs the owner: it is restored into a schema of its own, compared row by row and by
    the apps' books, and dropped. Notes the result on its card. Raises Damaged, WrongKey, and
    with `deep` Newer and Incomparable.
    """
    try:
        head, tail = _restored(source, progress) if deep else _read(source, progress)
    except (Damaged, Incomparable) as error:
        _note(source, error=str(error)[:500])
        raise
    _note(source, verified_at=timezone.now(), error="")
    return Verified(
        name=source.name,
        school=str(head.school.get("name", "")),
        taken_at=head.moment,
        tables=len(tail.tables),
        rows=tail.rows,
        files=len(tail.files),
        encrypted=_is_encrypted(source),
        deep=deep,
    )


def _restored(source: Source, progress: Progress) -> tuple[Head, Tail]:
    with candidate_of(source, progress) as candidate:
        return candidate.head, candidate.tail


def _read(source: Source, progress: Progress) -> tuple[Head, Tail]:
    found, tail = Tail(), None
    with source.entries() as (head, entries):
        check_known(head.migrations)
        for done, entry in enumerate(entries):
            progress(done, 0, str(entry.header.get("name", "")))
            if entry.kind == "table":
                found.tables[str(entry.header.get("name"))] = _sum(entry)
            elif entry.kind == "file":
                found.files[str(entry.header.get("name"))] = _sum(entry)
            elif entry.kind == "tail":
                tail = read_tail(entry.header)
    if tail is None:
        raise Damaged(_("its list of contents is missing"))
    check_sums(found, tail)
    _check_rows(found, tail)
    return head, tail


def _sum(entry: Entry) -> Sum:
    """COPY text has a line a row, and line ends inside values are written as \\n."""
    digest, size, rows = sha256(), 0, 0
    for block in entry.blocks:
        digest.update(block)
        size += len(block)
        rows += block.count(b"\n")
    return Sum(sha256=digest.hexdigest(), size=size, rows=rows)


def _check_rows(found: Tail, tail: Tail) -> None:
    for name, told in tail.tables.items():
        if found.tables[name].rows != told.rows:
            raise Damaged(_("%(name)s has another number of rows") % {"name": name})


def _is_encrypted(source: Source) -> bool:
    with source.reading() as file:
        return Unpacker(file, keys.secrets()).encrypted


def _note(source: Source, **values: object) -> None:
    if source.row is not None:
        with in_public():
            Backup.objects.filter(pk=source.row.pk).update(**values)
