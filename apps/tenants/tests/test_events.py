from __future__ import annotations

import pytest

from apps.tenants import events
from kernel import jsoncodec

CLASSES = {
    (cls.name, cls.version): cls for cls in (events.SchoolProvisioned, events.SettingsChanged)
}


@pytest.mark.parametrize("key", list(events.SAMPLES))
def test_every_version_ever_published_can_still_be_read(key: tuple[str, int]) -> None:
    payload = events.SAMPLES[key]

    decoded = jsoncodec.decode(CLASSES[key], payload)

    assert jsoncodec.encode(decoded) == payload
