"""What the apps say about backups: checks of their books, and what to do after a restore.

An app registers both in its restoring.py. `books` are run while a backup is taken, on the very
data that it holds, and again on what was restored: the numbers must be the same. `after_restore`
is run inside the restored school before anybody can open it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.db import DatabaseError, transaction

from apps.tenants.contracts import BookReport, RestoreContext

BookCheck = Callable[[], BookReport]
Restorer = Callable[[RestoreContext], None]

_books: dict[str, BookCheck] = {}
_restorers: list[Restorer] = []


def books(name: str) -> Callable[[BookCheck], BookCheck]:
    """Register a check of an app's books, run inside a school. `name` is unique.

    The report's totals must be the same before and after; its problems are told, and a restore
    fails when there are more of them than when the backup was taken.
    """

    def register(check: BookCheck) -> BookCheck:
        _books[name] = check
        return check

    return register


def after_restore(restorer: Restorer) -> Restorer:
    """Register what an app does in a restored school before it opens, lowest app first.

    Everything is rolled back and the restore fails when one raises.
    """
    _restorers.append(restorer)
    return restorer


def all_books() -> dict[str, BookReport]:
    """Every check's report about the open school."""
    return {name: check() for name, check in sorted(_books.items())}


def books_as_far_as_possible() -> dict[str, BookReport]:
    """The same, where a check may fail: a school that is behind has not yet the columns that
    this code asks for, and must be backed up all the same. Inside a transaction."""
    reports = {}
    for name, check in sorted(_books.items()):
        try:
            with transaction.atomic():
                reports[name] = check()
        except DatabaseError as error:
            problem = str(error).strip().split("\n")[0]
            reports[name] = BookReport(totals={}, problems=(problem,))
    return reports


def restorers_in_order() -> Sequence[Restorer]:
    """All registered functions, lowest app first."""
    order = {config.name: place for place, config in enumerate(apps.get_app_configs())}
    return sorted(_restorers, key=lambda function: _place(function, order))


def _place(function: Any, order: dict[str, int]) -> int:
    owners = [at for name, at in order.items() if function.__module__.startswith(f"{name}.")]
    return max(owners, default=len(order))
