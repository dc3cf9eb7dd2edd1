"""Tables are filled side by side: small ones by the crew, large ones as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from psycopg import errors

from apps.tenants.models import School
from apps.tenants.services.backup import candidates, loaders
from apps.tenants.services.backup.copying import copied_out
from apps.tenants.services.backup.errors import Damaged, Incomparable
from apps.tenants.services.backup.restoring import restore_in_place
from apps.tenants.services.backup.sources import Source
from apps.tenants.services.backup.tables import Session, Table, tables_of
from kernel.owner import owner_session
from tests.backups.conftest import LINCOLN, all_counts, schemas

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("lot", "waiting"), [(1, 1), (1 << 10, 1), (8 << 20, 3)])
def test_every_size_of_lot_brings_every_row_back(
    lot: int,
    waiting: int,
    lively: School,
    back_up: Callable[[], Source],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, source = all_counts(), back_up()
    monkeypatch.setattr(loaders, "LOT", lot)
    monkeypatch.setattr(loaders, "WAITING", waiting)
    monkeypatch.setattr(loaders, "BLOCK", 1)  # indexes off and on again for every table
    monkeypatch.setattr(candidates, "_check_books", lambda candidate: indexes_are_there(candidate))
    restore_in_place(source=source, school_id=1, actor="x")
    after = all_counts()
    gone = {"django_session", "fees_linkrequest", "identity_signinattempt", "external_delivery"}
    assert {name: rows for name, rows in after.items() if name not in gone} == {
        name: rows for name, rows in before.items() if name not in gone
    }


def indexes_are_there(candidate: candidates.Candidate) -> None:
    """As many, of the same form, as in the school itself."""
    query = """SELECT tablename, replace(indexdef, schemaname || '.', '') FROM pg_indexes
        WHERE schemaname = %s ORDER BY 1, 2"""
    with owner_session() as session:
        made = session.execute(query, [candidate.schema_name]).fetchall()
        assert made == session.execute(query, [LINCOLN]).fetchall()


def refuse(*_arguments: object) -> None:
    raise errors.UniqueViolation("two of the same")


def break_in_the_middle(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(blocks, b"")
    raise Damaged("part 7 was changed")


@pytest.mark.parametrize("lot", [1, 8 << 20])
def test_what_goes_wrong_in_a_loader_ends_the_restore(
    lot: int,
    lively: School,
    back_up: Callable[[], Source],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, rows, source = schemas(), all_counts(), back_up()
    monkeypatch.setattr(loaders, "LOT", lot)
    monkeypatch.setattr(loaders, "_copy_in", refuse)
    with pytest.raises(Incomparable, match="two of the same"):
        restore_in_place(source=source, school_id=1, actor="x")
    assert (schemas(), all_counts()) == (before, rows)


@pytest.mark.parametrize("lot", [1, 8 << 20])
def test_damage_in_the_middle_of_a_table_ends_it_too(
    lot: int,
    lively: School,
    back_up: Callable[[], Source],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, rows, source = schemas(), all_counts(), back_up()
    take = loaders.Loaders.take
    monkeypatch.setattr(loaders, "LOT", lot)
    monkeypatch.setattr(
        loaders.Loaders,
        "take",
        lambda self, table, blocks: take(self, table, break_in_the_middle(blocks)),
    )
    with pytest.raises(Damaged, match="part 7"):
        restore_in_place(source=source, school_id=1, actor="x")
    assert (schemas(), all_counts()) == (before, rows)


@pytest.fixture
def uneven(transactional_db: None) -> Iterator[tuple[Session, Table, list[bytes]]]:
    """A table and rows for it of which short ones find room in pages before."""
    lengths = [30 + number * 7919 % 1870 for number in range(600)]
    rows = [f"{number}\t{'x' * length}\n".encode() for number, length in enumerate(lengths)]
    with owner_session(autocommit=True) as session:
        loaders.look_into(session, LINCOLN)
        session.execute("CREATE TABLE uneven (number integer, words text)")
        try:
            [table] = [each for each in tables_of(session, LINCOLN) if each.name == "uneven"]
            yield session, table, rows
        finally:
            session.execute("DROP TABLE uneven")


def test_rows_may_come_to_lie_in_another_order(
    uneven: tuple[Session, Table, list[bytes]],
) -> None:
    session, table, rows = uneven
    loaded = loaders.fill(session, table, iter([b"".join(rows)]))
    lying = b"".join(copied_out(session, table)).splitlines(keepends=True)
    assert lying != rows
    assert sorted(lying) == sorted(rows)
    assert loaded.is_same


@pytest.mark.parametrize("other", [b"7\ty\n", b""])
def test_another_row_or_one_less_is_noticed(
    uneven: tuple[Session, Table, list[bytes]], other: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, table, rows = uneven
    monkeypatch.setattr(loaders, "copied_out", lambda *_of: [b"".join([*rows[:-1], other])])
    assert not loaders.fill(session, table, iter([b"".join(rows)])).is_same
