"""The Celery application. Each message carries the trace id of the request that caused it."""

import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("homeroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@before_task_publish.connect
def _send_trace(headers: dict[str, Any], **_: Any) -> None:
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    if trace_id:
        headers["trace_id"] = trace_id


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


@task_postrun.connect
def _clean_up(**_: Any) -> None:
    # A task that leaves a school open would run the next one on it.
    from kernel.schools import connection

    connection.set_schema_to_public()
    structlog.contextvars.clear_contextvars()
