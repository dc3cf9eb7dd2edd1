"""Hears everything that is logged, at every level, by everybody; and reads every table."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from config import logs

PLAIN = logging.Formatter("%(name)s %(levelname)s %(message)s")


class Ear(logging.Handler):
    """Keeps each record as a plain handler would write it, and with all that hangs on it."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records: list[logging.LogRecord] = []
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.texts.append(f"{PLAIN.format(record)} {record.args!r} {vars(record)!r}")

    def loggers(self) -> set[str]:
        return {record.name for record in self.records}


@contextmanager
def listening() -> Iterator[Ear]:
    """Root and every known logger at DEBUG, as an operator who looks for a fault would set it."""
    root, ear = logging.getLogger(), Ear()
    known = [
        logger
        for logger in logging.root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger)
    ]
    before = [(logger, logger.level, logger.disabled) for logger in (root, *known)]
    for logger, _level, _disabled in before:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    root.addHandler(ear)
    shows_sql, connection.force_debug_cursor = connection.force_debug_cursor, True
    try:
        yield ear
    finally:
        connection.force_debug_cursor = shows_sql
        root.removeHandler(ear)
        for logger, level, disabled in before:
            logger.setLevel(level)
            logger.disabled = disabled


def as_written(ear: Ear) -> str:
    """The records as the lines of our own configuration."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET}
    logs.configure({})
    [ours], root.handlers = root.handlers, before
    root.setLevel(level)
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)
    # Statements are not logged where we run; they hold the values of all columns.
    told = [record for record in ear.records if record.name != "django.db.backends"]
    return "\n".join(ours.format(record) for record in told)


def everything_stored() -> dict[str, str]:
    """Table -> every row of it as text, in the open school."""
    found: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT string_agg(whole::text, E'\\n') FROM \"{table}\" AS whole")
            found[table] = cursor.fetchone()[0] or ""
    return found


def holding(texts: dict[str, str], secret: str) -> list[str]:
    """Names of the texts that hold the secret."""
    return [name for name, text in texts.items() if secret in text]
