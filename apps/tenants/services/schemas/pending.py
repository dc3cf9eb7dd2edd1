"""What is still to be migrated, asked without changing anything and without the owner's address.

Cheap: the platform's rows, the list of scripts and the schools' versions are three short queries,
whatever the number of schools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.migrations.loader import MigrationLoader

from apps.tenants.models import MigrationScript
from apps.tenants.services.schemas.targets import Target, behind, known_sets
from apps.tenants.services.schemas.template import pending_on_template
from apps.tenants.services.schemas.versions import (
    Applied,
    applied_after,
    current_version,
    scripts,
)
from kernel.owner import has_owner, owner_session
from kernel.schools import connection, in_public


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Names of migrations that the platform and the template lack, and who is behind."""

    platform: tuple[str, ...]
    template: tuple[str, ...]
    behind: tuple[Target, ...]

    @property
    def nothing(self) -> bool:
        return not (self.platform or self.template or self.behind)


def what_is_pending(*, school: str = "") -> Pending:
    """Everything that migrate_schools would do, for all schools or for one."""
    platform = [".".join(key) for key in pending_on_platform()]
    if not _has_table("tenants_migrationscript"):
        return Pending(platform=tuple(platform), template=tuple(platform), behind=())
    template = tuple(str(migration) for migration in pending_on_template())
    late = behind(current_version(), slug=school)
    return Pending(platform=tuple(platform), template=template, behind=tuple(late))


def pending_on_platform() -> list[tuple[str, str]]:
    """Migrations of this code that public has not recorded, in order."""
    applied = _applied_on_platform()
    return [key for key in migrations_on_disk() if key not in applied]


def migrations_on_disk() -> tuple[tuple[str, str], ...]:
    """This code's migrations, in an order in which they can run."""
    graph = MigrationLoader(None).graph
    ordered: dict[tuple[str, str], None] = {}
    for leaf in graph.leaf_nodes():
        ordered.update(dict.fromkeys(graph.forwards_plan(leaf)))
    return tuple(ordered)


def describe(pending: Pending) -> dict[str, Any]:
    """As plain data: what would run where, schools grouped by what they lack."""
    chain = scripts() if pending.behind else []
    known = known_sets(chain)
    groups: dict[str, list[Target]] = {}
    for target in pending.behind:
        groups.setdefault(target.version, []).append(target)
    return {
        "platform": list(pending.platform),
        "template": list(pending.template),
        "schools": [
            {
                "names": [str(each) for each in members],
                "migrations": _lacking(chain, known.get(version)),
                "errors": {str(each): each.error for each in members if each.error},
            }
            for version, members in groups.items()
        ],
    }


def _lacking(chain: Sequence[MigrationScript], applied: Applied | None) -> list[str]:
    if applied is None:
        return ["to be read from the school's own table: its version was not noted"]
    missing = [s for s in chain if any((app, name) not in applied for app, name in s.records)]
    return [f"{script}{'' if script.replayable else ' (run by Django)'}" for script in missing]


def schools_behind_this_code() -> tuple[int, int]:
    """Schools that lack a migration of this code: those still to come, and those that failed.

    By the noted versions alone. A school that has more than this code knows is not behind.
    """
    needed = frozenset(migrations_on_disk())
    chain = scripts()
    enough = [version for version, applied in known_sets(chain).items() if needed <= applied]
    query = """
        SELECT count(*) FILTER (WHERE schema_error = ''), count(*) FILTER (WHERE schema_error <> '')
        FROM tenants_school WHERE schema_version <> ALL(%s)
    """
    with in_public(), connection.cursor() as cursor:
        cursor.execute(query, [enough])
        waiting, failed = cursor.fetchone()
    return int(waiting), int(failed)


def is_recorded() -> bool:
    """Whether the scripts include every migration of this code."""
    return frozenset(migrations_on_disk()) <= applied_after(scripts())


def what_this_code_waits_for() -> str:
    """Empty when it may serve requests; else what is missing, for /readyz.

    Schools that migrate_schools has tried and could not bring along do not count: they are told
    of by it, and one school's trouble must not keep all others waiting.
    """
    if pending := pending_on_platform():
        return f"{len(pending)} pending"
    if not is_recorded():
        return "not recorded"
    waiting, _failed = schools_behind_this_code()
    return f"{waiting} schools behind" if waiting else ""


def _applied_on_platform() -> set[tuple[str, str]]:
    if not _has_table("django_migrations"):
        return set()
    return {(row[0], row[1]) for row in _ask("SELECT app, name FROM public.django_migrations")}


def _has_table(name: str) -> bool:
    return _ask(f"SELECT to_regclass('public.{name}')")[0][0] is not None


def _ask(query: str) -> list[Any]:
    """As the owner where this process can: the app's login may not be made yet."""
    if has_owner():
        with owner_session() as session:
            return session.execute(query.encode()).fetchall()
    with in_public(), connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
