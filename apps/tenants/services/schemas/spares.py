"""Schools in stock: schema, role and tables are ready, and only the name is missing.

Making one is the owner's work. Claiming one is rows only, so the web can do it, in the same
transaction as everything else that a new school needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.utils.translation import gettext as _
from psycopg import sql

from apps.tenants.models import MigrationScript, SpareSchool, schema_name_for
from apps.tenants.services.schemas.replay import Passage, Session, fill
from apps.tenants.services.schemas.stages import ahead, run_alone
from apps.tenants.services.schemas.versions import current_version, scripts
from kernel.errors import Unavailable
from kernel.owner import has_owner, owner_lock, owner_session
from kernel.roles import drop_school_role, make_school_role
from kernel.schools import in_public

# How long a process that may not make tables waits for the keeper to do it, in seconds.
PATIENCE = 15.0
_LOCK = "tenants.spares"
_IN_USE = """
    SELECT 1 FROM public.tenants_school WHERE schema_name = %s
    UNION ALL SELECT 1 FROM public.tenants_sideschema WHERE schema_name = %s
"""
_NOTHING = Passage(before="", after="", sql="")


class NoSpare(Exception):
    """Somebody else claimed the last one."""


def claim_spare() -> SpareSchool:
    """Take the oldest spare that has all tables; its row is gone when the transaction commits.

    The caller makes a School of that id and version in the same transaction. Raises NoSpare.
    """
    with in_public():
        ready = SpareSchool.objects.filter(schema_version=current_version())
        spare = ready.exclude(schema_version="").select_for_update(skip_locked=True).first()
        if spare is None:
            raise NoSpare
        SpareSchool.objects.filter(pk=spare.pk).delete()
    return spare


def count_ready() -> int:
    """Spares that can be claimed now."""
    with in_public():
        version = current_version()
        return SpareSchool.objects.filter(schema_version=version).count() if version else 0


def list_spares() -> list[SpareSchool]:
    with in_public():
        return list(SpareSchool.objects.all())


def ensure_spare(*, another: bool = False) -> None:
    """See to it that there is a spare: make one, or wait for the keeper to do it. `another` when
    those that are there are being claimed by others, whose transactions take their time.

    With no transaction open, where a migration of a new school runs Python. Raises Unavailable.
    """
    if count_ready() and not another:
        return
    if has_owner():
        make_spare()
        return
    if another:
        time.sleep(1)
    until = time.monotonic() + PATIENCE
    while not count_ready():
        if time.monotonic() > until:
            raise Unavailable(
                _(
                    "No place for a new school is ready, and the keeper, which makes them, does "
                    "not answer. Nothing was changed; try again in a few minutes."
                ),
                code="no_spare",
            )
        time.sleep(0.1)


def make_spare() -> int:
    """One more spare, in one transaction of the owner's. Returns its number."""
    chain = scripts()
    if not chain:
        raise Unavailable(_("The tables of schools are not recorded: run migrate_schools first."))
    with owner_session() as session:
        return _make(session, chain)


def keep_spares(
    *, wanted: int | None = None, on_made: Callable[[int, int], None] | None = None
) -> int:
    """Top the stock up to `wanted` (settings.SPARE_SCHOOLS). Returns how many were made.

    One process at a time; a second one returns at once. Makes none while the schools' tables are
    behind this code, since migrate_schools is under way or due.
    """
    # Two would fill the stock twice.
    with owner_lock(_LOCK) as alone:
        target = settings.SPARE_SCHOOLS if wanted is None else wanted
        chain = scripts()
        missing = max(0, target - count_ready()) if alone and chain else 0
        _fill_up(chain, missing, on_made)
    return missing


def drop_spare(session: Session, spare_id: int) -> bool:
    """Row, schema and role, in the owner's transaction that is open. False when it is no spare
    any more: somebody claimed it just now."""
    schema_name = schema_name_for(spare_id)
    query = "DELETE FROM public.tenants_spareschool WHERE id = %s RETURNING id"
    if session.execute(query, [spare_id]).fetchone() is None:
        return False
    if session.execute(_IN_USE, [schema_name, schema_name]).fetchone() is not None:
        return False
    drop_schema(session, schema_name)
    return True


def drop_all() -> int:
    """Empty the stock: the recorded SQL changed, so what it was made of is out of date."""
    dropped = 0
    for spare in list_spares():
        with owner_session() as session:
            dropped += drop_spare(session, spare.id)
    return dropped


def drop_schema(session: Session, schema_name: str) -> None:
    """The schema with all that is in it, and its role."""
    session.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_name)))
    drop_school_role(session, schema_name)


def _fill_up(
    chain: list[MigrationScript], missing: int, on_made: Callable[[int, int], None] | None
) -> None:
    """All of them on one connection: a new one has to read PostgreSQL's catalogue first."""
    with owner_session() as session:
        for done in range(missing):
            _make(session, chain)
            if on_made is not None:
                on_made(done + 1, missing)


def _make(session: Session, chain: list[MigrationScript]) -> int:
    """What can be replayed in one transaction with the row; the rest, if any, is Django's."""
    spare_id = _next_id(session)
    schema_name = schema_name_for(spare_id)
    stages = ahead(chain, frozenset())
    first, rest = (stages[0], stages[1:]) if isinstance(stages[0], Passage) else (_NOTHING, stages)
    session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_name)))
    make_school_role(session, schema_name)
    fill(session, schema_name, first)
    session.execute(
        "INSERT INTO public.tenants_spareschool (id, schema_version, schema_error, made_at)"
        " VALUES (%s, %s, '', now())",
        [spare_id, first.after],
    )
    session.commit()
    if rest:
        with owner_session(autocommit=True) as another:
            run_alone(another, spare_id, rest)
    return spare_id


def _next_id(session: Session) -> int:
    """From the schools' own sequence: a spare becomes a school without being renamed."""
    query = "SELECT nextval(pg_get_serial_sequence('public.tenants_school', 'id'))"
    row = session.execute(query).fetchone()
    return int(row[0]) if row else 0
