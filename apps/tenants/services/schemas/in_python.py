"""The migrations that cannot be replayed: those that run Python, or refuse a transaction.

Django runs them, school after school in this process. What takes most of its time, reading the
migrations and building the models as they were, is done once for all schools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from apps.tenants.models import MigrationScript, School, schema_name_for
from apps.tenants.services.backup.locks import hold_school
from apps.tenants.services.schemas.replay import LOCK_TIMEOUT, check, note, rows
from apps.tenants.services.schemas.versions import Applied
from kernel.owner import owning
from kernel.schools import connection, in_public

OnDone = Callable[[int, Exception | None], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One migration to run in schools at `before`. `applied` is the set without it."""

    script: MigrationScript
    applied: Applied = field(repr=False)
    before: str
    after: str
    undo: bool = False


def run(turn: Turn, school_ids: Sequence[int], on_done: OnDone) -> None:
    """Run the turn's migration in each school; `on_done(school_id, error)` is called after each.

    An error in one school leaves the others to theirs: Busy while a backup, restore or deletion
    works on it. No transaction may be open.
    """
    with owning():
        migration, state = _prepared(turn)
        for school_id in school_ids:
            try:
                with hold_school(school_id), _opened(school_id):
                    _one(turn, migration, state.clone(), school_id)
            except Exception as error:
                on_done(school_id, error)
            else:
                on_done(school_id, None)


def state_of(loader: MigrationLoader, applied: Applied) -> ProjectState:
    """The models as migrations see them once these were applied."""
    state = ProjectState(real_apps=loader.unmigrated_apps)
    done: set[tuple[str, str]] = set()
    for leaf in loader.graph.leaf_nodes():
        for key in loader.graph.forwards_plan(leaf):
            if key in applied and key not in done:
                done.add(key)
                loader.graph.nodes[key].mutate_state(state, preserve=False)
    return state


def _prepared(turn: Turn) -> tuple[Migration, ProjectState]:
    loader = MigrationLoader(None)
    state = state_of(loader, turn.applied)
    _ = state.apps  # rendered once: copies of the state share the work
    return loader.disk_migrations[turn.script.app, turn.script.name], state


@contextmanager
def _opened(school_id: int) -> Iterator[None]:
    """The School itself where there is one: a migration may ask for its currency or language."""
    with in_public():
        school = School.objects.filter(pk=school_id).first()
    if school is None:
        connection.set_schema(schema_name_for(school_id))
    else:
        connection.set_tenant(school)
    try:
        yield
    finally:
        connection.set_schema_to_public()


def _one(turn: Turn, migration: Migration, state: ProjectState, school_id: int) -> None:
    with transaction.atomic() if migration.atomic else nullcontext():
        if migration.atomic:
            _send(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        else:
            _drop_half_made_indexes()
        _send(check(turn.before))
        with _editor(migration) as editor:
            change = migration.unapply if turn.undo else migration.apply
            change(state, editor)
        with transaction.atomic():
            _send(rows([turn.script], undo=turn.undo) + note(school_id, turn.after))


@contextmanager
def _editor(migration: Migration) -> Iterator[Any]:
    with connection.schema_editor(atomic=migration.atomic) as editor:
        # A run that was killed after it made the index comes by here again.
        making = editor.sql_create_index_concurrently
        editor.sql_create_index_concurrently = making.replace(
            "CONCURRENTLY %(name)s", "CONCURRENTLY IF NOT EXISTS %(name)s"
        )
        yield editor


def _drop_half_made_indexes() -> None:
    """CREATE INDEX CONCURRENTLY, when killed, leaves an index that serves nobody."""
    query = """
        SELECT format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT i.indisvalid AND n.nspname = current_schema()
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


def _send(statements: str) -> None:
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(statements)
