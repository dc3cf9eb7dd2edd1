"""A warm query: open another school and read one row of it, with many schools and with ten.

Each connection first reads this table in every school, then goes through the schools in random
order, never twice the same in a row. So the connections are not recycled here: one that may keep
SCHOOLS_PER_CONNECTION schools is cold in most of a thousand that come in random order. What a
query costs then, new connections included, is printed beside. A round is the median of its
queries; databases and backends take turns.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections
from django_tenants.postgresql_backend.base import DatabaseWrapper as StockBackend

from apps.students.models import Student
from apps.tenants.models import School
from benchmarks.backends import apps_own, as_default, owners
from benchmarks.harness import Result, judge, seconds
from benchmarks.schools import FIRST, many_schools
from kernel.ids import uuid7
from kernel.schools import in_public

FEW, AT_MOST = 10, 1.25
QUERIES, ROUNDS = 200, 25
# Beside stock, which has no roles and lets the client put the values into the statement.
STOCK_GOAL = 0.8
_nobody = uuid7()


@dataclass
class Warm:
    """A connection that has read every school of its database."""

    backend: Any
    schools: list[Any]

    def __post_init__(self) -> None:
        with as_default(self.backend):
            for school in self.schools:
                self.query(school)

    def query(self, school: Any) -> None:
        self.backend.set_tenant(school)
        Student.objects.using("default").filter(pk=_nobody).first()

    def one_round(self) -> float:
        """Microseconds a query, the median."""
        chosen = in_random_order(self.schools, QUERIES)
        with as_default(self.backend):
            return statistics.median(timed(self.query, school) for school in chosen) * 1e6


def timed(work: Callable[[Any], None], school: Any) -> float:
    started = time.perf_counter()
    work(school)
    return time.perf_counter() - started


def in_random_order(schools: list[Any], count: int) -> list[Any]:
    chosen: list[Any] = random.sample(schools, 1)
    while len(chosen) <= count:
        school = random.choice(schools)
        if school is not chosen[-1]:
            chosen.append(school)
    return chosen[1:]


def the_schools() -> list[Any]:
    with in_public():
        return list(School.objects.filter(id__gte=FIRST).order_by("id"))


def measure() -> list[Result]:
    ours = type(connections["default"])
    with many_schools(FEW):
        few = the_schools()[:FEW]
        sides = [Warm(apps_own(ours), few), Warm(owners(StockBackend), few)]
    with many_schools() as count:
        many = the_schools()[:count]
        sides += [Warm(apps_own(ours), many), Warm(owners(StockBackend), many)]
        rounds = [[side.one_round() for side in sides] for _ in range(ROUNDS + 1)][1:]
        _say_what_recycling_costs(apps_own(ours), many)
    for side in sides:
        side.backend.close()
    return _results(count, [list(side) for side in zip(*rounds, strict=True)])


def _say_what_recycling_costs(backend: Any, schools: list[Any]) -> None:
    """As between requests in production; a mean, since the few dear queries are the point."""
    cold = Warm(backend, [])
    chosen = in_random_order(schools, 2 * len(schools))

    def serve() -> None:
        for school in chosen:
            cold.query(school)
            backend.close_if_unusable_or_obsolete()

    with as_default(backend):
        each = seconds(serve) / len(chosen) * 1e6
    backend.close()
    print(
        f"  in {len(schools):,} schools with connections recycled after"
        f" {settings.SCHOOLS_PER_CONNECTION} of them, cold ones included: {each:.0f} µs a query"
    )


def _results(count: int, rounds: list[list[float]]) -> list[Result]:
    few, stock_few, many, stock_many = rounds
    title = "warm query after a switch"
    grown = statistics.median(stock_many) / statistics.median(stock_few)
    print(f"  stock from {FEW} to {count:,} schools: {grown:.2f} times the time")
    return [
        judge(
            f"{title}, {count:,} schools",
            ours=many,
            peer=few,
            peer_name=f"the same in {FEW} schools",
            unit="µs",
            goal=round(1 / AT_MOST, 2),
        ),
        judge(
            f"{title}, {count:,} schools, beside stock",
            ours=many,
            peer=stock_many,
            peer_name="stock django-tenants, without roles",
            unit="µs",
            goal=STOCK_GOAL,
        ),
    ]
