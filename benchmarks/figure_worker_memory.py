"""Memory that a worker holds while it serves many schools, one after another.

Two kinds of work: a request that reads one table of the school, and one that reads every table
(the worst there is). After each, what happens between two requests: the backend's
`close_if_unusable_or_obsolete()`. Ours closes a connection that has seen SCHOOLS_PER_CONNECTION
schools, stock never does; CONN_MAX_AGE is off on both sides, so that nothing else closes one.

Each runs in a forked process of its own, as gunicorn's and Celery's workers do. Measured after
every request: the memory of the server's process for this connection (PSS without shared memory,
which is the server's and not the connection's), and RSS of the Python process. The curve is
printed and saved as memory_curve.json.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models
from django_tenants.postgresql_backend.base import DatabaseWrapper as StockBackend

from apps.students.models import Student
from benchmarks.backends import apps_own, as_default, owners
from benchmarks.harness import Result, judge, keep_curve
from benchmarks.schools import FIRST, many_schools
from kernel.schools import in_school

# The set figures, MB a connection, at the default of SCHOOLS_PER_CONNECTION.
AT_MOST = {"one table": 30, "every table": 300}
# Beside stock, of what the bound could give: a connection that has read nothing has its 2 MB too.
SHARE_OF_BOUND = {"one table": 0.25, "every table": 0.5}
POINTS, BAR = 20, 40
FORK = multiprocessing.get_context("fork")
Model = type[models.Model]


@dataclass
class Curve:
    """MB, at each of some numbers of schools served; the peak is of all requests."""

    schools: list[int] = field(default_factory=list)
    backend: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    backend_peak: float = 0
    connections: int = 0


def memory(pid: int | str, *, shared: bool = True) -> float:
    """MB that a process holds: RSS, or its own alone, what it shares left out."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError as error:
        why = "The memory of PostgreSQL's processes is read in /proc: Linux, server on this machine"
        raise RuntimeError(why) from error
    sizes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    size = sizes["Rss"] if shared else sizes["Pss"] - sizes["Pss_Shmem"]
    return round(size / 1024, 1)


def serve(backend: Any, names: list[str], tables: list[Model]) -> Curve:
    curve, pids = Curve(), set()
    every = max(1, len(names) // POINTS)
    with as_default(backend):
        for served, name in enumerate(names, 1):
            backend.set_schema(name)
            for table in tables:
                list(table._base_manager.using("default")[:1])
            pid = backend.connection.info.backend_pid
            pids.add(pid)
            held = memory(pid, shared=False)
            curve.backend_peak = max(curve.backend_peak, held)
            if served % every == 0:
                curve.schools.append(served)
                curve.backend.append(held)
                curve.python.append(memory("self"))
            backend.close_if_unusable_or_obsolete()
    backend.close()
    curve.connections = len(pids)
    return curve


def in_a_worker(work: Callable[[], Curve]) -> Curve:
    receiver, sender = FORK.Pipe(duplex=False)
    worker = FORK.Process(target=lambda: sender.send(work()))
    worker.start()
    sender.close()
    try:
        curve: Curve = receiver.recv()
    except EOFError:
        raise RuntimeError("the measured worker failed; its error is above") from None
    finally:
        worker.join()
    return curve


def tables_of_a_school() -> list[Model]:
    with in_school(f"t_{FIRST:06d}"):
        there = set(connections["default"].introspection.table_names())
    found = apps.get_models(include_auto_created=True)
    return [each for each in found if each._meta.db_table in there and not each._meta.proxy]


def measure() -> list[Result]:
    ours = type(connections["default"])
    with many_schools() as count:
        names = [f"t_{number:06d}" for number in range(FIRST, FIRST + count)]
        loads: dict[str, list[Model]] = {
            "one table": [Student],
            "every table": tables_of_a_school(),
        }
        connections.close_all()
        pairs = {
            load: _both(apps_own(ours, CONN_MAX_AGE=None), names, tables)
            for load, tables in loads.items()
        }
    for load, (mine, stock) in pairs.items():
        _print(f"{load} of each school ({len(loads[load])})", mine, stock)
    _keep(pairs)
    results = [result for load in pairs for result in _results(load, count, *pairs[load])]
    return [*results, _python_process(count, pairs["every table"][0])]


def _both(ours: Any, names: list[str], tables: list[Model]) -> tuple[Curve, Curve]:
    stock = owners(StockBackend, CONN_MAX_AGE=None)
    return (
        in_a_worker(lambda: serve(ours, names, tables)),
        in_a_worker(lambda: serve(stock, names, tables)),
    )


def _print(title: str, ours: Curve, stock: Curve) -> None:
    unit = max(ours.backend_peak, stock.backend_peak) / BAR
    print(f"  {title}; # ours, - stock; MB of the connection, then of the Python process")
    for served, mine, theirs, python, stock_python in zip(
        ours.schools, ours.backend, stock.backend, ours.python, stock.python, strict=True
    ):
        bar = "#" * round(mine / unit)
        bar += "-" * (round(theirs / unit) - len(bar))
        numbers = f"{mine:7.1f} {theirs:7.1f}  {python:6.1f} {stock_python:6.1f}"
        print(f"  {served:6,} {numbers}  {bar}")
    print(f"  peak   {ours.backend_peak:7.1f} {stock.backend_peak:7.1f}", flush=True)


def _keep(pairs: dict[str, tuple[Curve, Curve]]) -> None:
    curves = {
        load: {"ours": vars(ours), "stock django-tenants": vars(stock)}
        for load, (ours, stock) in pairs.items()
    }
    bound = settings.SCHOOLS_PER_CONNECTION
    keep_curve("memory_curve", {"unit": "MB", "schools_per_connection": bound, **curves})


def _results(load: str, count: int, ours: Curve, stock: Curve) -> list[Result]:
    title = f"peak memory of a connection, {load} of {count:,} schools"
    bound = max(1.0, count / settings.SCHOOLS_PER_CONNECTION)
    return [
        _one(title, ours.backend_peak, AT_MOST[load], "the set figure", goal=1),
        _one(
            f"{title}, beside stock",
            ours.backend_peak,
            stock.backend_peak,
            "stock django-tenants",
            goal=max(0.8, bound * SHARE_OF_BOUND[load]),
        ),
    ]


def _python_process(count: int, ours: Curve) -> Result:
    """It must not grow with the schools served."""
    title = f"peak memory of the Python process, every table of {count:,} schools"
    first = f"the same after {ours.schools[0]:,} schools"
    return _one(title, max(ours.python), ours.python[0], first, goal=0.8)


def _one(title: str, measured: float, beside: float, peer_name: str, *, goal: float) -> Result:
    return judge(
        title, ours=[measured], peer=[beside], peer_name=peer_name, unit="MB", goal=round(goal, 2)
    )
