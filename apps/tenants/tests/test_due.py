"""Work that schools note down, so that no task goes from school to school."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from celery.app.task import Task
from django.db import transaction
from django.utils import timezone

import kernel.schools
from apps.tenants import tasks
from apps.tenants.models import DueWork, School
from apps.tenants.services import due
from apps.tenants.services.due import looking_after, note_due_work, take_due
from kernel.schools import in_public

TASK = "payments.tidy_school"


def _rows() -> list[DueWork]:
    with in_public():
        return list(DueWork.objects.order_by("id"))


def _nothing_next() -> datetime | None:
    return None


def test_only_what_is_due_is_taken_and_each_school_once(school: Any, in_other_school: Any) -> None:
    note_due_work(task=TASK)
    note_due_work(task=TASK)
    note_due_work(task="payments.take_up_messages", due_at=timezone.now() + timedelta(minutes=1))
    with in_other_school():
        note_due_work(task=TASK)

    assert take_due() == [("t_000001", TASK), ("t_000002", TASK)]


def test_taken_it_comes_again_only_when_nobody_acted(school: Any) -> None:
    note_due_work(task=TASK)
    take_due()

    assert take_due() == []
    with in_public():
        DueWork.objects.update(due_at=timezone.now())
    assert take_due() == [("t_000001", TASK)]


@pytest.mark.parametrize("status", ["provisioning", "archived", "deleting"])
def test_a_school_for_which_nothing_is_done_waits(school: Any, status: str) -> None:
    note_due_work(task=TASK)
    with in_public():
        School.objects.filter(pk=1).update(status=status)

    assert take_due() == []
    assert len(_rows()) == 1

    with in_public():
        School.objects.filter(pk=1).update(status="suspended")
    assert take_due() == [("t_000001", TASK)]


def test_it_is_undone_with_the_change_that_made_it(school: Any) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        note_due_work(task=TASK)
        raise RuntimeError

    assert _rows() == []


def test_looking_after_it_takes_away_what_was_there_and_notes_what_is_next(school: Any) -> None:
    note_due_work(task=TASK)
    note_due_work(task="another")
    soon = timezone.now() + timedelta(minutes=5)

    with looking_after(TASK, next_due=lambda: soon):
        note_due_work(task=TASK, due_at=soon - timedelta(minutes=1))  # came in meanwhile

    assert [(row.task, row.due_at) for row in _rows()] == [
        ("another", _rows()[0].due_at),
        (TASK, soon - timedelta(minutes=1)),
        (TASK, soon),
    ]


def test_work_that_fails_stays(school: Any) -> None:
    note_due_work(task=TASK)

    with pytest.raises(RuntimeError), looking_after(TASK, next_due=_nothing_next):
        raise RuntimeError

    assert len(_rows()) == 1


def test_nothing_next_leaves_nothing(school: Any) -> None:
    note_due_work(task=TASK)

    with looking_after(TASK, next_due=_nothing_next):
        pass

    assert _rows() == []


# What beat sends ------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(school, task) of the messages that went out; each must expire."""
    messages: list[tuple[str, str]] = []
    current_app.loader.import_default_modules()

    class Known:
        def __init__(self, name: str) -> None:
            self.name = name

        def apply_async(self, kwargs: dict[str, str], *, retry: bool, expires: float) -> None:
            assert (retry, expires) == (False, 60)
            messages.append((kwargs["schema_name"], self.name))

    class App:
        tasks = {name: Known(name) for name in due.due_tasks()}

    monkeypatch.setattr(tasks, "current_app", App)
    return messages


def test_one_message_a_school_with_work(school: Any, sent: list[tuple[str, str]]) -> None:
    note_due_work(task=TASK)
    note_due_work(task="of an earlier release")

    assert tasks.send_due_work() == 1

    assert sent == [("t_000001", TASK)]


def test_once_a_day_every_school_that_works_gets_one(
    school: Any, sent: list[tuple[str, str]]
) -> None:
    with in_public():
        School.objects.filter(pk=2).update(status="archived")

    tasks.send_all_work()

    assert sent == [("t_000001", name) for name in due.due_tasks()]
    assert TASK in due.due_tasks()


def test_beat_sends_no_task_that_opens_one_school_after_the_other(
    settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of beat's tasks is run; none may open a school itself."""

    def opened(schema_name: str) -> Any:
        raise AssertionError(f"opened {schema_name}")

    monkeypatch.setattr(Task, "apply_async", lambda *args, **more: None)
    monkeypatch.setattr(kernel.schools, "_load", opened)
    current_app.loader.import_default_modules()
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    for name in sorted(names):
        task = current_app.tasks[name]
        if getattr(task, "queue", None) != "owner":
            task()
