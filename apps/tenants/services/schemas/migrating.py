"""Bringing all schools to the migrations of this release (manage.py migrate_schools).

1. The platform's own tables, by Django, as the owner.
2. The template, one migration after the other, writing down what each one does.
3. Spares, then canaries, then all others: what each school lacks is replayed in one transaction,
   or run by Django where it cannot be replayed. A canary that fails stops the run.

Each school's version is written in the transaction that changes it: a run that is killed is
simply started again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.utils.translation import gettext as _

from apps.tenants.models import MigrationScript, OperatorAction, School
from apps.tenants.services.schemas import spares
from apps.tenants.services.schemas.pending import pending_on_platform
from apps.tenants.services.schemas.stages import Stage, ahead
from apps.tenants.services.schemas.targets import behind, count_all, known_sets
from apps.tenants.services.schemas.template import RecordingFailed, record
from apps.tenants.services.schemas.versions import Applied, current_version, scripts
from apps.tenants.services.schemas.walking import Failure, OnProgress, Walk
from kernel.errors import Invalid, Unavailable
from kernel.owner import owner_lock, owner_session, owning
from kernel.prepare import prepare_database
from kernel.roles import app_login
from kernel.schools import in_public

MIGRATED = "schools.migrated"
WORKERS = 4
_LOCK = "tenants.migrate_schools"
# Schools that are claimed or restored while the run goes on are taken along at its end.
_ROUNDS = 5


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run did. Seconds in all; `stopped` says which canary ended it, empty if none did."""

    platform: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    rebuilt: str = ""
    total: int = 0
    migrated: int = 0
    failures: list[Failure] = field(default_factory=list)
    stopped: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not (self.failures or self.stopped)


def migrate_schools(
    *,
    actor: str,
    school: str = "",
    canaries: Sequence[str] = (),
    workers: int = WORKERS,
    on_progress: OnProgress | None = None,
) -> Report:
    """Bring platform, template, spares and schools (of every status) to this code's migrations.

    `school`: that school alone, besides platform and template. `canaries`: short names of schools
    to go first (default settings.CANARY_SCHOOLS). Raises Invalid for an unknown short name,
    Unavailable when another run is under way, or when the platform or the template cannot be
    migrated; no school was touched then.
    """
    started = time.perf_counter()
    with alone():
        report = Report(platform=migrate_platform())
        chosen = list(canaries or settings.CANARY_SCHOOLS)
        check_slugs([*chosen, *([school] if school else [])])
        _record(report)
        walk = walk_ahead(scripts(), workers, on_progress)
        report.total = count_all()
        _walk_in_waves(walk, report, school=school, canaries=chosen)
        report.migrated, report.failures = walk.arrived, walk.failures
        report.seconds = round(time.perf_counter() - started, 3)
        write_down(report, actor)
    return report


@contextmanager
def alone() -> Iterator[None]:
    """One run at a time, in all processes. Raises Unavailable."""
    with owner_lock(_LOCK) as session:
        if session is None:
            raise Unavailable(_("Another migrate_schools is running."), code="running")
        yield


def migrate_platform() -> list[str]:
    """The tables of public, by Django; then the rights on them. Returns what was applied."""
    pending = pending_on_platform()
    names = [".".join(key) for key in pending]
    if pending and not any(app in _platform_apps() for app, _name in pending):
        _note_on_platform(pending)
    elif pending:
        with owning():
            call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
        if (settings.OWNER_DATABASE or {}).get("USER") != app_login():
            prepare_database()
    return names


def _platform_apps() -> set[str]:
    return {apps.get_app_config(name.rpartition(".")[2]).label for name in settings.SHARED_APPS}


def _note_on_platform(pending: Sequence[tuple[str, str]]) -> None:
    """Migrations of schools' apps alone: in public the router lets them do nothing, so Django's
    rows are all there is to it."""
    query = "INSERT INTO public.django_migrations (app, name, applied) VALUES (%s, %s, now())"
    with owner_session() as session, session.cursor() as cursor:
        cursor.executemany(query, pending)


def check_slugs(slugs: Sequence[str]) -> None:
    """Raises Invalid for the first that is no school's."""
    with in_public():
        known = set(School.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    for slug in slugs:
        if slug not in known:
            raise Invalid(_("There is no school “%(slug)s”.") % {"slug": slug}, field="school")


def walk_ahead(
    chain: Sequence[MigrationScript], workers: int, on_progress: OnProgress | None
) -> Walk:
    """A walk to the end of the chain."""

    def way(applied: Applied) -> list[Stage]:
        return ahead([script for script in chain if _lacks(applied, script)], applied)

    late = behind(current_version())
    return Walk(current_version(), way, known_sets(chain), workers, len(late), on_progress)


def _lacks(applied: Applied, script: MigrationScript) -> bool:
    return any((app, name) not in applied for app, name in script.records)


def _record(report: Report) -> None:
    try:
        recorded = record()
    except RecordingFailed as error:
        raise Unavailable(
            _("%(migration)s failed on the template, so no school was touched: %(reason)s")
            % {"migration": error.migration, "reason": error.reason},
            code="recording_failed",
        ) from error
    report.recorded = [str(script) for script in recorded.new if script.app]
    report.rebuilt = recorded.rebuilt
    if recorded.rebuilt:
        spares.drop_all()


def _walk_in_waves(walk: Walk, report: Report, *, school: str, canaries: Sequence[str]) -> None:
    for _round in range(_ROUNDS):
        late = [each for each in behind(walk.goal, slug=school) if each.id not in walk.met]
        if not late:
            return
        walk.go([each for each in late if not each.slug])
        first = [each for each in late if each.slug in canaries]
        if not walk.go(first):
            report.stopped = str(walk.failures[-1].target)
            return
        walk.go([each for each in late if each.slug and each.slug not in canaries])


def write_down(report: Report, actor: str) -> None:
    """For the operators' history, if anything was changed or tried."""
    if not (report.platform or report.recorded or report.migrated or report.failures):
        return
    detail = {
        "platform": report.platform,
        "recorded": report.recorded,
        "taken_back": report.taken_back,
        "migrated": report.migrated,
        "failed": [str(failure.target) for failure in report.failures],
        "stopped": report.stopped,
        "seconds": report.seconds,
    }
    with in_public():
        OperatorAction.objects.create(actor=actor, action=MIGRATED, detail=detail)
