"""A chain of scripts as stages: stretches that are replayed, and single steps that Django runs."""

from __future__ import annotations

from collections.abc import Sequence

from apps.tenants.models import MigrationScript
from apps.tenants.services.schemas import in_python
from apps.tenants.services.schemas.condensing import condense
from apps.tenants.services.schemas.in_python import Turn
from apps.tenants.services.schemas.replay import Passage, Session, rows, travel
from apps.tenants.services.schemas.versions import Applied, version_of

Stage = Passage | Turn


def ahead(chain: Sequence[MigrationScript], applied: Applied) -> list[Stage]:
    """The stages through `chain` for a school that has `applied`."""
    stages: list[Stage] = []
    for stretch in _stretches(chain, [script.replayable for script in chain]):
        after = applied | _records(stretch)
        before_after = version_of(applied), version_of(after)
        if stretch[0].replayable:
            made = "".join(script.sql for script in stretch)
            statements = (made if applied else condense(made)) + rows(stretch)
            stages.append(Passage(*before_after, statements))
        else:
            stages.append(Turn(stretch[0], applied, *before_after))
        applied = after
    return stages


def back(chain: Sequence[MigrationScript], applied: Applied) -> list[Stage]:
    """The stages that take `chain` back, its last script first, from a school at `applied`."""
    stages: list[Stage] = []
    last_first = list(reversed(chain))
    for stretch in _stretches(last_first, [script.undo_replayable for script in last_first]):
        after = applied - _records(stretch)
        before_after = version_of(applied), version_of(after)
        if stretch[0].undo_replayable:
            statements = "".join(script.undo_sql for script in stretch) + rows(stretch, undo=True)
            stages.append(Passage(*before_after, statements))
        else:
            stages.append(Turn(stretch[0], after, *before_after, undo=True))
        applied = after
    return stages


def run_alone(session: Session, school_id: int, stages: Sequence[Stage]) -> None:
    """All stages in one school. Raises at the first that fails; those before it stay done."""
    for stage in stages:
        if isinstance(stage, Passage):
            travel(session, school_id, stage)
        else:
            in_python.run(stage, [school_id], _raise)


def _raise(_school_id: int, error: Exception | None) -> None:
    if error is not None:
        raise error


def _stretches(
    chain: Sequence[MigrationScript], replayed: Sequence[bool]
) -> list[list[MigrationScript]]:
    """Neighbours that are replayed together; each of the others for itself."""
    stretches: list[list[MigrationScript]] = []
    open_stretch = False
    for script, is_replayed in zip(chain, replayed, strict=True):
        if is_replayed and open_stretch:
            stretches[-1].append(script)
        else:
            stretches.append([script])
        open_stretch = is_replayed
    return stretches


def _records(chain: Sequence[MigrationScript]) -> Applied:
    return frozenset((app, name) for script in chain for app, name in script.records)
