"""A school's tables as they were at some version, and brought forward from there."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from apps.tenants.models import MigrationScript
from apps.tenants.services.backup.errors import Newer
from apps.tenants.services.schemas.condensing import condense
from apps.tenants.services.schemas.replay import Passage, fill, rows
from apps.tenants.services.schemas.versions import applied_after, applied_in, scripts
from kernel.owner import owner_session, owning
from kernel.schools import connection

Migrations = Collection[tuple[str, str]]


def check_known(migrations: Migrations) -> None:
    """Raises Newer when this code does not know one of them."""
    known = MigrationExecutor(None).loader.disk_migrations  # type: ignore[arg-type]
    unknown = sorted(f"{app}.{name}" for app, name in set(migrations) - set(known))
    if unknown:
        raise Newer(
            _(
                "This backup was taken by a later version of Homeroom: this one does not know "
                "%(migrations)s. Update Homeroom first."
            )
            % {"migrations": ", ".join(unknown[:3]) + (" …" if len(unknown) > 3 else "")},
            code="backup_newer",
        )


def build(schema_name: str, migrations: Migrations) -> None:
    """Make the tables that a school with these migrations has, in an existing, empty schema.

    Replays the recorded scripts in one round trip, or lets Django migrate where that is not
    enough. As the owner, with no transaction open.
    """
    wanted = set(migrations)
    chain = [script for script in scripts() if _records(script) <= wanted]
    if applied_after(chain) == wanted and all(script.replayable for script in chain):
        _replay(schema_name, condense("".join(script.sql for script in chain)))
    else:
        _migrate(schema_name, _heads(wanted))


def bring_forward(schema_name: str) -> bool:
    """Migrate the schema to this code's version; False when it was there already."""
    with owner_session() as session:
        applied = applied_in(session, schema_name) or frozenset()
    leaves = MigrationExecutor(None).loader.graph.leaf_nodes()  # type: ignore[arg-type]
    if applied >= set(leaves):
        return False
    chain = scripts()
    missing = [script for script in chain if not _records(script) <= applied]
    if applied_after(chain) >= set(leaves) and all(script.replayable for script in missing):
        _replay(schema_name, "".join(f"{each.sql}{rows([each])}" for each in missing))
    else:
        _migrate(schema_name, leaves)
    return True


def _records(script: MigrationScript) -> set[tuple[str, str]]:
    return {(app, name) for app, name in script.records}


def _replay(schema_name: str, script: str) -> None:
    with owner_session() as session:
        fill(session, schema_name, Passage(before="", after="", sql=script))


def _heads(wanted: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The last ones: those that no other of the same app is built upon."""
    graph = MigrationExecutor(None).loader.graph  # type: ignore[arg-type]
    return sorted(
        key
        for key in wanted
        if not any(
            child.key in wanted and child.key[0] == key[0] for child in graph.node_map[key].children
        )
    )


def _migrate(schema_name: str, targets: Iterable[tuple[str, str]]) -> None:
    with owning():
        before = connection.tenant
        connection.set_schema(schema_name)
        try:
            executor = MigrationExecutor(connection)
            executor.migrate(list(targets))
        finally:
            connection.set_tenant(before)
