"""Waiting in tests: for what comes by itself, as long as a busy machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_for(check: Callable[[], Any], what: str = "", *, seconds: float = 60) -> Any:
    """The first true value of check(). AssertionError when there is none within `seconds`."""
    until = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < until, f"waited {seconds} s for {what or check}"
        time.sleep(0.02)
    return value
