"""The few numbers of the outbox; `settings.OUTBOX = {"batch": 50}` overrides any of them."""

import random
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Seconds, unless the name says otherwise."""

    lanes: int = 1
    batch: int = 100
    max_attempts: int = 10
    # Calls to the outside are tried for about an hour and a half: mail servers take that long.
    max_calls: int = 20
    backoff_base: float = 2.0
    backoff_cap: float = 600.0
    unknown_version_delay: float = 60.0
    lease: float = 120.0
    task_budget: float = 20.0
    # Beat's own look at what is due (watching.py), and one lane's turn while the broker is away.
    look_every: float = 0.25
    stand_in_budget: float = 1.0
    # How long one worker attends, and its turn at one lane (attending.py).
    shift: float = 10.0
    attendants_budget: float = 0.05
    wake_key_life: float = 5.0
    redis_timeout: float = 0.2
    breaker_pause: float = 5.0
    stranded_after: float = 300.0


def options() -> Options:
    """The numbers in force. Read at each use, so that a test may override settings."""
    return _options(**getattr(settings, "OUTBOX", {}))


@lru_cache(maxsize=8)
def _options(**given: Any) -> Options:
    known = {field.name for field in fields(Options)}
    return Options(**{name: value for name, value in given.items() if name in known})


def backoff(attempts: int) -> float:
    """Seconds to wait after the given number of failed attempts: doubling, capped, jittered.

    The jitter (half to all of the delay) keeps events that failed together from returning
    together.
    """
    numbers = options()
    delay = min(numbers.backoff_cap, numbers.backoff_base * 2 ** max(attempts - 1, 0))
    return delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
