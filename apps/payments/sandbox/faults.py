"""Trouble on purpose: what the next calls to a path meet instead of an answer."""

from __future__ import annotations

import threading
import time
from typing import TypeVar

# A caller that waits this long has given up: `hang` never answers in time.
HANG_SECONDS = 30.0
SLOW_SECONDS = 2.0
Value = TypeVar("Value")


class Faults:
    """Switched by tests, in code or by /_control/faults. A path matches by any part of it.

    `fail`: statuses that the next calls get; nothing is done. `hang`: how often a call waits
    without an answer; nothing is done. `slow`: seconds the next calls wait before they are done.
    `lose_answers`: how often the work is done and the answer is an error (what makes an outcome
    unknown). `delay`: seconds that every call waits.
    """

    def __init__(self) -> None:
        self.fail: dict[str, list[int]] = {}
        self.hang: dict[str, int] = {}
        self.slow: dict[str, list[float]] = {}
        self.lose_answers: dict[str, int] = {}
        self.delay: dict[str, float] = {}
        self.hang_seconds = HANG_SECONDS
        self._lock = threading.Lock()
        self._let_go = threading.Event()

    def clear(self) -> None:
        """No trouble any more; calls that hang go on at once, and fail."""
        with self._lock:
            for switches in (self.fail, self.hang, self.slow, self.lose_answers, self.delay):
                switches.clear()
        self._let_go.set()

    def before(self, path: str) -> int | None:
        """The status to answer instead of doing anything, or None."""
        if self._count_down(self.hang, path):
            self._let_go.clear()
            self._let_go.wait(self.hang_seconds)
            return 504
        time.sleep(self._pause(path))
        return self._next(self.fail, path)

    def loses(self, path: str) -> bool:
        return self._count_down(self.lose_answers, path)

    def _pause(self, path: str) -> float:
        always = sum(seconds for part, seconds in self.delay.items() if part in path)
        return always + (self._next(self.slow, path) or 0)

    def _count_down(self, switches: dict[str, int], path: str) -> bool:
        with self._lock:
            for part, count in switches.items():
                if part in path and count > 0:
                    switches[part] = count - 1
                    return True
        return False

    def _next(self, switches: dict[str, list[Value]], path: str) -> Value | None:
        with self._lock:
            for part, values in switches.items():
                if part in path and values:
                    return values.pop(0)
        return None
