"""Which connection a statement takes, and which school its rows belong to.

Django asks the router before every query and every save, and keeps its answer on each object that
the query makes (`_state.db`). The answer here is the connection's name with the school's schema
behind it: so every object knows its school, at the price of one look a query and none a row.

When Django comes back with such an object (to save, delete or refresh it, to follow a relation, to
add to a many-to-many), another school may be open by then. The same key can exist there: without
the check below the object of the first school would overwrite it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connection

from kernel import replica


class WrongSchool(RuntimeError):
    """An object of one school is used while another one (or none) is open."""


class Alias(str):
    """The name of a connection, as Django knows it, and the schema it was on."""

    schema_name: str

    def __new__(cls, name: str, schema_name: str) -> Alias:
        alias = super().__new__(cls, name)
        alias.schema_name = schema_name
        return alias

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.schema_name


_alias = lru_cache(maxsize=8192)(Alias)


def check_school(instance: Any) -> None:
    """Raises WrongSchool when the object was read or saved while another school was open."""
    of = getattr(instance._state.db, "schema_name", None)
    if of is not None and of != connection.schema_name:  # type: ignore[attr-defined]
        raise WrongSchool(
            f"{type(instance).__name__} {instance.pk} belongs to {of}; "
            f"{connection.schema_name} is open"  # type: ignore[attr-defined]
        )


class SchoolRouter:
    """Named in DATABASE_ROUTERS."""

    def db_for_read(self, model: Any, instance: Any = None, **hints: Any) -> str:
        """Raises WrongSchool when it is about an object of a school that is not open."""
        if instance is not None:
            check_school(instance)
        return _alias(replica.alias_for_reading(), connection.schema_name)  # type: ignore[attr-defined]

    def db_for_write(self, model: Any, instance: Any = None, **hints: Any) -> str:
        """Always the primary; from here on this request reads there too. Raises WrongSchool."""
        if instance is not None:
            check_school(instance)
        replica.note_write()
        return _alias("default", connection.schema_name)  # type: ignore[attr-defined]

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """Objects may be tied together wherever each was read, but in one school only."""
        schemas = {getattr(each._state.db, "schema_name", None) for each in (one, other)}
        return len(schemas - {None}) <= 1

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """A standby gets its tables from the primary."""
        return False if db == replica.ALIAS else None
