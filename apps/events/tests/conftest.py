"""A registry with the test publisher's event in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.events import facade as events
from apps.events.services import bell, wakeup
from apps.events.services.registry import Registry
from apps.events.tests import lessons


@pytest.fixture(autouse=True)
def registry() -> Iterator[Registry]:
    """The installed events and handlers plus `lessons.lesson_held`; undone afterwards."""
    with events.isolated_registry() as registry:
        registry.add_event(lessons.LessonHeld)
        registry.samples[("lessons.lesson_held", 2)] = lessons.LESSON_SAMPLE
        registry.upcasters[("lessons.lesson_held", 1)] = lessons.add_teacher
        yield registry


@pytest.fixture(autouse=True)
def quiet_wake_ups() -> Iterator[None]:
    """No wake-ups: no worker runs beside these tests. `sent` listens to them."""
    sender = wakeup._sender
    wakeup.send_wake_ups_with(None)
    yield
    wakeup.send_wake_ups_with(sender)


@pytest.fixture
def sent(clear_cache: None) -> Iterator[list[tuple[str, int]]]:
    """The Celery tasks that were sent for a lane, (schema, lane); Redis is met anew."""
    messages: list[tuple[str, int]] = []
    wakeup._client = None
    wakeup.breaker.reset()
    wakeup.send_wake_ups_with(lambda schema_name, lane: messages.append((schema_name, lane)))
    yield messages
    bell.line.hang_up()
    wakeup._client = None
    wakeup.breaker.reset()


@pytest.fixture
def hears(registry: Registry) -> Callable[..., Any]:
    """hears("register", fails=..., external=...): a consumer that notes each lesson it hears.

    `fails` gets the delivery and may raise after the effect is written.
    """

    def add(consumer: str, *, fails: Any = None, external: bool = False) -> None:
        @events.handles("lessons.lesson_held", version=2, external=external, consumer=consumer)
        def note_on_lesson_held(delivery: events.Delivery) -> None:
            lessons.note_effect(consumer, delivery.event.note)
            if fails is not None:
                fails(delivery)

    return add


@pytest.fixture
def lessons_school(school: Any) -> Any:
    """Lincoln, open; rolled back."""
    return school
