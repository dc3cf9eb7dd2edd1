"""Where backups lie: STORAGES["backups"], a folder or anything S3-compatible.

A backup appears under its name only when all of it is there. In a folder it is written beside
its place and renamed; everywhere else it is written to a local scratch file first and handed
over whole (S3 shows an object only once its upload is complete).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils.translation import gettext as _

from apps.tenants.services.backup.errors import Damaged
from kernel.errors import Unavailable

SUFFIX = ".homeroom"
_UNFINISHED = ".part"


@contextmanager
def putting(key: str) -> Iterator[BinaryIO]:
    """A file to write the backup into; it is on the shelf once the block ends without an error.

    Raises Unavailable when the storage does not take it.
    """
    storage = _storage()
    folder = _folder_of(storage, key)
    try:
        if folder:
            with _written_beside(folder) as out:
                yield out
        else:
            with tempfile.TemporaryFile() as scratch:
                yield scratch
                _hand_over(storage, key, scratch)
    except OSError as error:
        told = _("The backup could not be written: %(error)s.") % {"error": error}
        raise Unavailable(told, code="backup_storage") from error


@contextmanager
def taking(key: str) -> Iterator[BinaryIO]:
    """A backup of the shelf, to be read from its beginning. Raises Unavailable."""
    try:
        opened = _storage().open(key, "rb")
    except Exception as error:  # each storage has errors of its own
        raise Unavailable(
            _("The backup %(key)s could not be opened: %(error)s.") % {"key": key, "error": error},
            code="backup_storage",
        ) from error
    with opened:
        yield _Checked(opened)  # type: ignore[misc]


def is_there(key: str) -> bool:
    return bool(key) and _storage().exists(key)


def remove(key: str) -> None:
    _storage().delete(key)


def keys() -> Iterator[str]:
    """Every backup on the shelf, also those this installation did not take."""
    storage = _storage()
    for folder in sorted(_listed(storage, "")[0]):
        for name in sorted(_listed(storage, folder)[1]):
            if name.endswith(SUFFIX):
                yield f"{folder}/{name}"


def discard(key: str) -> None:
    """What a killed process left of this backup, finished or not."""
    for name in (key, key + _UNFINISHED):
        if is_there(name):
            remove(name)


def _storage() -> Storage:
    return storages["backups"]


def _listed(storage: Storage, folder: str) -> tuple[list[str], list[str]]:
    try:
        return storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _folder_of(storage: Storage, key: str) -> Path | None:
    try:
        return Path(storage.path(key))
    except NotImplementedError:
        return None


@contextmanager
def _written_beside(place: Path) -> Iterator[BinaryIO]:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = place.with_name(place.name + _UNFINISHED)
    try:
        with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(place)
        _sync(place.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """The rename too must outlive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hand_over(storage: Storage, key: str, scratch: Any) -> None:
    size = scratch.tell()
    scratch.seek(0)
    try:
        kept = storage.save(key, File(scratch, name=key))
        stored = storage.size(kept)
    except Exception as error:  # each storage has errors of its own
        told = _("The backup storage refused it: %(error)s.") % {"error": error}
        raise Unavailable(told, code="backup_storage") from error
    if kept != key or stored != size:
        storage.delete(kept)
        raise Unavailable(_("The backup storage kept something else."), code="backup_storage")


class _Checked:
    """A file whose reading errors are told as damage: a disk or network that fails half way."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        try:
            return bytes(self._file.read(size))
        except Exception as error:
            raise Damaged(_("it cannot be read (%(error)s)") % {"error": error}) from error
