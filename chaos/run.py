"""One run, from the first event to the last count."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import redis

from chaos.counting import Count, count_school, waiting_in
from chaos.fleet import Fleet
from chaos.report import Report
from chaos.schools import Place, make_schools, onlooker
from chaos.servers import Postgres, Redis
from chaos.torment import RATES, Tormentor

# How long the workers have to deliver what is left, in seconds: the rest counts as lost.
SETTLE_SECONDS, NAIVE_SECONDS = 180, 45


def run(
    servers: tuple[Postgres, Redis], *, logs: Path, seconds: float, schools: int, seed: int
) -> Report:
    """Make the schools, let everything work and die, and count when nothing waits any more."""
    _say(f"Making {schools} schools")
    places = make_schools(schools)
    fleet = Fleet(places=places, logs=logs, seed=seed)
    tormentor = Tormentor(fleet, *servers, seed=seed)
    try:
        left, settling = _fight(fleet, tormentor, places, servers[1], seconds)
    finally:
        fleet.stop()
    return Report(
        seconds=seconds,
        left=left,
        settling=settling,
        schools=schools,
        seed=seed,
        kills={kind: tormentor.done[kind] for kind in RATES},
        restarts=fleet.ended_by_themselves,
        count=_count(places),
    )


def _fight(
    fleet: Fleet, tormentor: Tormentor, places: list[Place], redis_server: Redis, seconds: float
) -> tuple[int, float]:
    """Returns what waited when the violence ended, and for how many seconds more."""
    fleet.start()
    _say(f"{seconds:.0f} s of violence")
    tormentor.run(seconds)
    fleet.stop_writers()
    return _waiting(places), _settle(places, redis_server, fleet)


def _settle(places: list[Place], redis_server: Redis, fleet: Fleet) -> float:
    """Wait until nothing waits; returns how many seconds that took."""
    _say("No more violence; the workers deliver what is left")
    started = time.monotonic()
    _wait_while(SETTLE_SECONDS, lambda: bool(_waiting(places)), fleet)
    settling = time.monotonic() - started
    # The naive way is given its chance, too.
    _wait_while(NAIVE_SECONDS, lambda: _messages(redis_server) > 0, fleet)
    return settling


def _wait_while(seconds: float, busy: Callable[[], bool], fleet: Fleet) -> None:
    until = time.monotonic() + seconds
    while busy() and time.monotonic() < until:
        fleet.replace_ended()
        time.sleep(0.25)


def _waiting(places: list[Place]) -> int:
    with onlooker() as session:
        return sum(waiting_in(session, place.schema_name) for place in places)


def _messages(redis_server: Redis) -> int:
    try:
        return redis_server.waiting_messages()
    except redis.RedisError:
        return 1


def _count(places: list[Place]) -> Count:
    with onlooker() as session:
        return sum((count_school(session, place.schema_name) for place in places), Count())


def _say(text: str) -> None:
    print(f"\n· {text}" if sys.stderr.isatty() else f"· {text}", file=sys.stderr, flush=True)
