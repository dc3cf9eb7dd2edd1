"""The tormentor: what is killed, how often, and when."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import psycopg
import redis

from chaos.fleet import Fleet
from chaos.schools import onlooker
from chaos.servers import Postgres, Redis

# How many a second. Whatever its length, a run has at least one of each. More of them would prove
# less: a worker that is never alive for long delivers nothing that could be doubled.
RATES = {
    "pool child killed": 0.6,
    "writer killed": 0.8,
    "backends terminated": 0.6,
    "worker killed": 0.06,
    "Redis flushed": 0.05,
    "Redis killed": 0.05,
    "Redis frozen": 0.05,
    "PostgreSQL crashed": 0.03,
}
MOST_BACKENDS = 3
_TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity WHERE usename = 'homeroom_app' ORDER BY random() LIMIT %s) a
"""


def plan(seconds: float, random: Random) -> list[tuple[float, str]]:
    """(after how many seconds, what) in order of time."""
    kinds = [kind for kind, rate in RATES.items() for _ in range(max(1, round(rate * seconds)))]
    return sorted((random.uniform(0, seconds), kind) for kind in kinds)


class Tormentor:
    """`done` counts what was really done, by kind."""

    def __init__(self, fleet: Fleet, postgres: Postgres, redis_server: Redis, seed: int) -> None:
        self._fleet, self._postgres, self._redis = fleet, postgres, redis_server
        self._random = Random(seed)
        self.done: Counter[str] = Counter()
        self._deeds: dict[str, Callable[[], bool]] = {
            "pool child killed": lambda: fleet.kill_pool_child(self._random),
            "writer killed": lambda: fleet.kill_writer(self._random),
            "worker killed": lambda: fleet.kill_worker(self._random),
            "backends terminated": self._terminate_backends,
            "Redis flushed": self._flush_redis,
            "Redis killed": self._kill_redis,
            "Redis frozen": self._freeze_redis,
            "PostgreSQL crashed": self._crash_postgres,
        }

    def run(self, seconds: float) -> None:
        """Be violent for so long. Deeds take their time: those that come too late are left out,
        but for the first of their kind."""
        started = time.monotonic()
        for at, kind in plan(seconds, self._random):
            late = self._wait_until(started + at) > started + seconds
            if late and self.done[kind]:
                continue
            self.done[kind] += self._deeds[kind]()
            self._tell(time.monotonic() - started, seconds)
        self._wait_until(started + seconds)

    def _wait_until(self, moment: float) -> float:
        """Meanwhile what ended by itself is replaced. Returns the time."""
        while True:
            self._fleet.replace_ended()
            now = time.monotonic()
            if now >= moment:
                return now
            time.sleep(min(0.2, moment - now))

    def _tell(self, now: float, seconds: float) -> None:
        if sys.stderr.isatty():
            done = f"{self.done.total()} acts of violence"
            print(f"\r{now:.0f} of {seconds:.0f} s, {done}", end="", file=sys.stderr)

    def _terminate_backends(self) -> bool:
        try:
            with onlooker() as session:
                found = session.execute(_TERMINATE, [self._random.randint(1, MOST_BACKENDS)])
                return bool(found.fetchone()[0])  # type: ignore[index]
        except psycopg.OperationalError:
            return False

    def _flush_redis(self) -> bool:
        try:
            return bool(self._redis.client().flushall())
        except redis.RedisError:
            return False

    def _kill_redis(self) -> bool:
        self._redis.kill(down=self._random.uniform(0, 1.0))
        return True

    def _freeze_redis(self) -> bool:
        self._redis.freeze(self._random.uniform(0.2, 1.5))
        return True

    def _crash_postgres(self) -> bool:
        self._postgres.crash(down=self._random.uniform(0, 0.5))
        return True
