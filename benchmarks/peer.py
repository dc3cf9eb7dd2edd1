"""Peers that the product does not need: a database and an environment of their own.

`make bench` installs requirements/bench.txt beside the developer's environment; BENCH_PEERS names
another place. Each peer is a script of benchmarks/peers that prints one number.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.harness import Skipped
from config import testdb
from config.embedded import ROOT

DATABASE = "homeroom_bench_peers"
PLACE = Path(os.environ.get("BENCH_PEERS", Path(sys.prefix) / "peers"))
PYTHON = PLACE / "bin" / "python"
SECONDS = 120
TABLES = """
CREATE TABLE receipt (event_id uuid, consumer text, handled_at timestamptz DEFAULT now(),
    PRIMARY KEY (event_id, consumer));
CREATE TABLE bench_effect (event_id uuid UNIQUE);
CREATE TABLE bench_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL, number bigint NOT NULL);
"""


@contextmanager
def database() -> Iterator[str]:
    """A fresh database with tables for receipts and effects; yields how to reach it."""
    owner: Any = settings.OWNER_DATABASE
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))
    make = sql.SQL("CREATE DATABASE {} OWNER {}").format(
        sql.Identifier(DATABASE), sql.Identifier(owner["USER"])
    )
    address = make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname=DATABASE)
    with testdb.as_superuser() as session:
        session.execute(drop)
        session.execute(make)
    try:
        execute(address, TABLES)
        yield address
    finally:
        with testdb.as_superuser() as session:
            session.execute(drop)


def session(address: str) -> psycopg.Connection[Any]:
    """One that commits by itself."""
    return psycopg.connect(address, autocommit=True)


def execute(address: str, statement: str) -> None:
    with session(address) as opened:
        opened.execute(statement.encode())


def effects(opened: psycopg.Connection[Any]) -> int:
    """How many effects are committed."""
    row = opened.execute("SELECT count(*) FROM bench_effect").fetchone()
    return int(row[0]) if row else 0


def check() -> None:
    """Raises Skipped when the peers' environment is not there."""
    if not PYTHON.exists():
        raise Skipped(f"its peer is not installed in {PLACE}: `make bench` does that, with network")


def eventsourcing(database: str) -> dict[str, str]:
    """The variables by which the eventsourcing library finds a database."""
    parts = conninfo_to_dict(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts.get("host", "")),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts.get("user", "")),
        "POSTGRES_PASSWORD": str(parts.get("password") or "none"),
    }


def number_of(script: str, *arguments: str, env: Mapping[str, str] | None = None) -> float:
    """What benchmarks/peers/<script>.py prints when the peers' own Python runs it.

    Raises RuntimeError when it fails.
    """
    done = subprocess.run(
        [str(PYTHON), "-m", f"benchmarks.peers.{script}", *arguments],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"the peer {script} failed:\n{done.stderr[-4000:]}")
    return float(done.stdout.split()[-1])
