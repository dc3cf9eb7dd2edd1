"""The template: a school without data, migrated by Django itself, whose SQL is written down.

It is a schema of the same database, because what migrations say refers to the platform's
functions there. Only the owner may use it. Each script is stored in the transaction that changed
the template, so the two agree whatever kills the process; where they do not (a migration that runs
outside transactions, or whose file was edited afterwards) the template is made again.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from apps.tenants.models import MigrationScript
from apps.tenants.services.schemas.in_python import state_of
from apps.tenants.services.schemas.recording import Tape, can_be_replayed, recording
from apps.tenants.services.schemas.versions import (
    applied_after,
    applied_in,
    scripts,
    version_of,
)
from kernel.owner import owner_session, owning
from kernel.schools import connection, in_public

TEMPLATE = "school_template"
log = structlog.get_logger("homeroom.tenants")


class RecordingFailed(Exception):
    """A migration failed on the template. No school was touched."""

    def __init__(self, migration: str, cause: BaseException) -> None:
        self.migration = migration
        self.reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        super().__init__(f"{migration}: {self.reason}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording did. `rebuilt` says why the template was made anew, empty if it was not."""

    new: tuple[MigrationScript, ...]
    rebuilt: str = ""


def record() -> Recorded:
    """Bring the template to this code's migrations and store the SQL of each, in order.

    As the owner, with no transaction open. Changes nothing when nothing is new. Raises
    RecordingFailed; the migrations before the failing one stay recorded.
    """
    reason = _why_rebuild()
    if not reason and not pending_on_template():
        return Recorded(())
    with owning():
        if reason:
            log.warning("the template is made again", reason=reason)
            _drop()
        with on_template():
            return Recorded(tuple(_record_missing()), reason)


def pending_on_template() -> list[Migration]:
    """The migrations of this code that have no script yet, in order. Changes nothing."""
    known = applied_after(scripts())
    graph = MigrationLoader(None).graph
    missing: dict[tuple[str, str], Migration] = {}
    for leaf in graph.leaf_nodes():
        for key in graph.forwards_plan(leaf):
            if key not in known:
                missing[key] = graph.nodes[key]
    return list(missing.values())


@contextmanager
def on_template() -> Iterator[None]:
    """Django's connection works in the template; it must be the owner's already."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{TEMPLATE}"')
    before = connection.tenant
    connection.set_schema(TEMPLATE)
    try:
        yield
    finally:
        connection.set_tenant(before)


def drop_template() -> None:
    """Forget the template and all scripts; the next recording makes both again."""
    with owning():
        _drop()


def renumber() -> None:
    """Write the versions of the scripts in force anew, after one between them was undone."""
    with in_public():
        chain = scripts()
        for number, script in enumerate(chain):
            script.version = version_of(applied_after(chain[: number + 1]))
        MigrationScript.objects.bulk_update(chain, ["version"])


def _drop() -> None:
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{TEMPLATE}" CASCADE')
        MigrationScript.objects.all().delete()


def _why_rebuild() -> str:
    """Empty: the template and its scripts can be gone on with."""
    known = scripts()
    with owner_session() as session:
        applied = applied_in(session, TEMPLATE)
    if applied is None:
        return "the template is missing" if known else ""
    if version_of(applied) != version_of(applied_after(known)):
        return "the template and its scripts do not agree"
    return _edited(known, MigrationLoader(None).disk_migrations)


def _edited(known: list[MigrationScript], disk: dict[Any, Migration]) -> str:
    for script in known:
        migration = disk.get((script.app, script.name))
        if migration is not None and _source_of(migration) != script.source:
            return f"{script} was edited after it was recorded"
    return ""


def _source_of(migration: Migration) -> str:
    path = inspect.getsourcefile(type(migration))
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


def _record_missing() -> list[MigrationScript]:
    new = [] if MigrationRecorder(connection).has_table() else [_record_recorder()]
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    state = state_of(executor.loader, frozenset(_applied()))
    for migration, _backwards in plan:
        try:
            with whole(migration):
                before = _applied()
                with recording() as tape:
                    state = executor.apply_migration(state, migration)
                new.append(_keep(migration, tape, sorted(_applied() - before)))
        except Exception as error:
            raise RecordingFailed(str(migration), error) from error
    return new + _record_squashes(executor)


def _record_recorder() -> MigrationScript:
    """The table django_migrations, which no migration makes."""
    with transaction.atomic(), recording() as tape:
        MigrationRecorder(connection).ensure_schema()
        return _store(app="", name="django_migrations", sql=tape.sql, replayable=True, records=[])


def _record_squashes(executor: MigrationExecutor) -> list[MigrationScript]:
    """Squashed migrations that stand for what has been applied long ago: a row, and no SQL."""
    with transaction.atomic():
        before = _applied()
        executor.check_replacements()
        return [_keep_row(executor, key) for key in sorted(_applied() - before)]


def _keep_row(executor: MigrationExecutor, key: tuple[str, str]) -> MigrationScript:
    disk = executor.loader.disk_migrations.get(key)
    return _store(
        app=key[0],
        name=key[1],
        sql="",
        replayable=True,
        records=[list(key)],
        source=_source_of(disk) if disk else "",
    )


def whole(migration: Migration) -> AbstractContextManager[Any]:
    """The change and its script together, where the migration allows a transaction."""
    return transaction.atomic() if migration.atomic else nullcontext()


def _keep(migration: Migration, tape: Tape, applied: list[tuple[str, str]]) -> MigrationScript:
    return _store(
        app=migration.app_label,
        name=migration.name,
        sql=tape.sql,
        replayable=can_be_replayed(migration, tape, TEMPLATE),
        records=[list(each) for each in applied],
        source=_source_of(migration),
    )


def _store(*, app: str, name: str, source: str = "", **values: Any) -> MigrationScript:
    with in_public():
        last = MigrationScript.objects.aggregate(last=Max("position"))["last"]
        known = MigrationScript.objects.filter(undone=False)
        chain = applied_after(list(known)) | {(a, n) for a, n in values["records"]}
        script, _made = MigrationScript.objects.update_or_create(
            app=app,
            name=name,
            defaults={
                **values,
                "source": source,
                "position": 0 if last is None else last + 1,
                "version": version_of(chain),
                "undone": False,
                "undo_sql": "",
                "undo_replayable": False,
            },
        )
    return script


def _applied() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        return {(row[0], row[1]) for row in cursor.fetchall()}
