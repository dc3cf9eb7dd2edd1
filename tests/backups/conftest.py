"""Backups into a folder of the test's own; a small school with books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import TransactionTestCase

from apps.tenants.services.backup.sources import Source, of_row
from apps.tenants.services.backup.tables import tables_of
from apps.tenants.services.backup.take import take_backup
from kernel.owner import owner_session
from tests.backups.ground import Ground

LINCOLN = "t_000001"


@pytest.fixture(scope="package", autouse=True)
def ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """The database of these tests, put back after each of them; see there."""
    ordinary, shared = TransactionTestCase._fixture_teardown, Ground()
    with django_db_blocker.unblock():
        shared.begin()
    TransactionTestCase._fixture_teardown = lambda self: shared.put_back()
    yield shared
    TransactionTestCase._fixture_teardown = ordinary
    with django_db_blocker.unblock():
        shared.end()


@pytest.fixture
def shelf(tmp_path: Path, settings: Any) -> Path:
    """An empty folder for backups, and one for the schools' files."""
    folder = tmp_path / "backups"
    files = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "backups": {"BACKEND": files, "OPTIONS": {"location": str(folder)}},
        "media": {"BACKEND": files, "OPTIONS": {"location": str(tmp_path / "media")}},
    }
    settings.BACKUP_ENCRYPTION_KEY = ""
    return folder


@pytest.fixture
def back_up(committed_school: Any, shelf: Path) -> Callable[[], Source]:
    """Take a backup of Lincoln, committed data and all."""

    def run() -> Source:
        return of_row(take_backup(school_id=1, actor="operator@example.org"))

    return run


@pytest.fixture
def lively(
    committed_school: Any, shelf: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Lincoln with staff, families, fees, payments, refunds and a public site: made once for all
    tests that leave it as it was."""
    if ground.is_lively:
        return committed_school
    from config import demo

    monkeypatch.setattr(demo, "STUDENTS", 24)
    monkeypatch.setattr(demo, "FAMILIES", 15)
    for _title, load in demo._parts(seed=1):
        load()
    ground.begin(lively=True)
    return committed_school


@pytest.fixture
def damage() -> Callable[[str], None]:
    """Run SQL in Lincoln as the owner, past its triggers: what an accident would do."""

    def run(statement: str) -> None:
        with owner_session() as session:
            session.execute(f"SET LOCAL search_path = {LINCOLN}")
            for table in tables_of(session, LINCOLN):
                session.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
            session.execute(statement.encode())

    return run


def count(table: str, schema: str = LINCOLN) -> int:
    """Rows, as the owner sees them."""
    with owner_session() as session:
        row = session.execute(f"SELECT count(*) FROM {schema}.{table}").fetchone()
        return int(row[0]) if row else 0


def all_counts(schema: str = LINCOLN) -> dict[str, int]:
    """Rows of every table of the school."""
    with owner_session() as session:
        return {table.name: count(table.name, schema) for table in tables_of(session, schema)}


def schemas() -> set[str]:
    """Every schema of the database but PostgreSQL's own."""
    with owner_session() as session:
        rows = session.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")
        return {name for (name,) in rows.fetchall()}


def roles() -> set[str]:
    """Every role of the cluster."""
    with owner_session() as session:
        return {name for (name,) in session.execute("SELECT rolname FROM pg_roles").fetchall()}
