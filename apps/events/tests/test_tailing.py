"""Followers of the store miss nothing, and wait for nobody but appends of their own school."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.events import facade as events
from apps.events.services import tailing
from apps.events.tests.lessons import LessonHeld
from kernel.ids import uuid7
from kernel.owner import owner_session
from kernel.schools import in_school

pytestmark = pytest.mark.django_db(transaction=True)
LINCOLN = "t_000001"


def append(note: str, stream: UUID | None = None) -> None:
    lesson = LessonHeld(note=note, teacher="Ada")
    events.append("lesson", stream or uuid7(), expected_version=0, events=[lesson])


@contextmanager
def appending(note: str) -> Iterator[Any]:
    """An append whose transaction stays open, on a connection of its own; call it to commit."""
    written, finish = Flag(), Flag()

    def work() -> None:
        try:
            with in_school(LINCOLN), transaction.atomic():
                append(note)
                written.set()
                finish.wait(20)
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    try:
        assert written.wait(20)
        yield lambda: (finish.set(), thread.join(20))
    finally:
        finish.set()
        thread.join(20)


def follow(**more: Any) -> list[str]:
    seen: list[str] = []
    events.follow("diary", lambda found: seen.extend(one.event.note for one in found), **more)
    return seen


@pytest.fixture
def lincoln(committed_school: Any) -> Iterator[None]:
    with in_school(LINCOLN):
        yield


def test_events_come_once_in_order_and_in_parts(lincoln: None) -> None:
    for note in "abc":
        append(note)
    assert follow(limit=2) == ["a", "b"]
    assert follow(limit=2) == ["c"]
    assert follow() == []
    append("d")
    assert follow() == ["d"]


def test_an_earlier_id_that_commits_later_is_not_missed(lincoln: None) -> None:
    with appending("slow") as commit:
        append("quick")
        assert follow(patience=0.1) == []
        commit()
    assert follow() == ["slow", "quick"]


def test_a_transaction_that_has_nothing_to_do_with_it_holds_nobody_up(lincoln: None) -> None:
    append("a")
    with owner_session() as other:
        other.execute("UPDATE t_000001.snapshot SET version = 1")
        other.execute(
            "INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id)"
            " VALUES (2, 0, 1, 1)"
        )
        assert follow(patience=0.1) == ["a"]
        other.rollback()


def test_another_schools_append_holds_nobody_up(lincoln: None, in_other_school: Any) -> None:
    append("a")
    with owner_session() as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(%s, 2)", [tailing.APPENDING])
        assert follow(patience=0.1) == ["a"]
        other.rollback()


def test_what_fails_is_given_again(lincoln: None) -> None:
    append("a")

    def fail(_found: Any) -> None:
        raise ValueError("no ink")

    with pytest.raises(ValueError, match="no ink"):
        events.follow("diary", fail)
    assert follow() == ["a"]


def test_followers_are_apart(lincoln: None) -> None:
    append("a")
    assert follow() == ["a"]
    seen: list[str] = []
    events.follow("register", lambda found: seen.extend(one.event.note for one in found))
    assert seen == ["a"]
    assert tailing.position_of("register") == tailing.position_of("diary") > 0
