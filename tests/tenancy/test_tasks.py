"""Background work: no task runs without the school that it is for."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import shared_task
from celery.contrib.testing.worker import start_worker
from celery.signals import worker_init
from django.conf import settings
from django.db import connection

from config.celery import TaskRefused, app
from kernel import tasks
from kernel.schools import in_school

# Tasks that a school's message is no part of. A new one is added here with its reason.
PLATFORM_TASKS = {
    # read one table of the platform and send a school's task for each that is due
    "events.sweep",
    # waits for the rings of all schools, and opens the one whose turn it is
    "events.attend",
    "events.check_stranded",
    "events.send_counts",
    "tenants.send_due_work",
    "tenants.send_all_work",
    "tenants.count_usage",
    "tenants.bill_month",
    "tenants.retention",
    "tenants.send_backups",
    "tenants.send_verifications",
    # the keeper's own: what they work on is a row of the platform, which names the school
    "tenants.run_operation",
    "tenants.sweep_operations",
    "tenants.delete_due_schools",
    "tenants.keep_spares",
    "tenants.clean_half_made",
    "tenants.back_up_school",
    "tenants.tidy_backups",
    "tenants.tidy_sign_ups",
    "tenants.verify_backup",
}
# What school tasks take besides the school.
ARGUMENTS = {"provider_event_id": str(uuid4()), "month": "2026-10"}
seen: list[str] = []


@shared_task(name="tests.tenancy.for_a_school", runs_in=tasks.SCHOOL)
def for_a_school(*, schema_name: str = "", **_kwargs: Any) -> None:
    seen.append(f"school {schema_name}")


@shared_task(name="tests.tenancy.says_nothing")
def says_nothing() -> None:
    seen.append("undeclared")


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def app_tasks() -> dict[str, Any]:
    app.loader.import_default_modules()
    app.finalize()
    return {
        name: task
        for name, task in app.tasks.items()
        if not name.startswith(("celery.", "tests.", "config.tests."))
    }


def test_every_task_says_for_whom_it_works() -> None:
    undeclared = [name for name, task in app_tasks().items() if task.runs_in not in tasks.SCOPES]
    assert len(app_tasks()) >= 6
    assert undeclared == [], "@shared_task(runs_in=...), from kernel.tasks"


def test_the_tasks_of_the_platform_are_listed() -> None:
    found = {name for name, task in app_tasks().items() if task.runs_in == tasks.PLATFORM}
    assert found == PLATFORM_TASKS


def of_schools() -> list[str]:
    return [name for name, task in app_tasks().items() if task.runs_in != tasks.PLATFORM]


@pytest.mark.parametrize("name", sorted(of_schools()))
def test_a_schools_task_without_a_school_is_refused(name: str, db: None) -> None:
    """Sent or called, with whatever else it needs: it never gets as far as the public schema."""
    task = app_tasks()[name]
    for missing in ({}, {"schema_name": ""}, {"schema_name": None}):
        with pytest.raises(TaskRefused, match="works for a school and was given no schema_name"):
            task.apply_async(kwargs=missing)
        with pytest.raises(TaskRefused):
            task(**missing)


@pytest.mark.parametrize("name", sorted(of_schools()))
def test_a_schools_task_for_an_unknown_school_fails_closed(name: str, db: None) -> None:
    task = app_tasks()[name]
    taken = inspect.signature(task.run).parameters
    extra = {key: value for key, value in ARGUMENTS.items() if key in taken}
    with pytest.raises(Exception, match=r"does not exist|no school|No school"):
        task(schema_name="t_999999", **extra)
    assert connection.schema_name == "public"


def test_only_the_outbox_may_be_the_platforms_own() -> None:
    either = {name for name, task in app_tasks().items() if task.runs_in == tasks.EITHER}
    assert either == {"events.count", "events.drain", "events.rescue"}
    with pytest.raises(TaskRefused, match="not for the platform"):
        for_a_school.apply_async(kwargs={"schema_name": "public"})


def test_an_undeclared_task_is_refused() -> None:
    with pytest.raises(TaskRefused, match="does not say for whom it works"):
        says_nothing.delay()
    with pytest.raises(TaskRefused, match=r"runs_in=SCHOOL"):
        says_nothing()


@pytest.fixture
def worker(clear_cache: None) -> Iterator[None]:
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        yield


def wait_until_empty() -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with app.connection_for_read() as broker:
            if broker.default_channel.client.llen("celery") == 0:
                time.sleep(0.3)
                return
        time.sleep(0.05)
    raise AssertionError("the worker left the message alone")


@pytest.mark.django_db(transaction=True)
def test_over_the_broker_the_header_must_name_the_school_too(worker: None) -> None:
    for_a_school.delay(schema_name="t_000001")
    # Sent past the task class, as somebody with the broker's password could: without the header
    # of before_task_publish, then with another school's.
    for headers in ({}, {tasks.SCHOOL_HEADER: "t_000002"}):
        _send_raw(for_a_school.name, {"schema_name": "t_000001"}, headers)
    app.send_task(for_a_school.name)
    app.send_task(says_nothing.name)
    wait_until_empty()
    assert seen == ["school t_000001"]


def _send_raw(name: str, kwargs: dict[str, Any], headers: dict[str, Any]) -> None:
    message = app.amqp.as_task_v2(str(uuid4()), name, (), kwargs)
    with app.producer_or_acquire() as producer:
        producer.publish(
            message.body,
            routing_key="celery",
            headers={**message.headers, **headers},
            **message.properties,
        )


def test_a_task_leaves_no_school_open(school: Any) -> None:
    """The next one would begin in it."""
    from celery.signals import task_postrun

    with in_school(school.schema_name):
        task_postrun.send(sender=for_a_school, task=for_a_school, kwargs={})
        assert connection.schema_name == "public"


class Worker:
    concurrency = 2

    def __init__(self, pool: str) -> None:
        self.pool_cls = type("Pool", (), {"__module__": f"celery.concurrency.{pool}"})


@pytest.mark.parametrize("pool", ["thread", "gevent", "eventlet"])
def test_a_worker_with_threads_is_refused(pool: str) -> None:
    with pytest.raises(SystemExit, match=f"'{pool}' would mix up schools"):
        worker_init.send(sender=Worker(pool))


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_with_processes_starts(pool: str) -> None:
    # Celery hands over what the receivers raised, as their answers.
    answers = [answer for _receiver, answer in worker_init.send(sender=Worker(pool))]
    assert answers
    assert not any(isinstance(answer, Exception) for answer in answers)


def test_celery_really_ends_there() -> None:
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads"]
    ended = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.collect"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "Error: the pool 'thread' would mix up schools" in ended.stderr
