"""Schema names and the integer ids that locks and announcements use for them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django_tenants.utils import get_tenant_model

from kernel.schools import in_public, in_school

PUBLIC = "public"
_SCHOOL = re.compile(r"^t_([0-9]+)$")


def current_schema() -> str:
    """The schema that is open on this connection."""
    return str(getattr(connection, "schema_name", PUBLIC))


def tenant_id_of(schema_name: str) -> int:
    """`t_000123` -> 123, `public` -> 0. Must agree with public.outbox_announce()."""
    if schema_name == PUBLIC:
        return 0
    match = _SCHOOL.match(schema_name)
    if match is None:
        raise ValueError(f"“{schema_name}” is neither public nor a school's schema.")
    return int(match.group(1))


def schema_name_of(tenant_id: int) -> str:
    """The inverse of tenant_id_of()."""
    return f"t_{tenant_id:06d}" if tenant_id else PUBLIC


@contextmanager
def opened(schema_name: str) -> Iterator[None]:
    """Open a school, or public, for the length of the block."""
    with in_public() if schema_name == PUBLIC else in_school(schema_name):
        yield


def schemas_with_outbox() -> list[str]:
    """Public and every school that has an outbox; not the spares, which no school has claimed
    yet. Reads the catalogue: for alarms, not requests."""
    with opened(PUBLIC), connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_catalog.pg_class c"
            " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relname = 'outbox_event' AND c.relkind = 'r'"
            " AND n.nspname = ANY(%s) ORDER BY n.nspname",
            [[PUBLIC, *get_tenant_model().objects.values_list("schema_name", flat=True)]],
        )
        return [name for (name,) in cursor.fetchall()]
