"""Taking many schools along their stages, past failures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from apps.tenants.services.schemas import crew, in_python
from apps.tenants.services.schemas.replay import NO_SUCH_SCHOOL, NOT_AS_ASSUMED, Passage
from apps.tenants.services.schemas.stages import Stage
from apps.tenants.services.schemas.targets import Target, group, note_errors
from apps.tenants.services.schemas.versions import Applied, version_of
from kernel.owner import owner_session

OnProgress = Callable[[int, int], None]
# What a school at this set has to go through; empty when nothing leads from there to the goal.
Way = Callable[[Applied], list[Stage]]
Errors = list[tuple[Target, Exception]]


class Strange(Exception):
    """A school whose tables are not what this code can bring along."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One school that could not be brought along, and why."""

    target: Target
    reason: str


@dataclass(slots=True)
class Walk:
    """Many schools on their way to one version."""

    goal: str
    way: Way
    known: dict[str, Applied]
    workers: int
    total: int
    on_progress: OnProgress | None = None
    met: set[int] = field(default_factory=set)
    arrived: int = 0
    failures: list[Failure] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def go(self, targets: Sequence[Target]) -> bool:
        """Take these along. True when all arrived; failures are noted and do not stop the rest."""
        self.met |= {target.id for target in targets}
        errors = self._attempt(targets, self.known)
        # Not where they were noted to be: their own tables know better.
        astray = [target for target, error in errors if _state(error) == NOT_AS_ASSUMED]
        errors = [(target, error) for target, error in errors if target not in astray]
        errors += self._attempt(astray, {})
        failures = [
            Failure(target, reason_of(error))
            for target, error in errors
            if _state(error) != NO_SUCH_SCHOOL  # deleted meanwhile
        ]
        note_errors((failure.target, failure.reason) for failure in failures)
        self.failures += failures
        self.arrived += len(targets) - len(errors)
        return not failures

    def _attempt(self, targets: Sequence[Target], known: dict[str, Applied]) -> Errors:
        if not targets:
            return []
        with owner_session(autocommit=True) as session:
            groups, lost = group(session, targets, known)
        errors: Errors = [(target, Strange(reason)) for target, reason in lost]
        for applied, members in groups.items():
            errors += self._group(applied, members)
        return errors

    def _group(self, applied: Applied, members: list[Target]) -> Errors:
        here, stages = version_of(applied), self.way(applied)
        if not stages and here != self.goal:
            unknown = Strange("it has migrations that this release does not have")
            return [(target, unknown) for target in members]
        if not stages:  # only the note is missing
            stages = [Passage(here, here, "")]
        errors: Errors = []
        for stage in stages:
            failed = self._stage(stage, members, last=stage is stages[-1])
            errors += [(each, failed[each.id]) for each in members if each.id in failed]
            members = [each for each in members if each.id not in failed]
        return errors

    def _stage(
        self, stage: Stage, members: Sequence[Target], *, last: bool
    ) -> dict[int, Exception]:
        failed: dict[int, Exception] = {}
        finished: list[int] = []

        def done(school_id: int, error: Exception | None) -> None:
            with self._lock:  # called from several threads
                if error is not None:
                    failed[school_id] = error
                if last or error is not None:
                    finished.append(school_id)
                    self._tell(len(finished))

        school_ids = [target.id for target in members]
        if school_ids and isinstance(stage, Passage):
            crew.send_along(stage, school_ids, workers=self.workers, on_done=done)
        elif school_ids and not isinstance(stage, Passage):
            self._in_python(stage, school_ids, done)
        return failed

    def _in_python(self, turn: in_python.Turn, school_ids: list[int], done: crew.OnDone) -> None:
        """As the workers do: what may pass by itself is tried again."""
        for attempt in range(1, crew.ATTEMPTS + 1):
            passing: list[int] = []
            final = attempt == crew.ATTEMPTS

            def hear(
                school_id: int,
                error: Exception | None,
                passing: list[int] = passing,
                final: bool = final,
            ) -> None:
                if error is not None and not final and crew.may_pass(error):
                    passing.append(school_id)
                else:
                    done(school_id, error)

            in_python.run(turn, school_ids, hear)
            if not passing:
                return
            school_ids = passing
            crew.wait(attempt)

    def _tell(self, finished: int) -> None:
        if self.on_progress is not None:
            self.on_progress(self.arrived + finished, self.total)


def reason_of(error: BaseException) -> str:
    """One line for a person."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    if isinstance(cause, psycopg.Error) and cause.diag.message_primary:
        detail = cause.diag.message_detail
        return cause.diag.message_primary + (f" ({detail})" if detail else "")
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _state(error: BaseException) -> str:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""
