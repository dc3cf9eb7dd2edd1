from __future__ import annotations

import pytest

from apps.tenants import events
from kernel import jsoncodec

CLASSES = {
    (cls.name, cls.version): cls
    for cls in vars(events).values()
    if isinstance(cls, type) and hasattr(cls, "version") and hasattr(cls, "name")
}


def test_every_event_has_a_sample_for_ever() -> None:
    assert set(CLASSES) <= set(events.SAMPLES)


@pytest.mark.parametrize("key", list(events.SAMPLES))
def test_every_version_ever_published_can_still_be_read(key: tuple[str, int]) -> None:
    payload = events.SAMPLES[key]

    decoded = jsoncodec.decode(CLASSES[key], payload)

    assert jsoncodec.encode(decoded) == payload
