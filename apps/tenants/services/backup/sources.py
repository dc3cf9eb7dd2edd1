"""Which backup is meant: the catalogue's, one on the shelf, or a file from somewhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.utils.translation import gettext as _

from apps.tenants.models import Backup
from apps.tenants.services.backup import keys, shelf
from apps.tenants.services.backup.entries import Entry, Unpacker
from apps.tenants.services.backup.errors import Damaged
from apps.tenants.services.backup.head import Head, read_head
from kernel.errors import NotFound
from kernel.schools import in_public


@dataclass(frozen=True, slots=True)
class Source:
    """One backup that can be read. `row` is its card, when this installation took it."""

    name: str
    row: Backup | None = None
    path: Path | None = None

    @contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        if self.path is None:
            with shelf.taking(self.name) as file:
                yield file
        else:
            with open(self.path, "rb") as file:
                yield file

    @contextmanager
    def entries(self) -> Iterator[tuple[Head, Iterator[Entry]]]:
        """Its head and, to be read in order, all that follows. Raises Damaged, WrongKey."""
        with self.reading() as file:
            unpacker = Unpacker(file, keys.secrets())
            if not unpacker.encrypted and self._should_be_encrypted():
                raise Damaged(_("it is not encrypted, and ours are: somebody else put it there"))
            entries = iter(unpacker)
            first = next(entries)
            if first.kind != "head":
                raise Damaged(_("it does not say whose it is"))
            yield read_head(first.header), entries

    def _should_be_encrypted(self) -> bool:
        """Whoever can write to the storage could plant a plain file. Those that we took before
        there was a key, and a file that the operator points at, are what they are."""
        if self.row is not None:
            return self.row.encrypted
        return self.path is None and bool(keys.newest())


def find_source(text: str) -> Source:
    """By id, by path of a file, or by key on the shelf. Raises NotFound."""
    row = _row(text)
    if row is not None:
        return of_row(row)
    path = Path(text).expanduser()
    if "\0" not in text and path.is_file():
        return Source(name=str(path), path=path)
    if ".." not in path.parts and not path.is_absolute() and shelf.is_there(text):
        with in_public():
            return Source(name=text, row=Backup.objects.filter(key=text).first())
    raise NotFound(_("There is no backup “%(text)s”: neither an id nor a file.") % {"text": text})


def of_row(row: Backup) -> Source:
    """Raises NotFound when its file is not there (any more)."""
    if row.state != Backup.State.DONE or not shelf.is_there(row.key):
        raise NotFound(_("The file of this backup is not there."))
    return Source(name=row.key, row=row)


def get_backup(backup_id: UUID) -> Backup:
    """Raises NotFound."""
    with in_public():
        row = Backup.objects.filter(pk=backup_id).first()
    if row is None:
        raise NotFound(_("There is no such backup."))
    return row


def _row(text: str) -> Backup | None:
    try:
        backup_id = UUID(text)
    except ValueError:
        return None
    return get_backup(backup_id)
