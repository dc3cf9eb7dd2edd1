"""The files of a school: one folder of the media storage each, named as its schema.

Every FileField stores through SchoolStorage. Names are within the school ("documents/x.pdf"), so
that a row says the same in a copy of the school under another schema; the folder comes from the
school that is open, and no name leads out of it. Where the files really are, a folder or an
S3-compatible bucket, is the setting STORAGES["media"] (MEDIA_STORAGE_URL).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.core.files.utils import validate_file_name
from django.utils.deconstruct import deconstructible

from kernel.schools import current_school

# Names once held the folder too; those of the school's own are still understood.
_FOLDER = re.compile(r"t_[0-9]{6,}")


def media() -> Storage:
    """The storage below, with the folders of all schools: for copying or removing a whole one."""
    return storages["media"]


def school_folder() -> str:
    """The open school's folder in `media()`. Raises kernel.schools.NoSchool on public."""
    return str(current_school().schema_name)


@deconstructible
class SchoolStorage(Storage):
    """Files of the school that is open. Raises NoSchool when none is, and
    SuspiciousFileOperation for a name that leads out of its folder."""

    def _full(self, name: str) -> str:
        return f"{school_folder()}/{self._within(name)}"

    def _within(self, name: str) -> str:
        text = str(name)
        if "\\" in text or "\x00" in text or text.startswith("/"):
            raise SuspiciousFileOperation(f"{text!r} is not a name of a school's file")
        first, _slash, rest = text.partition("/")
        if _FOLDER.fullmatch(first):
            if first != school_folder():
                raise SuspiciousFileOperation(f"{text!r} belongs to another school")
            text = rest
        if any(part in ("", ".", "..") for part in text.split("/")):
            raise SuspiciousFileOperation(f"{text!r} leads out of the school's folder")
        return text

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        found: File[bytes] = media().open(self._full(name), mode)
        return found

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Store under a free name like this one; returns the name within the school."""
        wanted = self._within(name or getattr(content, "name", "") or "")
        validate_file_name(wanted, allow_relative_path=True)
        folder = school_folder()
        room = None if max_length is None else max_length + len(folder) + 1
        stored = media().save(f"{folder}/{wanted}", content, max_length=room)
        return str(stored).replace("\\", "/").removeprefix(f"{folder}/")

    def delete(self, name: str) -> None:
        media().delete(self._full(name))

    def exists(self, name: str) -> bool:
        return media().exists(self._full(name))

    def size(self, name: str) -> int:
        return int(media().size(self._full(name)))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Folders and files; "" is the school's own folder."""
        return media().listdir(self._full(path) if path else school_folder())

    def path(self, name: str) -> str:
        return str(media().path(self._full(name)))

    def url(self, name: str | None) -> str:
        """No file has an address of its own: a view of the school's host hands it out."""
        raise ValueError("a school's files are served by views only")

    def get_modified_time(self, name: str) -> datetime:
        return media().get_modified_time(self._full(name))
