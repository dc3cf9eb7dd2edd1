"""django-tenants' backend with the school enforced by the database (docs/adr/0003, 0008).

Opening a school sends its search path and its role in one string: the path holds the school's own
schema only, the role reaches the rows of that schema only. Both are sent when the first statement
after a change needs them, not once a cursor, and forgotten when a rollback may have reverted
them. On the platform the path is `public` and the role the login itself, which may read and
write the platform's tables and, until it takes a school's role, nothing of any school.

A connection of the owner (kernel.owner.owning) switches the path alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.introspection import DatabaseIntrospection
from django.db.backends.utils import debug_transaction
from django.db.utils import OperationalError
from django_tenants.postgresql_backend import base
from django_tenants.utils import get_public_schema_name
from psycopg import errors, sql

from config.postgres.guard import GuardedCursor

_TOO_POWERFUL = (
    "DATABASE_URL signs in as a superuser or as the owner of the database, whom no wall between "
    "schools stops. Give that address as DATABASE_OWNER_URL, and let `manage.py prepare_database` "
    "make a login of the app's own for DATABASE_URL."
)
_POWERS = """
SELECT rolcreaterole OR rolbypassrls OR has_database_privilege(current_database(), 'CREATE')
  FROM pg_catalog.pg_roles WHERE rolname = current_user
"""


class SchoolNotOpened(OperationalError):
    """The database knows no such school, or this login may not open it."""


class DatabaseWrapper(base.DatabaseWrapper):
    # The schema whose path and role the server has; None: not known, send them again.
    search_path_set_schemas: str | None
    # Every school that a connection has read leaves its catalogue in the server's memory.
    _touched: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._touched = set()
        # django-tenants' own sets the path around each look, which holds nothing else anyway.
        self.introspection = DatabaseIntrospection(self)

    def set_tenant(self, tenant: Any, include_public: bool = False) -> None:
        """Open this school, or public; what it costs is paid by the next statement."""
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self.include_public_schema = False

    def set_schema(
        self, schema_name: str, include_public: bool = False, tenant_type: Any = None
    ) -> None:
        super().set_schema(schema_name, include_public=False, tenant_type=tenant_type)

    @property
    def is_owner(self) -> bool:
        """Whether this connection signs in as the owner of the tables (kernel.owner.owning)."""
        return bool(self.settings_dict.get("OWNER"))

    # Connecting --------------------------------------------------------------------------

    def get_connection_params(self) -> dict[str, Any]:
        """The zone is an option of the connection: the app may not call set_config()."""
        params: dict[str, Any] = super().get_connection_params()
        if self.timezone_name:
            options = f"{params.get('options', '')} -c TimeZone={self.timezone_name}"
            params["options"] = options.strip()
        if not self.is_owner:
            params["cursor_factory"] = GuardedCursor
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if not self.is_owner and _is_too_powerful(connection):
            connection.close()
            raise ImproperlyConfigured(_TOO_POWERFUL)
        self.search_path_set_schemas = None
        self._touched = set()
        return connection

    def _configure_timezone(self, connection: Any) -> bool:
        name = self.timezone_name
        if not name or connection.info.parameter_status("TimeZone") == name:
            return False
        statement = sql.SQL("SET TIME ZONE {}").format(sql.Literal(name))
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(statement)
        return True

    # Switching ---------------------------------------------------------------------------

    def _cursor(self, name: str | None = None) -> Any:
        # Not django-tenants' own, which swallows what goes wrong.
        cursor = super(base.DatabaseWrapper, self)._cursor(name)
        if self.search_path_set_schemas != self.schema_name:
            try:
                self._switch()
            except BaseException:
                cursor.close()
                raise
        return cursor

    def _switch(self) -> None:
        """Tell the server which school is open. Raises SchoolNotOpened."""
        self.search_path_set_schemas = None
        try:
            self._send(_switch_to(self.schema_name, self.is_owner))
        except (errors.InvalidParameterValue, errors.InsufficientPrivilege) as error:
            raise SchoolNotOpened(str(error).strip()) from error
        self.search_path_set_schemas = self.schema_name
        self._touched.add(self.schema_name)

    def _send(self, statement: str) -> None:
        # A plain cursor: the guarded one refuses what this does, and rightly.
        with psycopg.ClientCursor(self.connection) as cursor:
            cursor.execute(statement)

    # Savepoints pass _cursor() by: in a transaction that has failed, or with a school open that
    # does not exist, nothing can be switched, and the way back must not depend on it.

    def _savepoint(self, sid: str) -> None:
        self._send_logged(self.ops.savepoint_create_sql(sid))

    def _savepoint_rollback(self, sid: str) -> None:
        self._send_logged(self.ops.savepoint_rollback_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        self._send_logged(self.ops.savepoint_commit_sql(sid))

    def _send_logged(self, statement: str) -> None:
        with self.wrap_database_errors, debug_transaction(self, statement):
            self._send(statement)

    # Memory ------------------------------------------------------------------------------

    def close_if_unusable_or_obsolete(self) -> None:
        """Between requests and tasks: also when the connection has seen too many schools, since
        the server gives back what it remembers of them only at the end of a connection."""
        super().close_if_unusable_or_obsolete()
        if self.connection is not None and len(self._touched) > settings.SCHOOLS_PER_CONNECTION:
            self.close()


_harmless: set[tuple[str, str, str]] = set()


def _is_too_powerful(connection: Any) -> bool:
    """Whether this login could step over the walls. Asked once a process; whether it is a
    superuser is what each connection says of itself."""
    info = connection.info
    if info.parameter_status("is_superuser") == "on":
        return True
    login = (info.host, info.dbname, info.user)
    if login not in _harmless:
        with psycopg.ClientCursor(connection) as cursor:
            row = cursor.execute(_POWERS).fetchone()
        if not row or row[0]:
            return True
        connection.rollback()
        _harmless.add(login)
    return False


@lru_cache(maxsize=4096)
def _switch_to(schema_name: str | None, is_owner: bool) -> str:
    if not schema_name or not base.is_valid_schema_name(schema_name):
        raise ImproperlyConfigured(f"{schema_name!r} is no name of a schema")
    path = f'SET search_path = "{schema_name}"'
    if is_owner:
        return path
    if schema_name == get_public_schema_name():
        return f"{path}; SET ROLE NONE"
    return f'{path}; SET ROLE "{schema_name}"'
