"""Who may do what in this installation's database: set up, and set right after each migration.

`prepare_database` is what `manage.py prepare_database` does, and what follows the migration of
the platform's tables. It may run at any time and any number of times. The owner does what an owner
may; a few rights of PUBLIC were given by PostgreSQL itself and only a superuser takes them away
(kernel/hardening.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _
from psycopg import sql

from kernel import hardening, roles
from kernel.errors import Conflict, Unavailable
from kernel.owner import owner_session
from kernel.roles import SCHOOL_GROUP, Session, app_login
from kernel.schools import connection

_LOGIN = sql.SQL(
    "CREATE ROLE {} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
)
_WITHOUT_ROLE = """
SELECT n.nspname FROM pg_catalog.pg_namespace n
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = n.nspname
 WHERE n.nspname ~ '^t_[0-9]+$'
   AND (r.oid IS NULL OR NOT has_schema_privilege(r.oid, n.oid, 'USAGE')
        OR NOT pg_has_role(%s, r.oid, 'SET'))
 ORDER BY 1
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
   AND p.proowner = current_user::regrole AND has_function_privilege('public', p.oid, 'EXECUTE')
"""


@dataclass(slots=True, kw_only=True)
class Prepared:
    """What was set right, and the statements that wait for a superuser."""

    owner: str
    login: str
    login_made: bool = False
    schools: list[str] = field(default_factory=list)
    hardened: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def prepare_database(*, admin_url: str = "") -> Prepared:
    """Make the app's login and give it, and each school's role, exactly the rights they need.

    With `admin_url` (a superuser's address; default DATABASE_ADMIN_URL), or when the owner is a
    superuser itself, PUBLIC also loses what would let an injected SELECT change its role; else
    `left` names the statements. Raises Unavailable without DATABASE_OWNER_URL, Conflict when the
    app's login has powers that no wall stops.
    """
    admin_url = admin_url or settings.DATABASE_ADMIN_URL
    if admin_url:
        with _superuser(admin_url) as admin:
            with owner_session() as session:
                owner = _me(session)
            hardening.adopt(admin, owner)
    with owner_session() as session:
        prepared = Prepared(owner=_me(session), login=app_login())
        prepared.login_made = _make_login(session)
        roles.make_group(session)
        _close_to_strangers(session)
        _open_to_app(session)
    prepared.schools = _equip_schools(prepared.login)
    _harden(prepared, admin_url)
    return prepared


def close_database(session: Session) -> None:
    """Rights on the database as a whole, which a copy of it (CREATE DATABASE … TEMPLATE) lacks:
    strangers may not connect, nobody makes temporary tables."""
    _run(
        session,
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;"
        " GRANT CONNECT ON DATABASE {database} TO {app}",
        database=_name(session.info.dbname),
        app=_name(app_login()),
    )


def _make_login(session: Session) -> bool:
    login = app_login()
    if not login or login == _me(session):
        raise Conflict(_("DATABASE_URL must sign in as a role of the app's own, not as the owner."))
    row = session.execute(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication"
        "  FROM pg_catalog.pg_roles WHERE rolname = %s",
        [login],
    ).fetchone()
    if row is None:
        password = str(settings.DATABASES["default"]["PASSWORD"])
        roles.racing(
            session,
            lambda: session.execute(_LOGIN.format(_name(login), _secret(session, password))),
            done=lambda: roles.role_exists(session, login),
        )
        return True
    if row[0]:
        raise Conflict(
            _("The login %(login)s of DATABASE_URL is more than an app: take its powers away.")
            % {"login": login}
        )
    return False


def _secret(session: Session, password: str) -> sql.Composable:
    """The password as it is kept, so that the server's log never shows it."""
    if not password:
        return sql.NULL
    hashed = session.pgconn.encrypt_password(
        password.encode(), app_login().encode(), b"scram-sha-256"
    )
    return sql.Literal(hashed.decode())


def _close_to_strangers(session: Session) -> None:
    close_database(session)
    _run(
        session,
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
        " GRANT USAGE ON SCHEMA public TO {app}, {group};"
        " ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        app=_name(app_login()),
        group=_name(SCHOOL_GROUP),
    )
    for (function,) in session.execute(_FUNCTIONS).fetchall():
        _run(
            session, "REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC", function=sql.SQL(function)
        )


def _open_to_app(session: Session) -> None:
    """The platform's tables, each by its name; to the schools only those that settings name."""
    for table in roles.relations(session, "public", "rpv"):
        read_only = table in settings.OWNERS_TABLES
        rights = sql.SQL("SELECT" if read_only else "SELECT, INSERT, UPDATE, DELETE")
        names = {"table": sql.Identifier("public", table), "rights": rights}
        if read_only:
            _run(session, "REVOKE ALL ON {table} FROM {app}", app=_name(app_login()), **names)
        _run(session, "GRANT {rights} ON {table} TO {app}", app=_name(app_login()), **names)
        if table in settings.TABLES_SHARED_WITH_SCHOOLS:
            _run(session, "GRANT {rights} ON {table} TO {app}", app=_name(SCHOOL_GROUP), **names)
    for counter in roles.relations(session, "public", "S"):
        _run(
            session,
            "GRANT USAGE, SELECT ON SEQUENCE {counter} TO {app}",
            counter=sql.Identifier("public", counter),
            app=_name(app_login()),
        )


def _equip_schools(login: str) -> list[str]:
    """Roles for schools that have none: made before there were roles, or copied in. A transaction
    each, since thousands of schools together need more locks than there are."""
    with owner_session(autocommit=True) as session:
        names = [row[0] for row in session.execute(_WITHOUT_ROLE, [login]).fetchall()]
        for schema_name in names:
            with session.transaction():
                roles.grant_existing(session, schema_name)
    return names


def _harden(prepared: Prepared, admin_url: str) -> None:
    with _superuser(admin_url) if admin_url else owner_session(autocommit=True) as session:
        missing = hardening.missing(session, prepared.owner)
        if not hardening.is_superuser(session):
            prepared.left = missing
            return
        for statement in missing:
            session.execute(statement.encode())
        prepared.hardened = missing


def _superuser(url: str) -> Session:
    try:
        session = psycopg.connect(url, dbname=connection.settings_dict["NAME"], autocommit=True)
    except psycopg.Error as error:
        raise Unavailable(
            _("The superuser's address does not answer: %(e)s") % {"e": error}
        ) from None
    if not hardening.is_superuser(session):
        session.close()
        raise Conflict(_("The address given for a superuser is not one's."))
    return session


def _me(session: Session) -> str:
    return session.info.user


def _name(text: str) -> sql.Identifier:
    return sql.Identifier(text)


def _run(session: Session, statement: str, **parts: Any) -> None:
    session.execute(sql.SQL(statement).format(**parts))  # type: ignore[arg-type]
