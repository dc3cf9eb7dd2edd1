"""Migrations that exist in a test only: files in a package that stands for website's own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from kernel.owner import owner_session

# By its name: tenants stands below website.
real = importlib.import_module("apps.website.migrations")
HEADER = """
from django.db import migrations, models
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently

class Migration(migrations.Migration):
    dependencies = [("website", "{after}")]
    atomic = {atomic}
    operations = [
{operations}
    ]
"""
SHELF = """
        migrations.CreateModel("Shelf", [
            ("id", models.BigAutoField(primary_key=True)),
            ("label", models.CharField(max_length=20)),
        ]),
"""
WriteMigration = Callable[..., str]


@pytest.fixture
def last_migration() -> str:
    """The newest of website's real migrations."""
    names = [path.stem for path in Path(real.__path__[0]).glob("0*.py")]
    return max(names)


@pytest.fixture
def write_migration(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, last_migration: str
) -> Iterator[WriteMigration]:
    """write_migration(name, operations, after=…): one more migration of website, until the test
    ends. Returns its name."""
    package = tmp_path / f"website_{uuid4().hex[:8]}"
    package.mkdir()
    (package / "__init__.py").write_text(f"__path__.append({real.__path__[0]!r})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.MIGRATION_MODULES = {"website": package.name}

    def write(
        name: str, operations: str, *, after: str = last_migration, atomic: bool = True
    ) -> str:
        text = HEADER.format(after=after, operations=operations, atomic=atomic)
        file = package / f"{name}.py"
        file.write_text(text)
        # Compiled code is told from older only by the second and the size.
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
        importlib.invalidate_caches()
        sys.modules.pop(f"{package.name}.{name}", None)
        return name

    yield write
    for module in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[module]


@pytest.fixture
def shelf(write_migration: WriteMigration, last_migration: str) -> str:
    """A migration that makes one more table, website_shelf."""
    return write_migration("9001_shelf", SHELF)


@pytest.fixture
def owner(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """A session as the owner of the tables, committing at once."""
    with owner_session(autocommit=True) as session:
        yield session


@pytest.fixture
def tables(owner: psycopg.Connection[Any]) -> Callable[[str], set[str]]:
    """tables(schema): the tables that it has."""

    def read(schema_name: str) -> set[str]:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
        return {row[0] for row in owner.execute(query, [schema_name]).fetchall()}

    return read


@pytest.fixture
def versions(owner: psycopg.Connection[Any]) -> Callable[[], dict[str, str]]:
    """The noted version of each school and spare."""

    def read() -> dict[str, str]:
        rows = owner.execute(
            "SELECT schema_name, schema_version FROM public.tenants_school UNION ALL"
            " SELECT 't_' || lpad(id::text, 6, '0'), schema_version FROM public.tenants_spareschool"
        ).fetchall()
        return dict(rows)

    return read


@pytest.fixture
def address() -> str:
    """The owner's address of this test's database, for processes of their own."""
    from django.conf import settings

    parts = {**settings.OWNER_DATABASE, "NAME": connection.settings_dict["NAME"]}
    keys = {
        "user": "USER",
        "password": "PASSWORD",
        "host": "HOST",
        "port": "PORT",
        "dbname": "NAME",
    }
    return " ".join(f"{key}='{parts[name]}'" for key, name in keys.items() if parts[name])
