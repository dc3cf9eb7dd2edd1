"""The run's schools: spares of the real thing, opened all at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from chaos.events import NAIVE_WAY, OUTBOX_WAY
from chaos.tables import make_streams, make_tables
from kernel.owner import owner_session

STREAMS = 4  # a school, and each way of telling

_OPEN = """
INSERT INTO tenants_school (id, schema_name, slug, name, status, currency, language, time_zone,
        schema_version, primary_host, tagline, colour, contact_email, contact_phone, address,
        admin_email, created_at, activated_at)
    SELECT id, 't_' || lpad(id::text, 6, '0'), 's' || id, 'School ' || id, 'active', 'USD', 'en',
        'America/Chicago', schema_version, 's' || id || '.testserver', '', '#1f5f8b', '', '', '',
        'head@s' || id || '.example', now(), now()
    FROM tenants_spareschool;
DELETE FROM tenants_spareschool;
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A school, and its streams by the way in which their changes are told."""

    schema_name: str
    streams: Mapping[str, tuple[UUID, ...]]


def make_schools(count: int) -> list[Place]:
    """Migrate an empty database and open `count` schools in it. Leaves no connection open."""
    call_command("prepare_database", verbosity=0)
    call_command("migrate_schools", verbosity=0)
    call_command("spare_schools", make=count, verbosity=0)
    with owner_session() as session:
        session.execute(_OPEN)
        query = "SELECT schema_name FROM tenants_school ORDER BY id"
        names = [name for (name,) in session.execute(query).fetchall()]
    places = [_equip(name) for name in names]
    connection.close()
    return places


def _equip(schema_name: str) -> Place:
    with owner_session() as session:
        make_tables(session, schema_name)
        for way in (OUTBOX_WAY, NAIVE_WAY):
            make_streams(session, schema_name, way, STREAMS)
        return Place(schema_name, _streams(session, schema_name))


def _streams(session: psycopg.Connection[Any], schema_name: str) -> dict[str, tuple[UUID, ...]]:
    query = sql.SQL("SELECT way, array_agg(id) FROM {}.chaos_stream GROUP BY way")
    found = session.execute(query.format(sql.Identifier(schema_name))).fetchall()
    return {way: tuple(ids) for way, ids in found}


def onlooker() -> psycopg.Connection[Any]:
    """The superuser's own connection: sees all schools, and is no part of what is watched. A new
    one each time, since the server it leads to may just have died."""
    return psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True, connect_timeout=5)
