"""A state machine over all that can happen to events, decisions of people included."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.events import facade as events
from apps.events.models import (
    DeadLetter,
    ExternalDelivery,
    LaneMark,
    OutboxEvent,
    ParkedEvent,
    PausedConsumer,
    ProjectionPosition,
    StoredEventRow,
)
from apps.events.services import letters, marks, pausing
from apps.events.tests.lessons import (
    LessonHeld,
    announcements,
    effects,
    hold_lesson,
    let_time_pass,
    note_effect,
)

SCHOOL = "t_000001"
STREAMS = [UUID(int=number) for number in range(3)]
streams = st.sampled_from(range(len(STREAMS)))


class Promises(RuleBasedStateMachine):
    """Lessons of three streams, numbered; the handlers of a broken stream fail. What "register"
    writes is undone with an error, what "post" calls is not."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[str] = []
        self.broken: set[int] = set()
        self.discarded: set[tuple[str, str]] = set()
        self.calls: list[str] = []
        self.appended: list[str] = []
        self.followed: list[str] = []
        # As soon as something was given up on, what follows in its stream has overtaken it.
        self.overtaken: set[int] = set()
        self.ground = ExitStack()
        self.ground.enter_context(transaction.atomic())
        self.ground.enter_context(events.isolated_registry())
        self._register()

    def _register(self) -> None:
        @events.handles("lessons.lesson_held", version=2, consumer="register")
        def note(delivery: events.Delivery) -> None:
            note_effect("register", delivery.event.note)
            self._check(delivery.event.note)

        @events.handles("lessons.lesson_held", version=2, consumer="post", external=True)
        def call(delivery: events.Delivery) -> None:
            self._check(delivery.event.note)
            self.calls.append(delivery.event.note)

    def _hold(self, stream: int) -> None:
        note = f"{stream}-{len(self.held):04}"
        self.held.append(note)
        hold_lesson(note, STREAMS[stream])

    def _check(self, note: str) -> None:
        if int(note.split("-")[0]) in self.broken:
            raise ValueError("broken")

    @rule(stream=streams, count=st.integers(1, 4))
    def hold_more(self, stream: int, count: int) -> None:
        for _each in range(count):
            self._hold(stream)

    @rule(stream=streams)
    def break_down(self, stream: int) -> None:
        self.broken.add(stream)

    @rule(stream=streams)
    def mend(self, stream: int) -> None:
        self.broken.discard(stream)

    @rule(fresh=st.lists(streams, min_size=1, max_size=4))
    def drain(self, fresh: list[int]) -> None:
        for stream in fresh:
            self._hold(stream)
        events.drain(SCHOOL)
        self._see_what_was_given_up()

    @rule()
    def time_passes(self) -> None:
        ParkedEvent.objects.update(available_at="2020-01-01T00:00Z")
        let_time_pass()

    @rule()
    def workers_die(self) -> None:
        """As the marks tell it: from here on events are handled one by one."""
        LaneMark.objects.update_or_create(lane=0, defaults={"unfinished": marks.SUSPICIOUS})

    @rule(consumer=st.sampled_from(["register", "post"]))
    def pause(self, consumer: str) -> None:
        if not PausedConsumer.objects.filter(consumer=consumer).exists():
            pausing.pause(consumer=consumer, actor="ada")

    @rule(consumer=st.sampled_from(["register", "post"]))
    def resume(self, consumer: str) -> None:
        if PausedConsumer.objects.filter(consumer=consumer, resuming=False).exists():
            pausing.resume(consumer=consumer)

    @rule()
    def retry_letters(self) -> None:
        while letter := DeadLetter.objects.filter(resolved_at=None).order_by("id").first():
            letters.retry(letter_id=letter.id)

    @precondition(lambda self: DeadLetter.objects.filter(resolved_at=None).exists())
    @rule()
    def discard_a_letter(self) -> None:
        letter = DeadLetter.objects.filter(resolved_at=None).earliest("id")
        letters.discard(letter_id=letter.id)
        self.discarded.add((letter.consumer, letter.payload["note"]))

    @rule(stream=streams)
    def append(self, stream: int) -> None:
        note = f"{stream}-{len(self.appended):04}"
        version = StoredEventRow.objects.filter(stream_id=STREAMS[stream]).count()
        lesson = LessonHeld(note=note, teacher="Ada")
        events.append("lesson", STREAMS[stream], expected_version=version, events=[lesson])
        self.appended.append(note)

    @rule(again=st.booleans())
    def follow(self, again: bool) -> None:
        """Go on where it stood, or through all of history once more."""
        if again:
            ProjectionPosition.objects.filter(name="diary").delete()
            self.followed.clear()
        events.follow(
            "diary", lambda found: self.followed.extend(one.event.note for one in found), limit=3
        )

    @invariant()
    def nothing_is_there_twice(self) -> None:
        assert max(Counter(effects("register")).values(), default=1) == 1
        assert max(Counter(self.calls).values(), default=1) == 1

    @invariant()
    def what_was_followed_is_how_history_begins(self) -> None:
        assert self.followed == self.appended[: len(self.followed)]

    def teardown(self) -> None:
        try:
            self._let_everything_end()
            self._check_the_end()
        finally:
            transaction.set_rollback(True)
            self.ground.close()

    def _see_what_was_given_up(self) -> None:
        for letter in DeadLetter.objects.all():
            self.overtaken.add(int(letter.payload["note"].split("-")[0]))

    def _let_everything_end(self) -> None:
        self.broken.clear()
        LaneMark.objects.all().delete()  # a person looked, and lets them go on
        for consumer in ("register", "post"):
            self.resume(consumer)
        for _round in range(len(self.held) + 3):
            self.time_passes()
            events.drain(SCHOOL)
            self._see_what_was_given_up()
            self.retry_letters()
        while len(self.followed) < len(self.appended):
            self.follow(again=False)

    def _check_the_end(self) -> None:
        for consumer, handled in (("register", effects("register")), ("post", self.calls)):
            wanted = [note for note in self.held if (consumer, note) not in self.discarded]
            assert sorted(handled) == sorted(wanted)
            for stream in set(range(len(STREAMS))) - self.overtaken:
                assert _of(handled, stream) == _of(wanted, stream)
        for model in (OutboxEvent, ExternalDelivery, ParkedEvent, PausedConsumer):
            assert not model.objects.exists()
        assert announcements() == []
        assert self.followed == self.appended


def _of(notes: list[str], stream: int) -> list[str]:
    return [note for note in notes if note.startswith(f"{stream}-")]


@pytest.mark.parametrize("batch", [1, 4])
def test_the_promises_hold(lessons_school: Any, settings: Any, registry: Any, batch: int) -> None:
    settings.OUTBOX = {"batch": batch, "max_attempts": 2, "max_calls": 2}
    run_state_machine_as_test(
        Promises,
        settings=examples(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            # Shrinking a failure takes minutes; the steps are short enough to read as they are.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
