"""The counting itself: whatever is planted is found, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from chaos.counting import Count, Letters, Tally, broken_promises, count_school, waiting_in
from chaos.events import EXTERNAL, FLAKY, NAIVE, NAIVE_WAY, OUTBOX_WAY, PICKY, PLAIN
from chaos.tables import make_tables
from conftest import LINCOLN
from kernel.ids import uuid7
from kernel.owner import owner_session

STREAM, OTHER = uuid7(), uuid7()
HEARD = (PLAIN, FLAKY, PICKY, EXTERNAL)


class Books:
    """A school in which three events of a stream were written, and one that is poison."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self.session = session
        self.events = [self.write(number) for number in (1, 2, 3)]
        self.poison = self.write(1, stream_id=OTHER, poison=True)
        for event_id, number in zip(self.events, (1, 2, 3), strict=True):
            for consumer in HEARD:
                self.effect(consumer, event_id, number)
        for consumer in (PLAIN, FLAKY, EXTERNAL):
            self.effect(consumer, self.poison, 1, stream_id=OTHER)
        self.letter(self.poison)

    def write(
        self, number: int, *, stream_id: UUID = STREAM, way: str = OUTBOX_WAY, poison: bool = False
    ) -> UUID:
        event_id = uuid7()
        self.session.execute(
            "INSERT INTO chaos_written (event_id, stream_id, number, way, poison)"
            " VALUES (%s, %s, %s, %s, %s)",
            [event_id, stream_id, number, way, poison],
        )
        return event_id

    def effect(
        self, consumer: str, event_id: UUID, number: int, *, stream_id: UUID = STREAM
    ) -> None:
        self.session.execute(
            "INSERT INTO chaos_effect (consumer, event_id, stream_id, number)"
            " VALUES (%s, %s, %s, %s)",
            [consumer, event_id, stream_id, number],
        )

    def forget(self, consumer: str, event_id: UUID) -> None:
        self.session.execute(
            "DELETE FROM chaos_effect WHERE consumer = %s AND event_id = %s", [consumer, event_id]
        )

    def letter(self, event_id: UUID, *, consumer: str = PICKY) -> None:
        self.session.execute(
            "INSERT INTO dead_letter (event_id, consumer, stream_type, stream_id, seq, event_type,"
            " version, payload, headers, error) VALUES"
            " (%s, %s, 'chaos', %s, 1, 'chaos.noted', 1, '{}', '{}', 'Refused: never')",
            [event_id, consumer, OTHER],
        )

    def count(self) -> Count:
        return count_school(self.session, LINCOLN)


@pytest.fixture
def books(db: None) -> Iterator[Books]:
    """Rolled back: the owner's own transaction, which nobody else sees."""
    with owner_session() as session:
        session.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(LINCOLN)))
        make_tables(session, LINCOLN)
        yield Books(session)
        session.rollback()


def test_a_good_run_breaks_nothing(books: Books) -> None:
    count = books.count()

    assert broken_promises(count) == []
    assert count.consumers[PLAIN] == Tally(due=4)
    assert count.consumers[PICKY] == Tally(due=3)
    assert count.letters == Letters(due=1)


@pytest.mark.parametrize("consumer", HEARD)
def test_a_lost_event_is_found(books: Books, consumer: str) -> None:
    books.forget(consumer, books.events[1])

    assert books.count().consumers[consumer].lost == 1
    assert broken_promises(books.count()) == [f"{consumer}: 1 lost"]


@pytest.mark.parametrize("consumer", [PLAIN, FLAKY, PICKY])
def test_a_doubled_effect_is_found(books: Books, consumer: str) -> None:
    books.effect(consumer, books.events[0], 1)
    books.effect(consumer, books.events[2], 3)

    assert broken_promises(books.count()) == [f"{consumer}: 2 doubled"]


def test_a_repeated_call_to_the_outside_is_counted_and_allowed(books: Books) -> None:
    books.effect(EXTERNAL, books.events[0], 1)

    assert books.count().consumers[EXTERNAL] == Tally(due=4, doubled=1)
    assert broken_promises(books.count()) == []


@pytest.mark.parametrize("consumer", HEARD)
def test_an_effect_out_of_order_is_found(books: Books, consumer: str) -> None:
    books.forget(consumer, books.events[1])
    books.effect(consumer, books.events[1], 2)

    assert broken_promises(books.count()) == [f"{consumer}: 1 out of order"]


def test_other_streams_have_an_order_of_their_own(books: Books) -> None:
    late = books.write(2, stream_id=OTHER)
    for consumer in HEARD:
        books.effect(consumer, late, 2, stream_id=OTHER)

    assert broken_promises(books.count()) == []


def test_an_effect_of_an_event_that_was_never_committed_is_found(books: Books) -> None:
    books.effect(PLAIN, uuid7(), 4)

    assert broken_promises(books.count()) == [f"{PLAIN}: 1 uncalled for"]


def test_an_effect_of_a_handler_that_failed_is_found(books: Books) -> None:
    books.effect(PICKY, books.poison, 1, stream_id=OTHER)

    assert broken_promises(books.count()) == [f"{PICKY}: 1 uncalled for"]


def test_a_missing_letter_is_found(books: Books) -> None:
    books.session.execute("DELETE FROM dead_letter")

    assert broken_promises(books.count()) == ["dead letters: 1 missing"]


def test_a_letter_that_somebody_resolved_is_missing(books: Books) -> None:
    books.session.execute("UPDATE dead_letter SET resolved_at = now(), resolution = 'discarded'")

    assert books.count().letters == Letters(due=1, missing=1, surplus=1)


@pytest.mark.parametrize("consumer", [PICKY, PLAIN])
def test_a_second_letter_of_an_event_is_found(books: Books, consumer: str) -> None:
    books.letter(books.poison, consumer=consumer)

    assert broken_promises(books.count()) == ["dead letters: 1 surplus"]


def test_a_letter_of_a_good_event_is_found(books: Books) -> None:
    books.letter(books.events[0])

    assert broken_promises(books.count()) == ["dead letters: 1 surplus"]


def test_what_still_waits_is_found(books: Books) -> None:
    columns = "stream_type, stream_id, seq, event_type, version, payload, headers"
    values = "'chaos', uuidv7(), 1, 'chaos.noted', 1, '{}', '{}'"
    books.session.execute(f"INSERT INTO outbox_event ({columns}) VALUES ({values})")
    books.session.execute(
        f"INSERT INTO external_delivery (event_id, consumer, {columns})"
        f" VALUES (uuidv7(), 'chaos.external', {values})"
    )

    assert waiting_in(books.session, LINCOLN) == 2
    assert broken_promises(books.count()) == ["2 events and calls still wait"]


def test_the_naive_way_is_counted_and_promises_nothing(books: Books) -> None:
    stream_id = uuid7()
    first, second, _lost = (
        books.write(number, stream_id=stream_id, way=NAIVE_WAY) for number in (1, 2, 3)
    )
    books.effect(NAIVE, second, 2, stream_id=stream_id)
    books.effect(NAIVE, first, 1, stream_id=stream_id)
    books.effect(NAIVE, first, 1, stream_id=stream_id)

    count = books.count()

    assert count.consumers[NAIVE] == Tally(due=3, lost=1, doubled=1, out_of_order=1)
    assert broken_promises(count) == []


def test_schools_are_added_up(books: Books) -> None:
    books.forget(PLAIN, books.events[0])

    both = Count() + books.count() + books.count()

    assert both.consumers[PLAIN] == Tally(due=8, lost=2)
    assert both.letters == Letters(due=2)
