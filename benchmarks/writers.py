"""Several processes that write at once. Needs nothing but the standard library: the peers' own
environment runs it too."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

FORK = multiprocessing.get_context("fork")
PROCESSES = 8
WARM_UPS = 20
Work = Callable[[], object]


def rate(make: Callable[[int], Work], *, seconds: float, processes: int = PROCESSES) -> float:
    """Units of work a second, of all processes together. Each calls `make` with its number and
    then, when all are ready, what that returned until the time is up.

    Raises RuntimeError when one of them fails.
    """
    barrier = FORK.Barrier(processes)
    started = [_start(make, number, barrier, seconds) for number in range(processes)]
    try:
        return sum(_rate_of(receiver) for _, receiver in started)
    finally:
        for process, _ in started:
            process.join(5)
            process.kill()


def _start(make: Callable[[int], Work], number: int, barrier: Any, seconds: float) -> Any:
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_write, args=(make, number, barrier, seconds, sender))
    process.start()
    # Else the end of a process that failed would not show as the end of its pipe.
    sender.close()
    return process, receiver


def _write(
    make: Callable[[int], Work], number: int, barrier: Any, seconds: float, sender: Any
) -> None:
    try:
        work = make(number)
        for _ in range(WARM_UPS):
            work()
    except BaseException:
        barrier.abort()  # the others would wait for one that never comes
        raise
    barrier.wait(30)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        work()
        done += 1
    sender.send(done / (time.perf_counter() - started))


def _rate_of(receiver: Any) -> float:
    try:
        return float(receiver.recv())
    except EOFError:
        raise RuntimeError("a writer failed; its error is above") from None
