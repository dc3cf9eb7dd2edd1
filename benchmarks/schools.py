"""A database with many schools, made once and kept for all figures of a run that need it.

    with many_schools() as count:
        ...

Django's connection works in it meanwhile. Another count than the run's has a database beside it.
The schools have all tables and no rows, numbers from
1,001 on, and the hosts s1001.testserver and so on; lincoln and sanmartin of the suite are there
too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection
from psycopg import sql

from apps.tenants.services.schemas import spares
from apps.tenants.services.schemas.versions import scripts
from config import testdb
from kernel.owner import owner_session

NAME = "homeroom_bench_schools"
FIRST = 1001
WORKERS = 2
_made: dict[str, int] = {}

_OPEN = """
INSERT INTO tenants_school (id, schema_name, slug, name, status, currency, language, time_zone,
        schema_version, primary_host, tagline, colour, contact_email, contact_phone, address,
        admin_email, created_at, activated_at)
    SELECT id, 't_' || lpad(id::text, 6, '0'), 's' || id, 'School ' || id, 'active', 'USD', 'en',
        'America/Chicago', schema_version, 's' || id || '.testserver', '', '#1f5f8b', '', '', '',
        'head@s' || id || '.example', now(), now()
    FROM tenants_spareschool WHERE id >= 1001;
INSERT INTO tenants_domain (domain, is_primary, tenant_id)
    SELECT 's' || id || '.testserver', true, id FROM tenants_spareschool WHERE id >= 1001;
DELETE FROM tenants_spareschool WHERE id >= 1001;
"""


def wanted() -> int:
    """How many schools the figures are about."""
    return int(os.environ.get("BENCH_SCHOOLS", "1000"))


@contextmanager
def many_schools(count: int | None = None) -> Iterator[int]:
    """Django works in the database of many schools; yields how many there are."""
    before = connection.settings_dict["NAME"]
    number = count or wanted()
    name = NAME if number == wanted() else f"{NAME}_few"
    if _made.get(name) != number:
        _make(name, number)
    _connect(name)
    try:
        yield number
    finally:
        _connect(before)


def drop_schools() -> None:
    """At the end of a run."""
    while _made:
        drop(_made.popitem()[0])


def drop(name: str) -> None:
    with testdb.as_superuser() as session:
        statement = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
        session.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _make(name: str, count: int) -> None:
    testdb.make(name)
    with owner_session() as session:
        query = "SELECT setval(pg_get_serial_sequence('tenants_school', 'id'), %s)"
        session.execute(query, [FIRST - 1])
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, _school in enumerate(pool.map(_make_one, [scripts()] * count), 1):
            if sys.stderr.isatty():
                print(f"\r{done} of {count} schools made", end="", file=sys.stderr)
    with owner_session() as session:
        session.execute(_OPEN.encode())
    # Inside a transaction it would hold a lock on every table of every school.
    with owner_session(autocommit=True) as session:
        session.execute("ANALYZE")
    _made[name] = count


def _make_one(chain: list[object]) -> int:
    with owner_session() as session:
        return spares._make(session, chain)  # type: ignore[arg-type]


def _connect(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
