"""Retention: what goes by itself once nobody needs it any more, in small batches.

Each app registers its rules in privacy.py. A rule names rows by a query; what happens to a batch
of them is deletion unless the rule brings its own function.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from apps.tenants.services.privacy.registry import place_of
from kernel.errors import Invalid

BATCH = 500
MOST_A_RUN = 50_000
SECONDS_A_RUN = 120.0

Batch = list[Any]
Rows = Callable[[datetime], QuerySet[Any]]
Work = Callable[[Batch], int]
# None: off. A function is asked in the open school, for what the school itself has set.
Period = int | None | Callable[[], int | None]
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`rows(cutoff)` gives what is due; `work(keys)` deals with a batch and says how many it
    changed. RETENTION_DAYS of the installation goes before `keep_days`. `owner`: needs the owner of
    the tables, so only the keeper and operators' commands run it."""

    name: str
    title: str | Promise
    why: str | Promise
    keep_days: Period
    rows: Rows
    work: Work | None
    owner: bool

    @property
    def period(self) -> int | None:
        """Days in the open school, from RETENTION_DAYS or the rule; None when it is off."""
        if self.name in settings.RETENTION_DAYS:
            chosen: int | None = settings.RETENTION_DAYS[self.name]
            return chosen
        return self.keep_days() if callable(self.keep_days) else self.keep_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """What one rule did or, in a dry run, would do. `left`: due, but not dealt with this time."""

    rule: str
    title: str
    why: str
    keep_days: int | None
    due: int
    done: int
    left: int


_rules: list[Rule] = []


def retention_rule(
    name: str,
    *,
    title: str | Promise,
    why: str | Promise,
    keep_days: Period,
    work: Work | None = None,
    owner: bool = False,
) -> Callable[[Rows], Rows]:
    """Register a function of an app's privacy.py: `rows(cutoff)` is a query of what may go, where
    `cutoff` is now less `keep_days` (UTC). It runs inside the school."""

    def register(rows: Rows) -> Rows:
        _rules.append(Rule(name, title, why, keep_days, rows, work, owner))
        return rows

    return register


def rules() -> list[Rule]:
    """All rules, lowest app first."""
    return sorted(_rules, key=lambda rule: place_of(rule.rows.__module__))


def retire(
    *,
    dry_run: bool = False,
    owner: bool | None = None,
    only: str = "",
    progress: Progress | None = None,
) -> list[Retired]:
    """Run the rules in the open school; with `owner` only those (not) of the owner.

    Bounded: at most 50,000 rows and two minutes a rule, in transactions of 500 rows. Raises
    Invalid for an unknown rule.
    """
    if only and only not in {rule.name for rule in _rules}:
        raise Invalid(f"There is no retention rule {only}")
    chosen = [rule for rule in rules() if owner is None or rule.owner == owner]
    return [_run(rule, dry_run, progress) for rule in chosen if only in ("", rule.name)]


def _run(rule: Rule, dry_run: bool, progress: Progress | None) -> Retired:
    days = rule.period
    due = done = 0
    if days is not None:
        rows = rule.rows(timezone.now() - timedelta(days=days))
        due = rows.order_by().count()
        done = 0 if dry_run or not due else _work_off(rule, rows, progress)
    return Retired(
        rule=rule.name,
        title=str(rule.title),
        why=str(rule.why),
        keep_days=days,
        due=due,
        done=done,
        left=max(due - done, 0),
    )


def _work_off(rule: Rule, rows: QuerySet[Any], progress: Progress | None) -> int:
    done = 0
    for keys in _batches(rows):
        with transaction.atomic():
            done += rule.work(keys) if rule.work else _delete(rows.model, keys)
        if progress:
            progress(rule.name, len(keys))
    return done


def _batches(rows: QuerySet[Any]) -> Iterator[Batch]:
    """Keys by the primary key's order. Each batch starts after the last one, so rows that a rule
    leaves alone are not met twice."""
    deadline, taken, last = time.monotonic() + SECONDS_A_RUN, 0, None
    while taken < MOST_A_RUN and time.monotonic() < deadline:
        rest = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        keys = list(rest.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return
        last, taken = keys[-1], taken + len(keys)
        yield keys


def _delete(model: Any, keys: Iterable[Any]) -> int:
    gone = model._base_manager.filter(pk__in=list(keys)).delete()
    return int(gone[1].get(model._meta.label, 0))
