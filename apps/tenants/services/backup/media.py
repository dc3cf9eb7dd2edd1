"""A school's files: everything under its own name in the media storage."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from django.core.files.base import File

from apps.tenants.services.backup.entries import BLOCK
from kernel.files import media as storage


def names_of(schema_name: str) -> Iterator[str]:
    """The school's files, without its own name in front, folder by folder."""
    yield from _names(schema_name, "")


def _names(schema_name: str, inside: str) -> Iterator[str]:
    try:
        folders, files = storage().listdir(f"{schema_name}/{inside}")
    except FileNotFoundError:
        return
    yield from (inside + name for name in sorted(files) if name)
    for folder in sorted(folders):
        yield from _names(schema_name, f"{inside}{folder}/")


def is_safe(name: str) -> bool:
    """Whether a name out of a backup stays inside the school's folder."""
    parts = name.split("/")
    return bool(name) and "\\" not in name and "\0" not in name and not {"", ".", ".."} & set(parts)


def put(schema_name: str, name: str, content: Any) -> None:
    """Write a file at exactly this place, replacing what is there."""
    place = f"{schema_name}/{name}"
    if storage().exists(place):
        storage().delete(place)
    kept = storage().save(place, File(content, name=name))
    if kept != place:
        storage().delete(kept)
        raise OSError(f"{place} was stored as {kept}")


def digest_of(schema_name: str, name: str) -> str:
    """SHA-256 of a file, "" when it is not there."""
    place = f"{schema_name}/{name}"
    if not storage().exists(place):
        return ""
    digest = sha256()
    with opened(schema_name, name) as file:
        for block in file.chunks(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def opened(schema_name: str, name: str) -> File[bytes]:
    """One file, to be read. Raises FileNotFoundError."""
    found: File[bytes] = storage().open(f"{schema_name}/{name}", "rb")
    return found


def move(before: str, after: str) -> None:
    """The files of one schema to another's place; those that are the same already stay."""
    for name in list(names_of(before)):
        if digest_of(before, name) != digest_of(after, name):
            with opened(before, name) as file:
                put(after, name, file)
    remove_all(before)


def remove_all(schema_name: str) -> None:
    for name in list(names_of(schema_name)):
        storage().delete(f"{schema_name}/{name}")
    _remove_folders(schema_name)


def _remove_folders(folder: str) -> None:
    """Empty folders, where the storage has such a thing."""
    try:
        folders, files = storage().listdir(folder)
    except FileNotFoundError:
        return
    for inner in folders:
        _remove_folders(f"{folder}/{inner}")
    if not files:
        storage().delete(folder)
