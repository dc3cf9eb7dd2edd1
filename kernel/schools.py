"""The school that the running request, task or command works for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection as django_connection
from django.utils import timezone, translation
from django_tenants.utils import get_public_schema_name, get_tenant_model, tenant_context

# django-tenants' connection: it has set_tenant, schema_name and tenant, which the type stubs of
# Django do not know.
connection: Any = django_connection


_find: Callable[[str], Any] | None = None
_from_memory: ContextVar[bool] = ContextVar("schools_from_memory", default=False)


class NoSchool(RuntimeError):
    """Code that needs a school ran on the public schema."""


@contextmanager
def in_school(schema_name: str) -> Iterator[Any]:
    """Open the school: its tables, language and time zone; put back what was before.

    Raises the tenant model's DoesNotExist for an unknown schema: never falls back to public.
    """
    if connection.schema_name == schema_name and hasattr(connection.tenant, "time_zone"):
        school = connection.tenant
    else:
        school = _load(schema_name)
    with tenant_context(school), speaking_for(school):
        yield school


def _load(schema_name: str) -> Any:
    if _from_memory.get() and _find is not None:
        school = _find(schema_name)
        if school is None:
            raise get_tenant_model().DoesNotExist(f"There is no school {schema_name}.")
        return school
    with in_public():
        return get_tenant_model().objects.get(schema_name=schema_name)


def find_with(find: Callable[[str], Any]) -> None:
    """Say how a school is found by its schema in this process's memory, which must learn of every
    change. The app that has the schools does so at start."""
    global _find
    _find = find


@contextmanager
def from_memory() -> Iterator[None]:
    """Schools are opened as this process remembers them and not read each time: for who opens
    some again and again."""
    token = _from_memory.set(True)
    try:
        yield
    finally:
        _from_memory.reset(token)


@contextmanager
def in_public() -> Iterator[None]:
    """The tables that belong to the platform, not to a school."""
    before = connection.tenant
    connection.set_schema_to_public()
    try:
        yield
    finally:
        connection.set_tenant(before)


@contextmanager
def speaking_for(school: Any) -> Iterator[None]:
    """The school's language and time zone."""
    with translation.override(school.language), timezone.override(ZoneInfo(school.time_zone)):
        yield


def current_school() -> Any:
    """The open school (id, schema_name, name, slug, currency, language, time_zone, status).

    Raises NoSchool on the public schema.
    """
    school = connection.tenant
    if not hasattr(school, "currency"):
        raise NoSchool(f"no school is open (schema {connection.schema_name!r})")
    return school


def on_public() -> bool:
    return bool(connection.schema_name == get_public_schema_name())


def today() -> date:
    """The calendar day in the school's own time zone."""
    return timezone.now().astimezone(ZoneInfo(current_school().time_zone)).date()


def _absolute(host: str, path: str) -> str:
    return f"{settings.PUBLIC_SCHEME}://{host}{settings.PUBLIC_PORT}{path}"


def school_url(path: str = "/") -> str:
    """An absolute address on the current school's primary host."""
    return _absolute(current_school().primary_host, path)


def platform_url(path: str = "/") -> str:
    """An absolute address on the platform's host."""
    return _absolute(settings.PLATFORM_DOMAIN, path)
