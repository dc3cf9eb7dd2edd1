"""Where backups of schools are kept: BACKUP_STORAGE, a folder or s3://… as in config/media.py."""

from __future__ import annotations

from typing import Any

from config import media

# A backup that is read from a bucket lies in memory up to this size, in bytes, and on disk above.
IN_MEMORY = 8 << 20


def storage(place: str) -> dict[str, Any]:
    """An entry of STORAGES for a folder or an address of a bucket."""
    if "://" not in place:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": place, "file_permissions_mode": 0o600},
        }
    entry = media.storage(place, name="BACKUP_STORAGE")
    entry["OPTIONS"] |= {"max_memory_size": IN_MEMORY}
    return entry
