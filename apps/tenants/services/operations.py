"""Long work for the keeper: asked for here, done there, with progress for whoever waits.

The row is what counts. A message only makes the keeper look sooner; `sweep_operations` finds what
no message told of, and work whose process is gone. Whoever does the work holds an advisory lock on
a connection of its own, which PostgreSQL takes back when the process dies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.tenants.models import Operation
from kernel.errors import Conflict, DomainError, NotFound, Unavailable
from kernel.owner import owner_lock
from kernel.schools import in_public

Report = Callable[[int, int, str], None]
Session = psycopg.Connection[Any]
log = structlog.get_logger("homeroom.operations")

# A running operation says at least this often (seconds) that it lives, if it reports progress.
REPORT_EVERY = 1.0
STALE_AFTER = timedelta(seconds=30)
WAITED_LONG = timedelta(seconds=5)
MAX_ATTEMPTS = 3
_STATE = Operation.State


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationContext:
    """What the function of an operation is given. It runs in public, in no transaction."""

    operation_id: UUID
    school_id: int | None
    actor: str
    parameters: Mapping[str, Any]
    report: Report

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Say how far it is; call it as often as you like. `total` 0: nobody can say."""
        self.report(done, total, note)


OperationFunction = Callable[[OperationContext], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of operation. `restarts`: doing it again from the start after a crash is safe."""

    name: str
    title: str | Promise
    run: OperationFunction
    restarts: bool


_kinds: dict[str, Kind] = {}
_send: Callable[[str], None] | None = None


def operation(
    name: str, *, title: str | Promise = "", restarts: bool = False
) -> Callable[[OperationFunction], OperationFunction]:
    """Register what the keeper does for operations of this kind.

    The function returns what a person should read when it is done; a DomainError that it raises
    is what a person reads when it failed. Import its module in apps/tenants/tasks.py.
    """

    def register(function: OperationFunction) -> OperationFunction:
        _kinds[name] = Kind(name=name, title=title or name, run=function, restarts=restarts)
        return function

    return register


def kind_of(name: str) -> Kind | None:
    return _kinds.get(name)


def title_of(name: str) -> str:
    """The kind as people read it; a kind of a later or earlier release by its code."""
    kind = _kinds.get(name)
    return str(kind.title) if kind else name


def ask_keeper_with(send: Callable[[str], None] | None) -> None:
    """Say how a request travels to the keeper; the task module does so at start."""
    global _send
    _send = send


# Asking for it --------------------------------------------------------------------------------


def start_operation(
    *,
    kind: str,
    school_id: int | None = None,
    actor: str,
    parameters: Mapping[str, Any] | None = None,
    once: bool = False,
) -> UUID:
    """Ask the keeper to do something; returns the operation's id at once.

    `once`: when one of this kind is under way for this school, that one's id is returned and
    nothing is added. Raises Unavailable for a kind that nobody registered.
    """
    if kind not in _kinds:
        raise Unavailable(_("This installation cannot do “%(kind)s”.") % {"kind": kind})
    with in_public(), transaction.atomic():
        under_way = _under_way(kind, school_id) if once else None
        if under_way is not None:
            return under_way
        row = _insert(kind, school_id, actor, parameters)
        transaction.on_commit(partial(_ask_keeper, row.id), robust=True)
    return row.id


def _insert(
    kind: str, school_id: int | None, actor: str, parameters: Mapping[str, Any] | None
) -> Operation:
    return Operation.objects.create(
        kind=kind, school_id=school_id, actor=actor, parameters=dict(parameters or {})
    )


def _under_way(kind: str, school_id: int | None) -> UUID | None:
    with connection.cursor() as cursor:
        key = f"tenants.operation.once:{kind}:{school_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    states = (_STATE.WAITING, _STATE.RUNNING)
    rows = Operation.objects.filter(kind=kind, school_id=school_id, state__in=states)
    return rows.values_list("id", flat=True).first()


def _ask_keeper(operation_id: UUID) -> None:
    if _send is None:
        return
    try:
        _send(str(operation_id))
    except Exception as error:  # the sweep finds the row
        log.warning("operation not announced", operation=str(operation_id), error=repr(error))


def get_operation(operation_id: UUID) -> Operation:
    """Raises NotFound."""
    with in_public():
        row = Operation.objects.filter(pk=operation_id).first()
    if row is None:
        raise NotFound(_("There is no such operation."))
    return row


# Doing it -------------------------------------------------------------------------------------


def run_operation(operation_id: UUID) -> str:
    """The keeper's share: do it, unless somebody else does or has. Returns the state afterwards,
    "" when there was nothing to do. Never raises for what the operation itself raises."""
    with in_public(), owner_lock(_lock_name(operation_id)) as session:
        row = _claim(operation_id) if session else None
        if row is None or session is None:
            return ""
        _perform(row, session, None)
        return str(Operation.objects.values_list("state", flat=True).get(pk=operation_id))


def run_here(
    *,
    kind: str,
    school_id: int | None = None,
    actor: str,
    parameters: Mapping[str, Any] | None = None,
    on_progress: Report | None = None,
) -> str:
    """Do it in this process, for commands: recorded like the keeper's work, and shown there too.

    Returns what the function returned and raises what it raised. Raises Unavailable when this
    process has no owner's address or nobody registered the kind.
    """
    if kind not in _kinds:
        raise Unavailable(_("This installation cannot do “%(kind)s”.") % {"kind": kind})
    with in_public():
        row = _insert(kind, school_id, actor, parameters)
        with owner_lock(_lock_name(row.id)) as session:
            claimed = _claim(row.id) if session else None
            if claimed is None or session is None:
                raise Conflict(_("Somebody else took this work a moment ago."))
            error = _perform(claimed, session, on_progress)
        if error is not None:
            raise error
        return str(Operation.objects.values_list("result", flat=True).get(pk=row.id))


def _lock_name(operation_id: UUID) -> str:
    return f"tenants.operation:{operation_id}"


@transaction.atomic
def _claim(operation_id: UUID) -> Operation | None:
    rows = Operation.objects.select_for_update(skip_locked=True)
    row = rows.filter(pk=operation_id, state=_STATE.WAITING).first()
    if row is None:
        return None
    row.state, row.attempts = _STATE.RUNNING, row.attempts + 1
    row.started_at = row.heartbeat_at = timezone.now()
    row.done = row.total = 0
    row.save()
    return row


def _perform(row: Operation, session: Session, on_progress: Report | None) -> Exception | None:
    """Run the function and write down how it ended. Returns the error, if it was one."""
    reporter = _Reporter(row.id, session, on_progress)
    kind = _kinds.get(row.kind)
    structlog.contextvars.bind_contextvars(operation=str(row.id))
    try:
        if kind is None:
            raise Unavailable(_("This release does not know such an operation."))
        result = kind.run(_context(row, reporter))
    except DomainError as error:
        _finish(row.id, state=_STATE.FAILED, error=str(error))
        return error
    except Exception as error:
        log.exception("operation failed", kind=row.kind)
        told = _("It failed unexpectedly (%(error)s). The keeper’s log says more.")
        _finish(row.id, state=_STATE.FAILED, error=told % {"error": type(error).__name__})
        return error
    finally:
        structlog.contextvars.unbind_contextvars("operation")
    _finish(row.id, state=_STATE.DONE, result=result, **reporter.full())
    return None


def _context(row: Operation, reporter: _Reporter) -> OperationContext:
    return OperationContext(
        operation_id=row.id,
        school_id=row.school_id,
        actor=row.actor,
        parameters=row.parameters,
        report=reporter,
    )


def _finish(operation_id: UUID, **values: Any) -> None:
    with in_public():
        Operation.objects.filter(pk=operation_id).update(finished_at=timezone.now(), **values)


@dataclass(slots=True)
class _Reporter:
    """Writes progress on the connection of the lock, so that it shows while the function has a
    transaction open on Django's; at most once in REPORT_EVERY seconds."""

    operation_id: UUID
    session: Session
    also: Report | None
    last: float = 0.0
    total: int = 0
    note: str = field(default="")

    def __call__(self, done: int, total: int, note: str = "") -> None:
        self.total = total
        if self.also is not None:
            self.also(done, total, note)
        now = time.monotonic()
        if now - self.last < REPORT_EVERY and note == self.note:
            return
        self.last, self.note = now, note
        self.session.execute(
            "UPDATE public.tenants_operation SET done = %s, total = %s, note = %s,"
            " heartbeat_at = now() WHERE id = %s",
            [done, total, note[:200], self.operation_id],
        )

    def full(self) -> dict[str, int]:
        """Done means done: the bar stands at its end."""
        return {"done": self.total, "total": self.total}


# Looking after it -----------------------------------------------------------------------------


def sweep_operations() -> int:
    """Ask again for what waits, and end what nobody does any more. Returns how many of both."""
    with in_public():
        ended = sum(_end_if_abandoned(operation_id) for operation_id in _silent())
        waiting = list(
            Operation.objects.filter(
                state=_STATE.WAITING, created_at__lt=timezone.now() - WAITED_LONG
            ).values_list("id", flat=True)
        )
    for operation_id in waiting:
        _ask_keeper(operation_id)
    return ended + len(waiting)


def _silent() -> list[UUID]:
    silent = Operation.objects.filter(
        state=_STATE.RUNNING, heartbeat_at__lt=timezone.now() - STALE_AFTER
    )
    return list(silent.values_list("id", flat=True))


def _end_if_abandoned(operation_id: UUID) -> bool:
    """Silent is not dead: only when the lock is free the process is gone."""
    with owner_lock(_lock_name(operation_id)) as session, transaction.atomic():
        rows = Operation.objects.select_for_update(skip_locked=True)
        row = rows.filter(pk=operation_id, state=_STATE.RUNNING).first() if session else None
        if row is None:
            return False
        kind = _kinds.get(row.kind)
        if kind is not None and kind.restarts and row.attempts < MAX_ATTEMPTS:
            row.state = _STATE.WAITING
        else:
            row.state, row.finished_at = _STATE.FAILED, timezone.now()
            row.error = _("Interrupted: the process that did it is gone.")
        row.save()
    log.warning("operation interrupted", operation=str(operation_id), state=row.state)
    return True
