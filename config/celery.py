"""The Celery application.

Each message carries the trace id of the request that caused it and the school it is about. A task
says for whom it works (kernel/tasks.py); one that does not, or whose school is missing, is refused.
"""

import os
import threading
from typing import Any

import structlog
from celery import Celery, Task
from celery.signals import (
    beat_init,
    before_task_publish,
    task_postrun,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutting_down,
)
from django.db import close_old_connections

from kernel import tasks
from kernel.acting import name_actor, part

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

# A thread or a greenlet begins on the public schema, whatever school its parent had open.
POOLS = ("celery.concurrency.prefork", "celery.concurrency.solo")


class TaskRefused(RuntimeError):
    """The message does not say which school the task is for, or the task not for whom it works."""


class DeclaredTask(Task):
    """Every task of ours: checked when it is sent and again when it runs."""

    runs_in = ""

    def apply_async(  # type: ignore[override]
        self, args: Any = None, kwargs: Any = None, **options: Any
    ) -> Any:
        check_school(self, kwargs or {})
        return super().apply_async(args, kwargs, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        check_school(self, kwargs)
        if not self.request.called_directly and not self.request.is_eager:
            check_header(self, kwargs)
        return super().__call__(*args, **kwargs)


def check_school(task: Any, kwargs: dict[str, Any]) -> None:
    """Raises TaskRefused unless the task is declared and was given the school that it needs."""
    if task.name.startswith("celery.") or task.runs_in == tasks.PLATFORM:
        return
    if task.runs_in not in tasks.SCOPES:
        raise TaskRefused(
            f"{task.name} does not say for whom it works: "
            "@task(…, runs_in=SCHOOL) or PLATFORM, from kernel.tasks"
        )
    schema_name = kwargs.get("schema_name")
    if not isinstance(schema_name, str) or not schema_name:
        raise TaskRefused(f"{task.name} works for a school and was given no schema_name")
    if schema_name == "public" and task.runs_in == tasks.SCHOOL:
        raise TaskRefused(f"{task.name} works for a school, not for the platform")


def check_header(task: Any, kwargs: dict[str, Any]) -> None:
    """Raises TaskRefused when a message that came over the broker names no school, or another."""
    if task.runs_in not in (tasks.SCHOOL, tasks.EITHER):
        return
    named = getattr(task.request, tasks.SCHOOL_HEADER, None)
    if named != kwargs.get("schema_name"):
        raise TaskRefused(
            f"{task.name}: the header names school {named!r}, "
            f"the argument {kwargs.get('schema_name')!r}"
        )


app = Celery("homeroom", task_cls=DeclaredTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@before_task_publish.connect
def _send_trace_and_school(headers: dict[str, Any], body: Any, **_: Any) -> None:
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    if trace_id:
        headers["trace_id"] = trace_id
    if schema_name := body[1].get("schema_name"):
        headers[tasks.SCHOOL_HEADER] = schema_name


@worker_init.connect
def _refuse_threads(sender: Any, **_: Any) -> None:
    pool = sender.pool_cls.__module__
    if pool not in POOLS:
        # Not an Exception: Celery logs those of its signals and goes on.
        raise SystemExit(
            f"Error: the pool {pool.rsplit('.', 1)[-1]!r} would mix up schools: "
            "use --pool prefork or solo."
        )


@worker_init.connect
def _let_one_attend(sender: Any, **_: Any) -> None:
    from apps.events import facade as events

    prefork = sender.pool_cls.__module__ == "celery.concurrency.prefork"
    events.allow_attending(prefork and sender.concurrency > 1)


@worker_ready.connect
def _call_an_attendant(**_: Any) -> None:
    from apps.events import facade as events

    events.call_attendant()


@worker_shutting_down.connect
def _dismiss_the_attendant(**_: Any) -> None:
    from apps.events import facade as events

    events.dismiss_attendant()


@beat_init.connect
def _watch_the_outbox(**_: Any) -> None:
    # In a thread, since beat itself waits for the broker whenever that is away.
    from apps.events import facade as events

    threading.Thread(target=events.watch, args=[threading.Event()], daemon=True).start()


@task_prerun.connect
def _drop_broken_connection(**_: Any) -> None:
    # Celery keeps the connection over many tasks (CELERY_DB_REUSE_MAX) and does not look at it:
    # after a restart of PostgreSQL each worker would fail at all of them.
    close_old_connections()


@task_prerun.connect
def _bind_trace(task: Any, kwargs: dict[str, Any], **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    trace_id = getattr(task.request, "trace_id", None) or os.urandom(16).hex()
    structlog.contextvars.bind_contextvars(
        trace_id=trace_id, task=task.name, school=kwargs.get("schema_name", "")
    )


@task_prerun.connect
def _name_the_actor(task: Any, **_: Any) -> None:
    """A task that names nobody itself acts as itself."""
    name_actor(part(task.name))


@task_postrun.connect
def _clean_up(**_: Any) -> None:
    # A task that leaves a school open would run the next one on it.
    from kernel.schools import connection

    connection.set_schema_to_public()
    structlog.contextvars.clear_contextvars()
    name_actor("")
