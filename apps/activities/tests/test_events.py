"""The events that other apps read."""

import pytest

from apps.activities import events
from kernel.jsoncodec import decode, encode


@pytest.mark.parametrize("key", list(events.SAMPLES))
def test_every_stored_event_can_be_read(key: tuple[str, int]) -> None:
    classes = {
        (c.name, c.version): c
        for c in vars(events).values()
        if isinstance(c, type) and c.__module__ == events.__name__
    }

    event = decode(classes[key], events.SAMPLES[key])

    assert encode(event) == events.SAMPLES[key]
    assert set(classes) == set(events.SAMPLES)
