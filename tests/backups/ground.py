"""The database that these tests share.

They commit, drop and rename, so each would need a fresh copy of the template afterwards. Most leave
the school as it was: they only leave rows about it and schemas beside it, which are taken away
here. Whether that was all is compared; only when it was not, a fresh copy is made. Once a test
has asked for the lively school, the tests after it have it too.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg import sql

from apps.tenants.services.backup.tables import tables_of
from config import testdb
from kernel.owner import owner_session
from kernel.prepare import close_database
from kernel.roles import drop_school_role

SCHOOLS = ("t_000001", "t_000002")
# Rows about what was done; none in a fresh copy.
NOTES = ("backup", "sideschema", "operatoraction", "operation", "duework", "deletedschool")
NOTES += ("subscription", "planallowance", "plan", "usagemonth")
# Each test begins without anybody in the console, and with nothing waiting for the platform.
LIVELY = "_lively"
PLATFORM = ("identity_user", "django_session", "outbox_event")


def _name() -> str:
    return str(connection.settings_dict["NAME"])


class Ground:
    """What the shared database looked like when it, or the lively school in it, was ready."""

    def __init__(self) -> None:
        self.is_lively = self.was_used = self.has_lively_copy = False
        self.look: Any = None
        self.schemas: set[str] = set()

    def begin(self, *, lively: bool = False) -> None:
        """Note how it is now: the next tests begin like this."""
        with owner_session() as session:
            self.is_lively, self.schemas = lively, _schemas(session)
            self.look = _look(session)
        if lively:  # making it takes longer than copying it
            self._copy(_name(), _name() + LIVELY)
            self.has_lively_copy = True

    def put_back(self) -> None:
        """Take away what a test left; a fresh copy where that is not enough."""
        self.was_used = True
        connection.set_schema_to_public()
        connection.close()
        with owner_session() as session:
            self._sweep(session)
            clean = _schemas(session) == self.schemas and _look(session) == self.look
        if clean:
            return
        if self.is_lively:
            self._copy(_name() + LIVELY, _name())
            with owner_session() as session:
                close_database(session)
        else:
            testdb.make(_name())

    def end(self) -> None:
        """What the other tests expect."""
        if self.has_lively_copy:
            testdb._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", _name() + LIVELY)
        if self.was_used:
            connection.set_schema_to_public()
            testdb.make(_name())

    def _copy(self, source: str, target: str) -> None:
        before = connection.tenant
        connection.close()
        with testdb.as_superuser() as session:  # nobody may look on while it is copied
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            session.execute(query, [source])
        testdb._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", target)
        testdb._admin(testdb.COPY, target, source, testdb._owner())
        connection.set_tenant(before)

    def _sweep(self, session: Any) -> None:
        session.execute("DELETE FROM tenants_domain WHERE tenant_id > 100")
        session.execute("DELETE FROM tenants_school WHERE id > 100")
        for table in NOTES:
            session.execute(f"DELETE FROM tenants_{table}".encode())
        for table in PLATFORM:
            session.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            session.execute(f"TRUNCATE {table} CASCADE".encode())
            session.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
        for name in sorted(_schemas(session) - self.schemas):
            session.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
            drop_school_role(session, name)  # stays where a parallel worker's school has it too


def _schemas(session: Any) -> set[str]:
    rows = session.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(t|kept)_'")
    return {name for (name,) in rows.fetchall()}


def _look(session: Any) -> dict[str, Any]:
    """Of each table a sum of all its rows, in any order."""
    tables = [(schema, table.name) for schema in SCHOOLS for table in tables_of(session, schema)]
    tables += [("public", f"tenants_{name}") for name in ("school", "domain", "spareschool")]
    one = sql.SQL("SELECT {}, sum(hashtextextended(t::text, 0)), count(*) FROM {} t")
    parts = [one.format(".".join(name), sql.Identifier(*name)) for name in tables]
    rows = session.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
    return {name: (total, count) for name, total, count in rows}
