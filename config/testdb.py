"""The suite's database: made once from the migrations, copied for each parallel worker.

Migrating a schema takes seconds, copying a database a fraction of one. The template is named
after the migrations it was made from, so a changed migration makes a new one.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection
from django_tenants.utils import get_tenant_domain_model, get_tenant_model
from psycopg import sql

from config import embedded

SCHOOLS: list[dict[str, Any]] = [
    {
        "id": 1,
        "slug": "lincoln",
        "name": "Lincoln Elementary",
        "currency": "USD",
        "language": "en",
        "time_zone": "America/Chicago",
    },
    {
        "id": 2,
        "slug": "sanmartin",
        "name": "Colegio San Martín",
        "currency": "EUR",
        "language": "es",
        "time_zone": "Europe/Madrid",
    },
]
PREFIX = "test_template_"


def make(name: str) -> None:
    """Create the database `name` as a fresh copy of the template and connect Django to it."""
    with _lock():
        template = PREFIX + _fingerprint()
        if not _exists(template):
            _drop_templates()
            _build(template)
        _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        _admin("CREATE DATABASE {} TEMPLATE {}", name, template)
    _connect_to(name)


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    digest = hashlib.sha256(repr(SCHOOLS).encode())
    for path in sorted((embedded.ROOT / "apps").glob("*/migrations/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _build(template: str) -> None:
    unfinished = template + "_new"
    _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", unfinished)
    _admin("CREATE DATABASE {}", unfinished)
    _connect_to(unfinished)
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    for school in SCHOOLS:
        _make_school(school)
    connection.close()
    _admin("ALTER DATABASE {} RENAME TO {}", unfinished, template)


def _make_school(values: dict[str, Any]) -> None:
    schema_name = f"t_{values['id']:06d}"
    school = get_tenant_model().objects.create(
        **values, schema_name=schema_name, status="active", admin_email="admin@testserver"
    )
    host = f"{values['slug']}.testserver"
    get_tenant_domain_model().objects.create(domain=host, tenant=school, is_primary=True)
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{schema_name}"')
        cursor.execute("SELECT setval(pg_get_serial_sequence('tenants_school', 'id'), 100)")
    call_command(
        "migrate_schemas", schema_name=schema_name, tenant=True, interactive=False, verbosity=0
    )


def _connect_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _drop_templates() -> None:
    with _postgres() as database:
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
        names = [row[0] for row in database.execute(query, [PREFIX + "%"]).fetchall()]
    for name in names:
        _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _exists(name: str) -> bool:
    with _postgres() as database:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return database.execute(query, [name]).fetchone() is not None


def _admin(statement: str, *names: str) -> None:
    with _postgres() as database:
        database.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _postgres() -> psycopg.Connection:
    parts = connection.settings_dict
    known = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    params = {libpq: parts[django] for libpq, django in known.items() if parts[django]}
    return psycopg.connect(**params, dbname="postgres", autocommit=True)


@contextmanager
def _lock() -> Iterator[None]:
    path = Path(embedded.data_dir()) / "testdb.lock"
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
