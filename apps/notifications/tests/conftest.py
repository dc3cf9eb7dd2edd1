from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.events import facade as events
from apps.notifications.events import MessageQueued

EVENTS = (MessageQueued,)


@pytest.fixture
def heard(drain: Any) -> Iterator[Callable[[], list[Any]]]:
    """heard(): the events of this app that went out, as another app would hear them."""
    events_heard: list[Any] = []
    with events.isolated_registry():
        for event in EVENTS:

            @events.handles(event.name, version=event.version, consumer="tests.listener")
            def listen(delivery: events.Delivery) -> None:
                events_heard.append(delivery.event)

        def after_draining() -> list[Any]:
            drain()
            return events_heard

        yield after_draining
