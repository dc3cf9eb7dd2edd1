"""The suite's database: made once from the migrations, copied for each parallel worker.

Migrating a schema takes seconds, copying a database a fraction of one. The template is named
after the migrations it was made from, so a changed migration makes a new one.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django_tenants.utils import get_tenant_domain_model, get_tenant_model
from psycopg import sql

from config import embedded
from kernel.owner import owner_session
from kernel.prepare import close_database, prepare_database

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
# By files: twice as fast as block by block through the log, which nobody here reads.
COPY = "CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY"


def make(name: str) -> None:
    """Create the database `name` as a fresh copy of the template and connect Django to it."""
    with making_none():
        template = PREFIX + _fingerprint()
        if not _exists(template):
            _drop_templates()
            _build(template)
        _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        _admin(COPY, name, template, _owner())
    _connect_to(name)
    with owner_session() as session:
        close_database(session)


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    digest = hashlib.sha256(repr(SCHOOLS).encode())
    for path in sorted((embedded.ROOT / "apps").glob("*/migrations/*.py")):
        digest.update(path.read_bytes())
    for name in ("roles", "prepare", "hardening"):
        digest.update((embedded.ROOT / "kernel" / f"{name}.py").read_bytes())
    for name in ("recording", "replay", "condensing", "template", "spares"):
        path = embedded.ROOT / "apps/tenants/services/schemas" / f"{name}.py"
        digest.update(path.read_bytes())
    digest.update(_owner().encode())
    return digest.hexdigest()[:16]


def _build(template: str) -> None:
    unfinished = template + "_new"
    _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", unfinished)
    _admin("CREATE DATABASE {} OWNER {}", unfinished, _owner())
    _connect_to(unfinished)
    call_command("migrate_schools", verbosity=0)
    prepare_database()
    call_command("spare_schools", make=len(SCHOOLS), verbosity=0)
    for school in SCHOOLS:
        _make_school(school)
    with owner_session() as session:
        session.execute("SELECT setval(pg_get_serial_sequence('tenants_school', 'id'), 100)")
        session.execute("DELETE FROM tenants_operatoraction")  # of making this database
    call_command("spare_schools", make=settings.SPARE_SCHOOLS, verbosity=0)
    connection.close()
    _admin("ALTER DATABASE {} RENAME TO {}", unfinished, template)


def _make_school(values: dict[str, Any]) -> None:
    """The first spares have the numbers of the suite's schools."""
    spare = apps.get_model("tenants", "SpareSchool").objects.get(pk=values["id"])
    school = get_tenant_model().objects.create(
        **values,
        schema_name=f"t_{values['id']:06d}",
        schema_version=spare.schema_version,
        status="active",
        admin_email="admin@testserver",
    )
    spare.delete()
    host = f"{values['slug']}.testserver"
    get_tenant_domain_model().objects.create(domain=host, tenant=school, is_primary=True)


def _connect_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _drop_templates() -> None:
    with as_superuser() as database:
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
        names = [row[0] for row in database.execute(query, [PREFIX + "%"]).fetchall()]
    for name in names:
        _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _exists(name: str) -> bool:
    with as_superuser() as database:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return database.execute(query, [name]).fetchone() is not None


def _admin(statement: str, *names: str) -> None:
    with as_superuser() as database:
        database.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def as_superuser() -> psycopg.Connection:
    """Whoever may make databases: the superuser where the server is ours, else the owner."""
    url = settings.DATABASE_ADMIN_URL or os.environ["DATABASE_OWNER_URL"]
    return psycopg.connect(url, dbname="postgres", autocommit=True)


def _owner() -> str:
    parts: Any = settings.OWNER_DATABASE
    return str(parts["USER"])


@contextmanager
def making_none() -> Iterator[None]:
    """While the block runs, no process of the suite makes a database."""
    path = Path(embedded.data_dir()) / "testdb.lock"
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
