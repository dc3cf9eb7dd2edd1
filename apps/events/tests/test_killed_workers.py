"""An event whose handler takes its worker down is found, given up, and stops nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.events import facade as events
from apps.events.models import DeadLetter, LaneMark, OutboxEvent
from apps.events.services import marks
from apps.events.tests.lessons import effects, hold_lesson
from kernel.schools import in_school

pytestmark = pytest.mark.django_db(transaction=True)


def drain_in_a_child() -> bool:
    """One worker drains; whether it came back alive."""
    child = os.fork()
    if not child:
        _drain_and_exit()
    _pid, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def _drain_and_exit() -> None:
    # The parent's connection stays the parent's: kept, so that nothing closes it.
    inherited = connection.connection
    connection.connection = None
    connection.search_path_set_schemas = None
    try:
        with in_school("t_000001"):
            events.drain("t_000001", wait=20)
        os._exit(0 if inherited else 1)
    finally:
        os._exit(2)


@pytest.fixture
def deadly(committed_school: Any, hears: Callable[..., Any]) -> None:
    """A consumer that dies of the lesson “explosives”, and one that only listens."""

    def die(delivery: events.Delivery) -> None:
        if delivery.event.note == "explosives":
            os.kill(os.getpid(), signal.SIGKILL)

    hears("lab", fails=die)
    hears("register")


def test_the_one_to_blame_is_given_up_and_the_others_are_handled(deadly: None) -> None:
    with in_school("t_000001"):
        for note in ("algebra", "explosives", "music", "sports"):
            hold_lesson(note)
    deaths = 0
    while not drain_in_a_child():
        deaths += 1
        assert deaths < 3 * marks.SUSPICIOUS, "it goes on killing workers"
    with in_school("t_000001"):
        assert sorted(effects("lab")) == ["algebra", "music", "sports"]
        assert sorted(effects("register")) == ["algebra", "music", "sports"]
        letters = DeadLetter.objects.order_by("consumer")
        assert [(one.consumer, one.payload["note"]) for one in letters] == [
            ("lab", "explosives"),
            ("register", "explosives"),
        ]
        assert letters[0].error == marks.DIED
        assert not OutboxEvent.objects.exists()


def test_one_death_is_an_accident(deadly: None, hears: Callable[..., Any]) -> None:
    with in_school("t_000001"):
        hold_lesson("explosives")
    assert not drain_in_a_child()
    with in_school("t_000001"):
        assert LaneMark.objects.get().unfinished == 1
        assert OutboxEvent.objects.get().attempts == 0


def test_after_a_while_batches_are_quick_again(deadly: None, settings: Any) -> None:
    settings.OUTBOX = {"batch": 3}
    with in_school("t_000001"):
        LaneMark.objects.create(lane=0, unfinished=marks.SUSPICIOUS)
        for number in range(4):
            hold_lesson(f"lesson {number}")
        events.drain("t_000001")
        mark = LaneMark.objects.get()
        assert (mark.unfinished, mark.careful) == (0, 0)
        assert effects("lab") == [f"lesson {number}" for number in range(4)]
