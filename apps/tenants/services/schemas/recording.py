"""Writing down the SQL of a migration while Django runs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import router
from django.db.migrations import Migration, RunPython
from django.db.migrations.operations.base import Operation

from kernel.schools import connection

# What a migration may send past the schema editor without becoming unrepeatable: questions, and
# the transaction's own statements. django_migrations is written by the replay itself.
_HARMLESS = re.compile(
    r"\s*(SELECT|SHOW|SET|SAVEPOINT|RELEASE|ROLLBACK TO)\b"
    r'|\s*(INSERT INTO|DELETE FROM) "django_migrations"',
    re.IGNORECASE,
)


@dataclass(slots=True)
class Tape:
    """The statements of one migration as PostgreSQL saw them, parameters put in."""

    statements: list[str] = field(default_factory=list)
    # What did not come through the schema editor, so that repeating it elsewhere is not safe.
    strays: list[str] = field(default_factory=list)
    _inside: int = 0

    @property
    def sql(self) -> str:
        """One script. The semicolon stands on its own line: a statement may end in a comment."""
        return "".join(f"{statement.strip()}\n;\n" for statement in self.statements)

    def watch(self, execute: Callable[..., Any], sql: Any, *args: Any) -> Any:
        """For connection.execute_wrapper."""
        if not self._inside and not _HARMLESS.match(str(sql)):
            self.strays.append(str(sql))
        return execute(sql, *args)


@contextmanager
def recording() -> Iterator[Tape]:
    """Everything that schema editors of Django's connection execute goes onto the tape."""
    tape = Tape()
    before = connection.SchemaEditorClass
    connection.SchemaEditorClass = _editor(before, tape)
    try:
        with connection.execute_wrapper(tape.watch):
            yield tape
    finally:
        connection.SchemaEditorClass = before


def _editor(base: type, tape: Tape) -> type:
    class RecordingEditor(base):  # type: ignore[misc]
        def execute(self, sql: Any, params: Any = ()) -> Any:
            # Merged as Django does, since PostgreSQL takes no parameters in DDL.
            text = str(sql)
            merged = text if params is None else connection.ops.compose_sql(text, params)
            tape.statements.append(merged)
            tape._inside += 1
            try:
                return super().execute(merged, None)
            finally:
                tape._inside -= 1

    return RecordingEditor


def can_be_replayed(
    migration: Migration, tape: Tape, template: str, *, backwards: bool = False
) -> bool:
    """Whether the statements alone, in one transaction, do in another school what this did."""
    if any(_runs_python(op, migration.app_label, backwards) for op in migration.operations):
        return False
    if tape.strays or template in tape.sql:
        return False
    return migration.atomic or not tape.statements


def _runs_python(operation: Operation, app_label: str, backwards: bool) -> bool:
    inner = getattr(operation, "database_operations", ())
    if any(_runs_python(each, app_label, backwards) for each in inner):
        return True
    if not isinstance(operation, RunPython):
        return False
    code = operation.reverse_code if backwards else operation.code
    # A migration of the platform's tables does nothing in a school, whatever it holds.
    allowed = router.allow_migrate(connection.alias, app_label, **operation.hints)
    return code is not RunPython.noop and allowed
