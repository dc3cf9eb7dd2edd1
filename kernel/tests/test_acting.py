"""Who acts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.acting import acting, current_actor, name_actor, part


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Whoever a test before this one has named."""
    with acting(""):
        yield


def test_the_innermost_name_counts_and_goes_with_its_block() -> None:
    assert current_actor() == "system"
    with acting("bea@example.org"):
        with acting(part("janitor")):
            assert current_actor() == "system: janitor"
        assert current_actor() == "bea@example.org"
    assert current_actor() == "system"


def test_a_name_is_asked_for_when_it_is_needed() -> None:
    names = ["early"]
    with acting(lambda: names[-1]):
        names.append("late")
        assert current_actor() == "late"


def test_nobody_is_the_system() -> None:
    with acting(""):
        assert current_actor() == "system"


def test_a_name_can_begin_and_end_in_different_places() -> None:
    name_actor("system: a task")
    try:
        assert current_actor() == "system: a task"
    finally:
        name_actor("")
    assert current_actor() == "system"
