"""What a schema consists of, read from PostgreSQL's catalogue, to compare two of them.

Everything that tells two schools' tables apart: columns with types and defaults, identity and
sequences, indexes, constraints and triggers by name and definition, functions, comments, owners
and grants. The order of columns counts, object numbers do not.
"""

from __future__ import annotations

from typing import Any

import psycopg

from apps.tenants.models import School
from apps.tenants.services.schemas.template import TEMPLATE
from kernel.errors import NotFound
from kernel.owner import owner_session
from kernel.schools import in_public

# Each row: kind, name, what it is. Asked with the schema's name once.
_QUESTIONS = (
    """
    SELECT 'relation', c.relname, concat_ws(' ', c.relkind, c.relpersistence, c.reloptions::text,
        'owner=' || pg_get_userbyid(c.relowner), 'rls=' || c.relrowsecurity::text,
        'comment=' || obj_description(c.oid, 'pg_class'))
    FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace
    """,
    """
    SELECT 'grant', c.relname || ' to ' || g.name,
        string_agg(a.privilege_type, ',' ORDER BY a.privilege_type)
    FROM pg_class c, aclexplode(c.relacl) a, LATERAL (SELECT pg_get_userbyid(a.grantee)) g(name)
    WHERE c.relnamespace = %(schema)s::regnamespace AND a.grantee <> c.relowner
    GROUP BY c.relname, g.name
    """,
    """
    SELECT 'column', c.relname || '.' || a.attname, concat_ws(' ', a.attnum,
        format_type(a.atttypid, a.atttypmod), 'notnull=' || a.attnotnull::text,
        'default=' || pg_get_expr(d.adbin, d.adrelid), 'identity=' || a.attidentity::text,
        'generated=' || a.attgenerated::text, 'collation=' || a.attcollation::regcollation::text,
        'storage=' || a.attstorage::text, 'comment=' || col_description(c.oid, a.attnum))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped
    """,
    """
    SELECT 'index', c.relname, concat_ws(' ', pg_get_indexdef(i.indexrelid),
        'valid=' || i.indisvalid::text, 'primary=' || i.indisprimary::text)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = %(schema)s::regnamespace
    """,
    """
    SELECT 'constraint', r.relname || '.' || o.conname, concat_ws(' ',
        pg_get_constraintdef(o.oid), 'validated=' || o.convalidated::text)
    FROM pg_constraint o JOIN pg_class r ON r.oid = o.conrelid
    WHERE o.connamespace = %(schema)s::regnamespace
    """,
    """
    SELECT 'trigger', c.relname || '.' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid),
        'enabled=' || t.tgenabled::text)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
    """,
    """
    SELECT 'sequence', c.relname, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart,
        s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
        'of=' || (SELECT o.relname || '.' || a.attname FROM pg_depend d
            JOIN pg_class o ON o.oid = d.refobjid
            JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
    WHERE c.relnamespace = %(schema)s::regnamespace
    """,
    """
    SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
    FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace
    """,
)


def describe(session: psycopg.Connection[Any], schema_name: str) -> dict[str, str]:
    """Every object of the schema by kind and name, with the schema's own name left out."""
    found: dict[str, str] = {}
    for question in _QUESTIONS:
        rows = session.execute(question.encode(), {"schema": f'"{schema_name}"'}).fetchall()
        for kind, name, text in rows:
            found[f"{kind} {_plain(name, schema_name)}"] = _plain(text, schema_name)
    return found


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """In words, sorted; empty when the two are the same."""
    lines = [f"only here: {name}" for name in one.keys() - other.keys()]
    lines += [f"missing: {name}" for name in other.keys() - one.keys()]
    lines += [
        f"differs: {name}: {one[name]} instead of {other[name]}"
        for name in one.keys() & other.keys()
        if one[name] != other[name]
    ]
    return sorted(lines)


def compare_with_template(*, slug: str) -> list[str]:
    """How a school's tables differ from what the migrations make; grants, which only schools
    have, left aside. Raises NotFound; Unavailable without the owner's address."""
    with in_public():
        school = School.objects.filter(slug=slug).first()
    if school is None:
        raise NotFound(f"There is no school “{slug}”.")
    with owner_session() as session:
        here = describe(session, school.schema_name)
        there = describe(session, TEMPLATE)
    return differences(_without_grants(here), _without_grants(there))


def _without_grants(found: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if not name.startswith("grant ")}


def _plain(text: str, schema_name: str) -> str:
    return text.replace(f'"{schema_name}"', "{school}").replace(schema_name, "{school}")
