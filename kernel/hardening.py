"""What only a superuser can do for an installation: take from PUBLIC what PostgreSQL gives it, and
hand the tables of an older installation to their new owner."""

from __future__ import annotations

from psycopg import sql

from kernel.roles import SCHOOL_GROUP, Session

# Functions that PUBLIC may call until they are revoked. set_config would let a SELECT change the
# role; the others keep or send data past the walls between schools.
FUNCTIONS = (
    "set_config",
    "lo_creat",
    "lo_create",
    "lo_from_bytea",
    "pg_logical_emit_message",
)
_OPEN_FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.proname FROM pg_catalog.pg_proc p
 WHERE has_function_privilege('public', p.oid, 'EXECUTE')
   AND ((p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY(%s))
        OR p.pronamespace = 'public'::regnamespace)
 ORDER BY 1
"""
_STRANGERS_RELATIONS = """
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
       n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'S') AND c.relowner <> %(owner)s::regrole
   AND (n.nspname = 'public' OR n.nspname ~ '^t_[0-9]+$')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid
        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('i', 'a', 'e') AND c.relkind = 'S')
"""
_STRANGERS_FUNCTIONS = """
SELECT n.nspname, p.oid::regprocedure::text
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE p.proowner <> %(owner)s::regrole
   AND (n.nspname = 'public' OR n.nspname ~ '^t_[0-9]+$')
"""
_STRANGERS_SCHEMAS = """
SELECT nspname FROM pg_catalog.pg_namespace
 WHERE nspname ~ '^t_[0-9]+$' AND nspowner <> %(owner)s::regrole
"""
_STRANGERS_ROLES = """
SELECT r.rolname FROM pg_catalog.pg_roles r
 WHERE (r.rolname = %(group)s OR r.rolname ~ '^t_[0-9]+$') AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_auth_members m
     WHERE m.roleid = r.oid AND m.member = %(owner)s::regrole AND m.admin_option)
"""


def is_superuser(session: Session) -> bool:
    return session.info.parameter_status("is_superuser") == "on"


def missing(session: Session, owner: str) -> list[str]:
    """The statements that this database still needs of a superuser; empty when it is closed."""
    me = sql.Identifier(owner).as_string(session)
    wanted = []
    for function, name in session.execute(_OPEN_FUNCTIONS, [list(FUNCTIONS)]).fetchall():
        wanted.append(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        if name == "set_config":  # pg_dump begins with it
            wanted.append(f"GRANT EXECUTE ON FUNCTION {function} TO {me}")
    if _public_has(session, "table", "pg_catalog.pg_settings", "UPDATE"):
        wanted.append("REVOKE UPDATE ON TABLE pg_catalog.pg_settings FROM PUBLIC")
    if _public_has(session, "language", "plpgsql", "USAGE"):
        wanted.append("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")
        wanted.append(f"GRANT USAGE ON LANGUAGE plpgsql TO {me}")
    return wanted


def adopt(session: Session, owner: str) -> None:
    """Give the owner every table, function and role of the schools that somebody else made: an
    installation whose tables belonged to a superuser. Statement by statement, for the locks."""
    known = {"owner": owner, "group": SCHOOL_GROUP}
    me = sql.Identifier(owner)
    for (role,) in session.execute(_STRANGERS_ROLES, known).fetchall():
        session.execute(
            sql.SQL("GRANT {} TO {} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE").format(
                sql.Identifier(role), me
            )
        )
    for (schema_name,) in session.execute(_STRANGERS_SCHEMAS, known).fetchall():
        session.execute(
            sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(sql.Identifier(schema_name), me)
        )
    for kind, schema_name, name in session.execute(_STRANGERS_RELATIONS, known).fetchall():
        session.execute(
            sql.SQL("ALTER {} {} OWNER TO {}").format(
                sql.SQL(kind), sql.Identifier(schema_name, name), me
            )
        )
    for _schema, function in session.execute(_STRANGERS_FUNCTIONS, known).fetchall():
        session.execute(sql.SQL("ALTER FUNCTION {} OWNER TO {}").format(sql.SQL(function), me))


def _public_has(session: Session, kind: str, name: str, right: str) -> bool:
    query = sql.SQL("SELECT {}('public', %s, %s)").format(sql.Identifier(f"has_{kind}_privilege"))
    row = session.execute(query, [name, right]).fetchone()
    return bool(row and row[0])
