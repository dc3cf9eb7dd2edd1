"""A paused consumer's events wait in order; all others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from apps.events import facade as events
from apps.events.models import (
    DeadLetter,
    ExternalDelivery,
    LaneMark,
    OutboxEvent,
    ParkedEvent,
    PausedConsumer,
)
from apps.events.selectors import outbox
from apps.events.services import marks, pausing
from apps.events.tests.lessons import announcements, effects, hold_lesson, let_time_pass
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7

ACTOR = "ada@example.org"


@pytest.fixture
def broken() -> set[str]:
    """Notes at which the register fails."""
    return set()


@pytest.fixture
def two_consumers(lessons_school: Any, hears: Callable[..., Any], broken: set[str]) -> None:
    def check(delivery: Any) -> None:
        if delivery.event.note in broken:
            raise ValueError("no chalk")

    hears("register", fails=check)
    hears("diary")


def test_it_waits_while_the_others_go_on_and_catches_up_in_order(
    two_consumers: None, drain: Callable[[], int]
) -> None:
    pausing.pause(consumer="register", actor=ACTOR, reason="wrong term")
    for note in ("a", "b", "c"):
        hold_lesson(note)
    drain()
    assert effects("diary") == ["a", "b", "c"]
    assert effects("register") == []
    assert not OutboxEvent.objects.exists()
    [pause] = outbox.list_pauses()
    assert (pause.consumer, pause.parked, pause.reason, pause.resuming) == (
        "register",
        3,
        "wrong term",
        False,
    )

    assert pausing.resume(consumer="register") == 3
    hold_lesson("d")
    drain()
    assert effects("register") == ["a", "b", "c", "d"]
    assert effects("diary") == ["a", "b", "c", "d"]
    assert not PausedConsumer.objects.exists()
    assert not ParkedEvent.objects.exists()
    assert announcements() == []


def test_what_is_newer_stays_behind_what_is_parked(
    two_consumers: None, drain: Callable[[], int], settings: Any
) -> None:
    settings.OUTBOX = {"batch": 2}
    stream = uuid7()
    pausing.pause(consumer="register", actor=ACTOR)
    for number in range(5):
        hold_lesson(f"{number}", stream)
    drain()
    pausing.resume(consumer="register")
    for number in range(5, 9):
        hold_lesson(f"{number}", stream)
    drain()
    assert effects("register") == [f"{number}" for number in range(9)]


def test_one_that_fails_while_catching_up_holds_back_its_own_stream_only(
    two_consumers: None, drain: Callable[[], int], broken: set[str], settings: Any
) -> None:
    settings.OUTBOX = {"max_attempts": 3}
    stream = uuid7()
    pausing.pause(consumer="register", actor=ACTOR)
    hold_lesson("bad", stream)
    hold_lesson("after", stream)
    hold_lesson("elsewhere")
    drain()
    broken.add("bad")
    pausing.resume(consumer="register")
    drain()
    assert effects("register") == ["elsewhere"]
    errors = {row.payload["note"]: row.last_error for row in ParkedEvent.objects.all()}
    assert errors == {"bad": "ValueError: no chalk", "after": ""}
    for _try in range(3):
        ParkedEvent.objects.update(available_at="2020-01-01T00:00Z")
        let_time_pass()
        drain()
    assert effects("register") == ["elsewhere", "after"]
    assert [letter.consumer for letter in DeadLetter.objects.all()] == ["register"]
    assert not PausedConsumer.objects.exists()


def test_calls_to_the_outside_wait_too(
    lessons_school: Any, hears: Callable[..., Any], drain: Callable[[], int]
) -> None:
    hears("mailer", external=True)
    stream = uuid7()
    hold_lesson("owed before", stream)
    events.drain("t_000001", calls=False)
    pausing.pause(consumer="mailer", actor=ACTOR)
    hold_lesson("owed after", stream)
    drain()
    assert effects("mailer") == []
    assert ExternalDelivery.objects.count() == 2
    assert [pause.parked for pause in outbox.list_pauses()] == [2]
    assert pausing.resume(consumer="mailer") == 2
    drain()
    assert effects("mailer") == ["owed before", "owed after"]
    assert announcements() == []


def test_who_is_catching_up_can_be_paused_again(
    two_consumers: None, drain: Callable[[], int], broken: set[str]
) -> None:
    broken.add("bad")
    pausing.pause(consumer="register", actor=ACTOR)
    hold_lesson("bad")
    drain()
    pausing.resume(consumer="register")
    drain()
    pausing.pause(consumer="register", actor=ACTOR, reason="it fails")
    [pause] = outbox.list_pauses()
    assert (pause.resuming, pause.reason, pause.parked) == (False, "it fails", 1)


def test_dying_workers_pause_again_who_is_catching_up(
    two_consumers: None, drain: Callable[[], int]
) -> None:
    pausing.pause(consumer="register", actor=ACTOR)
    hold_lesson("a")
    drain()
    pausing.resume(consumer="register")
    LaneMark.objects.update_or_create(lane=0, defaults={"unfinished": marks.SUSPICIOUS})
    drain()
    [pause] = outbox.list_pauses()
    assert (pause.resuming, pause.parked) == (False, 1)
    assert "Workers died" in pause.reason


def test_what_is_parked_moves_with_the_number_of_lanes(
    two_consumers: None, drain: Callable[[], int], settings: Any
) -> None:
    settings.OUTBOX = {"lanes": 4}
    pausing.pause(consumer="register", actor=ACTOR)
    for number in range(6):
        hold_lesson(f"{number}", UUID(int=number))
    drain()
    settings.OUTBOX = {"lanes": 1}
    pausing.resume(consumer="register")
    drain()
    assert sorted(effects("register")) == [f"{number}" for number in range(6)]
    assert not PausedConsumer.objects.exists()


def test_pausing_twice_or_what_nobody_knows_is_refused(two_consumers: None) -> None:
    with pytest.raises(NotFound, match="no consumer “janitor”"):
        pausing.pause(consumer="janitor", actor=ACTOR)
    with pytest.raises(NotFound, match="not paused"):
        pausing.resume(consumer="register")
    pausing.pause(consumer="register", actor=ACTOR)
    with pytest.raises(Conflict, match="paused already"):
        pausing.pause(consumer="register", actor=ACTOR)
