"""The owner's locks: one at a time, and free at once when the work is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from kernel import owner
from kernel.owner import owner_lock, owner_session, try_lock
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db


def test_a_lock_is_one_holders_at_a_time() -> None:
    with owner_lock("painting") as first:
        assert first is not None
        with owner_lock("painting") as second, owner_lock("mowing") as other:
            assert (second, other is None) == (None, False)
        # who did not get it did not take it away either
        with owner_lock("painting") as third:
            assert third is None


def test_a_lock_is_free_at_once_though_the_server_ends_sessions_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with owner_session(autocommit=True) as lasting:
        with monkeypatch.context() as patched:
            patched.setattr(owner, "owner_session", _never_ending(lasting))
            with owner_lock("painting") as session:
                assert session is lasting
        with owner_lock("painting") as session:
            assert session is not None


def test_a_lock_is_free_when_the_work_fails_or_its_connection_is_lost() -> None:
    with pytest.raises(ZeroDivisionError), owner_lock("painting"):
        raise ZeroDivisionError
    with owner_lock("painting") as lost:
        assert lost is not None
        lost.close()

    # Its lock goes with the server's side of it, a moment later.
    with owner_session(autocommit=True) as session:
        assert wait_for(lambda: try_lock(session, "painting"))


def _never_ending(session: psycopg.Connection[Any]) -> Any:
    @contextmanager
    def give(*, autocommit: bool) -> Iterator[psycopg.Connection[Any]]:
        yield session

    return give
