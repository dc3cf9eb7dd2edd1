"""The run's own tables in a school: streams, what was really committed, and what it led to."""

from typing import Any

import psycopg
from psycopg import sql

# chaos_effect is filled in the order in which consumers work; nothing in it is unique but its id.
_TABLES = """
CREATE TABLE {school}.chaos_stream (
    id uuid PRIMARY KEY, way text NOT NULL, number integer NOT NULL DEFAULT 0);
CREATE TABLE {school}.chaos_written (
    event_id uuid PRIMARY KEY, stream_id uuid NOT NULL, number integer NOT NULL,
    way text NOT NULL, poison boolean NOT NULL);
CREATE TABLE {school}.chaos_effect (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, consumer text NOT NULL,
    event_id uuid NOT NULL, stream_id uuid NOT NULL, number integer NOT NULL);
"""
_STREAM = (
    "INSERT INTO {school}.chaos_stream (id, way) SELECT uuidv7(), %s FROM generate_series(1, %s)"
)


def make_tables(session: psycopg.Connection[Any], schema_name: str) -> None:
    """In the owner's transaction; the school's role may write what the owner makes there."""
    session.execute(sql.SQL(_TABLES).format(school=sql.Identifier(schema_name)))


def make_streams(session: psycopg.Connection[Any], schema_name: str, way: str, count: int) -> None:
    """`count` streams whose changes are told this way."""
    statement = sql.SQL(_STREAM).format(school=sql.Identifier(schema_name))
    session.execute(statement, [way, count])
