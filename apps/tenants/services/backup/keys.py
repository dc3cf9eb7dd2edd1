"""The keys of backups: BACKUP_ENCRYPTION_KEY, several separated by commas, newest first."""

from __future__ import annotations

from django.conf import settings

from apps.tenants.services.backup.envelope import key_id_of


def secrets() -> dict[str, str]:
    """Key id -> key, newest first. Empty: backups are not encrypted."""
    listed = [key.strip() for key in settings.BACKUP_ENCRYPTION_KEY.split(",")]
    return {key_id_of(key): key for key in listed if key}


def newest() -> str:
    """The key for new backups, or "" for none."""
    return next(iter(secrets().values()), "")
