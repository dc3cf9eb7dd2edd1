"""Taking migrations back in every school (manage.py migrate_schools --rollback-to APP NAME).

In the order opposite to a migration: the template first, which records how to undo each one, then
spares and schools, and the platform's tables last, when no school has them any more. The scripts
are marked as undone, and removed at the end: a run that was killed or had failures is simply
started again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.core.management import call_command
from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.exceptions import AmbiguityError
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from apps.tenants.models import MigrationScript
from apps.tenants.services.schemas.in_python import state_of
from apps.tenants.services.schemas.migrating import WORKERS, Report, alone, write_down
from apps.tenants.services.schemas.recording import can_be_replayed, recording
from apps.tenants.services.schemas.stages import Stage, back
from apps.tenants.services.schemas.targets import behind, count_all, known_sets
from apps.tenants.services.schemas.template import (
    TEMPLATE,
    on_template,
    pending_on_template,
    renumber,
    whole,
)
from apps.tenants.services.schemas.versions import (
    Applied,
    applied_after,
    current_version,
    scripts,
)
from apps.tenants.services.schemas.walking import OnProgress, Walk
from kernel.errors import Conflict, Invalid
from kernel.owner import owning
from kernel.schools import connection, in_public

# Without its table there are no scripts, and nothing could be taken forward again.
_FOUNDATION = ("tenants", "0002_schemas")


def roll_back(
    *,
    app: str,
    name: str,
    actor: str,
    workers: int = WORKERS,
    on_progress: OnProgress | None = None,
) -> Report:
    """Take back, everywhere, what came after the migration `name` of `app`.

    `name` may be the beginning of the name, or "zero" for all of the app's. Raises Invalid for an
    unknown one, Conflict when one of them cannot be taken back (nothing was changed then).
    """
    started = time.perf_counter()
    with alone():
        report = Report(total=count_all())
        known = known_sets(_every_script())
        _take_back_on_template(app, name)
        undone = [script for script in _every_script() if script.undone]
        report.taken_back = [str(script) for script in reversed(undone)]
        walk = _walk_back(undone, known, workers, on_progress)
        walk.go(behind(walk.goal))
        report.migrated, report.failures = walk.arrived, walk.failures
        if undone and report.ok:
            _finish(app, name)
        report.seconds = round(time.perf_counter() - started, 3)
        write_down(report, actor)
    return report


def _walk_back(
    undone: Sequence[MigrationScript],
    known: dict[str, Applied],
    workers: int,
    on_progress: OnProgress | None,
) -> Walk:
    def way(applied: Applied) -> list[Stage]:
        return back([script for script in undone if _has(applied, script)], applied)

    known = known | known_sets(scripts())
    late = behind(current_version())
    return Walk(current_version(), way, known, workers, len(late), on_progress)


def _has(applied: Applied, script: MigrationScript) -> bool:
    return any((app, name) in applied for app, name in script.records)


def _every_script() -> list[MigrationScript]:
    with in_public():
        return list(MigrationScript.objects.all())


def _take_back_on_template(app: str, name: str) -> None:
    begun = {(script.app, script.name) for script in _every_script() if script.undone}
    if any((each.app_label, each.name) not in begun for each in pending_on_template()):
        raise Conflict(
            _("This release has migrations that were never run; run migrate_schools first.")
        )
    with owning(), on_template():
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan([_target(executor, app, name)])
        migrations = [migration for migration, _backwards in plan]
        _check_reversible(migrations)
        applied = applied_after(scripts())
        for migration in migrations:
            applied -= {(migration.app_label, migration.name)}
            _undo(executor, migration, applied)
        renumber()


def _target(executor: MigrationExecutor, app: str, name: str) -> tuple[str, str | None]:
    if app not in executor.loader.migrated_apps:
        raise Invalid(_("There is no app “%(app)s” with migrations.") % {"app": app})
    if name == "zero":
        return app, None
    try:
        return app, executor.loader.get_migration_by_prefix(app, name).name
    except (KeyError, AmbiguityError) as error:
        raise Invalid(
            _("“%(name)s” is not one migration of %(app)s.") % {"name": name, "app": app}
        ) from error


def _check_reversible(migrations: Sequence[Migration]) -> None:
    for migration in migrations:
        if (migration.app_label, migration.name) == _FOUNDATION:
            raise Conflict(_("Schools cannot be migrated without tenants.0002_schemas."))
        for operation in migration.operations:
            if not operation.reversible:
                raise Conflict(
                    _(
                        "%(migration)s cannot be taken back: “%(operation)s” has no way back. "
                        "Nothing was changed. Write a new migration that puts things right."
                    )
                    % {"migration": migration, "operation": operation.describe()},
                    code="irreversible",
                )


def _undo(executor: MigrationExecutor, migration: Migration, applied: Applied) -> None:
    """On the template; and how, written down for the schools, in the same transaction."""
    with whole(migration):
        with recording() as tape:
            executor.unapply_migration(state_of(executor.loader, applied), migration)
        with in_public():
            MigrationScript.objects.filter(app=migration.app_label, name=migration.name).update(
                undo_sql=tape.sql,
                undo_replayable=can_be_replayed(migration, tape, TEMPLATE, backwards=True),
                undone=True,
            )


def _finish(app: str, name: str) -> None:
    """No school has them any more: the platform's tables follow."""
    with owning():
        call_command("migrate_schemas", app, name, shared=True, interactive=False, verbosity=0)
    with owning(), in_public(), transaction.atomic():
        MigrationScript.objects.filter(undone=True).delete()
