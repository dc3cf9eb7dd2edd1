"""What a school leaves outside its rows in `tenants`: schema, role, files, cache. Taking it away is
the keeper's work, and each function may be repeated."""

from __future__ import annotations

import redis
from django.conf import settings
from django.core.files.storage import Storage
from django.db import connection
from psycopg import sql

from apps.events import facade as events
from apps.tenants.services.backup.retention import drop_all_kept
from kernel.files import media
from kernel.owner import owner_session
from kernel.roles import drop_school_role

# Keys looked at per round trip; the cache is searched from one end to the other.
_SCAN = 1000


def drop_schemas(school_id: int, schema_name: str) -> None:
    """The tables with all their rows, and the role that could read them; before them what
    restores replaced and kept.

    Raises Unavailable without the owner's address.
    """
    drop_all_kept(school_id)
    with owner_session() as session:
        # A replay that was killed leaves a schema of its own.
        for name in (schema_name, events.replay_schema(schema_name)):
            drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
            session.execute(drop.format(sql.Identifier(name)))
    with owner_session() as session:
        drop_school_role(session, schema_name)


def has_schema(schema_name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema_name])
        return cursor.fetchone() is not None


def delete_files(schema_name: str) -> int:
    """Every file below the school's folder of the media storage; returns how many there were."""
    return _delete_folder(media(), schema_name)


def _delete_folder(storage: Storage, folder: str) -> int:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return 0
    count = sum(_delete_folder(storage, f"{folder}/{name}") for name in folders)
    for name in files:
        storage.delete(f"{folder}/{name}")
    storage.delete(folder)  # an empty folder; nothing where the storage has none
    return count + len(files)


def forget_cache(schema_name: str) -> int:
    """Every key of the school: cached values, counters of attempts, wake-ups."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        keys = list(client.scan_iter(match=f"{schema_name}:*", count=_SCAN))
        for start in range(0, len(keys), _SCAN):
            client.delete(*keys[start : start + _SCAN])
    return len(keys)
