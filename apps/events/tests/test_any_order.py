"""Whatever happens in whatever order: nothing is lost, doubled, or overtaken in its stream."""

from collections import defaultdict
from uuid import UUID

from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from apps.events import facade as events
from apps.events.models import ExternalDelivery, OutboxEvent
from apps.events.tests.lessons import (
    announcements,
    effects,
    hold_lesson,
    let_time_pass,
    note_effect,
)

STREAMS = 3

steps = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.integers(0, STREAMS - 1)),
        st.tuples(st.just("hold in bulk"), st.integers(0, STREAMS - 1)),
        st.tuples(st.just("break"), st.integers(0, STREAMS - 1)),
        st.tuples(st.just("mend"), st.integers(0, STREAMS - 1)),
        st.tuples(st.just("drain"), st.just(0)),
        st.tuples(st.just("time passes"), st.just(0)),
    ),
    max_size=30,
)


class School:
    """Streams 0, 1, 2 whose lessons are numbered; a broken stream's handlers fail."""

    def __init__(self):
        self.count = defaultdict(int)
        self.broken = set()

    def check(self, delivery):
        if int(delivery.event.note.split("-")[0]) in self.broken:
            raise ValueError("broken")

    def hold(self, stream):
        number = self.count[stream]
        self.count[stream] += 1
        hold_lesson(f"{stream}-{number:03}", UUID(int=stream))

    def act(self, step, stream):
        match step:
            case "hold":
                self.hold(stream)
            case "hold in bulk":
                for _ in range(5):
                    self.hold(stream)
            case "break":
                self.broken.add(stream)
            case "mend":
                self.broken.discard(stream)
            case "drain":
                events.drain("t_000001")
            case "time passes":
                let_time_pass()


def in_stream(notes, stream):
    return [note for note in notes if note.startswith(f"{stream}-")]


@examples(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps, batch=st.integers(1, 6))
def test_every_event_is_handled_once_and_in_order(lessons_school, settings, registry, steps, batch):
    settings.OUTBOX = {"batch": batch, "max_attempts": 1000}
    with transaction.atomic(), events.isolated_registry():
        model, calls = School(), []
        register_consumers(model, calls)

        for step, stream in steps:
            model.act(step, stream)
        model.broken.clear()
        let_time_pass()
        events.drain("t_000001")

        for stream in range(STREAMS):
            expected = [f"{stream}-{number:03}" for number in range(model.count[stream])]
            assert in_stream(effects("register"), stream) == expected
            assert in_stream(calls, stream) == expected
        assert OutboxEvent.objects.count() == 0
        assert ExternalDelivery.objects.count() == 0
        assert announcements() == []
        transaction.set_rollback(True)


def register_consumers(model, calls):

    @events.handles("lessons.lesson_held", version=2, consumer="register")
    def note(delivery):
        note_effect("register", delivery.event.note)
        model.check(delivery)

    @events.handles("lessons.lesson_held", version=2, consumer="post", external=True)
    def call(delivery):
        model.check(delivery)
        calls.append(delivery.event.note)
