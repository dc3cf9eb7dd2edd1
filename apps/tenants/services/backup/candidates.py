"""A restored school before anybody can see it: schema, role, rows and files under a number of
their own. A candidate that nobody holds any more is a killed restore's, and is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context
from psycopg import sql

from apps.tenants.contracts import BookReport, RestoreContext
from apps.tenants.models import School, SideSchema, schema_name_for
from apps.tenants.selectors import to_info
from apps.tenants.services.backup import media
from apps.tenants.services.backup.building import bring_forward, build, check_known
from apps.tenants.services.backup.errors import Incomparable
from apps.tenants.services.backup.head import Head, Tail, as_school
from apps.tenants.services.backup.hooks import all_books, restorers_in_order
from apps.tenants.services.backup.loading import alter, load
from apps.tenants.services.backup.locks import lock_name
from apps.tenants.services.backup.sources import Source
from apps.tenants.services.backup.tables import tables_of
from apps.tenants.services.backup.take import Progress
from apps.tenants.services.schemas.spares import drop_schema
from kernel.owner import owner_lock, owner_session, try_lock
from kernel.roles import make_school_role
from kernel.schools import in_public, speaking_for

_LIFE = timedelta(days=1)  # for people who look at the table; the lock is what counts


@dataclass(slots=True)
class Candidate:
    """A restored school, verified and brought forward, that is no school yet."""

    school: School
    head: Head
    tail: Tail
    remarks: list[str]

    @property
    def schema_name(self) -> str:
        return str(self.school.schema_name)


@contextmanager
def candidate_of(source: Source, progress: Progress) -> Iterator[Candidate]:
    """Restore into a schema of its own and check it. Unless the block adopts it, all of it is
    taken away again. Raises Newer, Damaged, WrongKey, Incomparable."""
    remove_abandoned()
    with owner_session(autocommit=True) as session:
        school_id = _next_id(session)
        schema_name = schema_name_for(school_id)
        try_lock(session, lock_name(schema_name))
        with in_public():
            SideSchema.objects.create(
                schema_name=schema_name,
                purpose=SideSchema.Purpose.CANDIDATE,
                drop_after=timezone.now() + _LIFE,
            )
        try:
            yield _restore(source, school_id, progress)
        finally:
            _remove_unless_adopted(schema_name)


def _next_id(session: Any) -> int:
    query = "SELECT nextval(pg_get_serial_sequence('public.tenants_school', 'id'))"
    return int(session.execute(query).fetchone()[0])


def _restore(source: Source, school_id: int, progress: Progress) -> Candidate:
    schema_name = schema_name_for(school_id)
    with source.entries() as (head, entries):
        check_known(head.migrations)
        progress(0, 0, _("tables"))
        _make_schema(schema_name)
        build(schema_name, head.migrations)
        tail = load(schema_name, entries, _Steps(progress).note)
    progress(0, 0, _("bringing it to this version"))
    bring_forward(schema_name)
    school = as_school(head, id=school_id, schema_name=schema_name)
    candidate = Candidate(school, head, tail, [])
    _check_books(candidate)
    return candidate


@dataclass(slots=True)
class _Steps:
    """Counts the tables as they go by: how many there are is only known at the end."""

    progress: Progress
    _done: int = 0

    def note(self, name: str) -> None:
        self._done += 1
        self.progress(self._done, 0, name)


def _make_schema(schema_name: str) -> None:
    with owner_session() as session:
        session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_name)))
        make_school_role(session, schema_name)


def _check_books(candidate: Candidate) -> None:
    """The apps add their books up again: they must come to what they came to then."""
    with inside(candidate.school):
        found = all_books()
    for name, told in candidate.tail.books.items():
        if name in found:
            _compare_books(name, told, found[name])


def _compare_books(name: str, told: BookReport, found: BookReport) -> None:
    for what, amount in told.totals.items():
        if what in found.totals and found.totals[what] != amount:
            raise Incomparable(
                _("%(book)s: %(what)s is %(found)s instead of %(told)s")
                % {"book": name, "what": what, "found": found.totals[what], "told": amount}
            )
    if new := [problem for problem in found.problems if problem not in told.problems]:
        raise Incomparable("; ".join(new[:3]))


@contextmanager
def inside(school: School) -> Iterator[None]:
    """The candidate opened like a school, though no row says that it is one."""
    with tenant_context(school), speaking_for(school):
        yield


def run_hooks(candidate: Candidate, *, replaces: str = "") -> None:
    """What each app does before the school opens (apps/*/restoring.py), in one transaction.

    `replaces` is the schema whose place it takes; empty for a copy.
    """
    corrections: list[str] = []
    with owner_session(autocommit=True) as session:
        context = RestoreContext(
            school=to_info(candidate.school),
            is_copy=not replaces,
            taken_at=candidate.head.moment,
            replaced=_reader(session, replaces),
            correct=corrections.append,
            tell=candidate.remarks.append,
        )
        with inside(candidate.school), transaction.atomic():
            for restorer in restorers_in_order():
                restorer(context)
    _correct(candidate.schema_name, corrections)


def _reader(session: Any, schema_name: str) -> Any:
    def read(query: str) -> list[tuple[Any, ...]] | None:
        if not schema_name:
            return None
        try:
            with session.transaction():
                path = sql.SQL("SET TRANSACTION READ ONLY; SET LOCAL search_path = {}")
                session.execute(path.format(sql.Identifier(schema_name)))
                return list(session.execute(query).fetchall())
        except psycopg.Error:
            return None

    return read


def _correct(schema_name: str, statements: list[str]) -> None:
    if not statements:
        return
    with owner_session() as session:
        path = sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema_name))
        session.execute(path)
        tables = tables_of(session, schema_name)
        alter(session, tables, "DISABLE TRIGGER USER")
        for statement in statements:
            session.execute(statement.encode())
        alter(session, tables, "ENABLE TRIGGER USER")


def _remove_unless_adopted(schema_name: str) -> None:
    with in_public():
        left = SideSchema.objects.filter(
            schema_name=schema_name, purpose=SideSchema.Purpose.CANDIDATE
        )
        if left.exists():
            remove(schema_name)


def remove(schema_name: str) -> None:
    """A candidate or a kept schema: tables, role, files, and last of all its row."""
    with owner_session() as session:
        drop_schema(session, schema_name)
    media.remove_all(schema_name)
    with in_public():
        SideSchema.objects.filter(schema_name=schema_name).delete()


def remove_abandoned() -> int:
    """Take away what killed restores left. Returns how many."""
    removed = 0
    with in_public():
        purpose = SideSchema.Purpose.CANDIDATE
        names = list(SideSchema.objects.filter(purpose=purpose).values_list("pk", flat=True))
    for name in names:
        with owner_lock(lock_name(name)) as session:
            if session:
                remove(name)
                removed += 1
    return removed
