"""Operations: asked for, done once, told how it went, whatever kills the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from apps.tenants.models import Operation
from apps.tenants.services import operations
from apps.tenants.services.operations import (
    OperationContext,
    operation,
    run_here,
    run_operation,
    start_operation,
    sweep_operations,
)
from kernel.errors import Conflict, Invalid, NotFound, Unavailable
from kernel.owner import owner_lock, owner_session
from kernel.schools import in_public


@pytest.fixture(autouse=True)
def asked(db: None) -> Iterator[list[str]]:
    """What the keeper was asked to do."""
    before, kinds = operations._send, dict(operations._kinds)
    sent: list[str] = []
    operations.ask_keeper_with(sent.append)
    yield sent
    operations.ask_keeper_with(before)
    operations._kinds.clear()
    operations._kinds.update(kinds)


@pytest.fixture
def counting() -> list[OperationContext]:
    """A kind of operation that counts to three; the contexts it was run with."""
    ran: list[OperationContext] = []

    @operation("count", title="Counting")
    def count(context: OperationContext) -> str:
        ran.append(context)
        for number in (1, 2, 3):
            context.progress(number, 3, f"number {number}")
        return f"counted for {context.parameters['whom']}"

    return ran


def _start(**more: Any) -> UUID:
    values = {"kind": "count", "school_id": 1, "actor": "olive", "parameters": {"whom": "Lincoln"}}
    return start_operation(**{**values, **more})


def _row(operation_id: UUID) -> Operation:
    with in_public():
        return Operation.objects.get(pk=operation_id)


def test_it_is_asked_for_at_once_and_announced_after_the_commit(
    counting: list[OperationContext],
    asked: list[str],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        operation_id = _start()
        assert asked == []

    assert asked == [str(operation_id)]
    row = _row(operation_id)
    assert (row.state, row.kind, row.school_id, row.actor) == ("waiting", "count", 1, "olive")
    assert counting == []


def test_a_broker_that_is_away_loses_nothing(
    counting: list[OperationContext], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    def away(_operation_id: str) -> None:
        raise ConnectionError("redis is away")

    operations.ask_keeper_with(away)
    with django_capture_on_commit_callbacks(execute=True):
        operation_id = _start()

    assert _row(operation_id).state == "waiting"


def test_the_keeper_does_it_and_says_what_came_out(counting: list[OperationContext]) -> None:
    operation_id = _start()

    assert run_operation(operation_id) == "done"

    row = _row(operation_id)
    assert row.result == "counted for Lincoln"
    assert (row.done, row.total, row.error) == (3, 3, "")
    assert row.started_at is not None
    assert row.finished_at is not None
    assert [(c.school_id, c.actor, dict(c.parameters)) for c in counting] == [
        (1, "olive", {"whom": "Lincoln"})
    ]


def test_a_second_message_does_nothing(counting: list[OperationContext]) -> None:
    operation_id = _start()
    run_operation(operation_id)

    assert run_operation(operation_id) == ""
    assert len(counting) == 1


def test_two_keepers_do_not_do_it_twice(counting: list[OperationContext]) -> None:
    operation_id = _start()
    with owner_lock(operations._lock_name(operation_id)) as other:
        assert other is not None

        assert run_operation(operation_id) == ""

    assert _row(operation_id).state == "waiting"
    assert counting == []


def test_a_refusal_is_told_as_it_is(db: None) -> None:
    @operation("refuse")
    def refuse(context: OperationContext) -> str:
        raise Invalid("The school has no such table.")

    operation_id = _start(kind="refuse")

    assert run_operation(operation_id) == "failed"
    assert _row(operation_id).error == "The school has no such table."


def test_an_unexpected_error_tells_its_kind_and_no_secret(db: None) -> None:
    @operation("crash")
    def crash(context: OperationContext) -> str:
        raise RuntimeError("password=hunter2")

    operation_id = _start(kind="crash")

    assert run_operation(operation_id) == "failed"
    assert "RuntimeError" in _row(operation_id).error
    assert "hunter2" not in _row(operation_id).error


def test_a_kind_that_nobody_registered_is_refused_and_one_of_another_release_fails(
    counting: list[OperationContext],
) -> None:
    with pytest.raises(Unavailable, match="cannot do"):
        _start(kind="nonsense")

    operation_id = _start()
    operations._kinds.clear()

    assert run_operation(operation_id) == "failed"
    assert "does not know" in _row(operation_id).error
    assert operations.title_of("count") == "count"


def test_once_gives_the_one_under_way(counting: list[OperationContext]) -> None:
    first = _start(once=True)

    assert _start(once=True) == first
    assert _start(once=True, school_id=2) != first
    run_operation(first)
    assert _start(once=True) != first


def test_a_command_does_it_here_and_it_is_recorded(counting: list[OperationContext]) -> None:
    heard: list[tuple[int, int, str]] = []

    result = run_here(
        kind="count",
        school_id=1,
        actor="manage.py",
        parameters={"whom": "a command"},
        on_progress=lambda *said: heard.append(said),
    )

    assert result == "counted for a command"
    assert heard[-1] == (3, 3, "number 3")
    row = Operation.objects.get(kind="count")
    assert (row.state, row.actor, row.result) == ("done", "manage.py", result)


def test_a_command_gets_the_error_and_the_row_too(db: None) -> None:
    @operation("refuse")
    def refuse(context: OperationContext) -> str:
        raise Conflict("Not now.")

    with pytest.raises(Conflict, match=r"Not now\."):
        run_here(kind="refuse", actor="manage.py")

    assert Operation.objects.get(kind="refuse").error == "Not now."


def test_without_the_owners_address_a_command_says_so(
    counting: list[OperationContext], settings: Any
) -> None:
    settings.OWNER_DATABASE = None

    with pytest.raises(Unavailable, match="DATABASE_OWNER_URL"):
        run_here(kind="count", actor="manage.py", parameters={"whom": "x"})


def test_an_unknown_operation_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        operations.get_operation(UUID(int=1))


# Looking after them ---------------------------------------------------------------------------


def _silent(**values: Any) -> UUID:
    """An operation that somebody began, and of whom nothing was heard for a minute."""
    before = timezone.now() - timedelta(minutes=1)
    with in_public():
        return Operation.objects.create(
            state="running",
            attempts=values.pop("attempts", 1),
            school_id=1,
            actor="olive",
            started_at=before,
            heartbeat_at=before,
            **values,
        ).id


def test_what_waits_is_asked_for_again(counting: list[OperationContext], asked: list[str]) -> None:
    operation_id = _start()
    assert sweep_operations() == 0, "it is too young"
    Operation.objects.update(created_at=timezone.now() - timedelta(minutes=1))

    assert sweep_operations() == 1
    assert asked == [str(operation_id)]


def test_work_whose_process_is_gone_has_failed(counting: list[OperationContext]) -> None:
    operation_id = _silent(kind="count")

    assert sweep_operations() == 1

    row = _row(operation_id)
    assert row.state == "failed"
    assert row.error.startswith("Interrupted")
    assert row.finished_at is not None


def test_work_that_may_be_repeated_is_begun_again_a_few_times(db: None) -> None:
    @operation("repeatable", restarts=True)
    def repeat(context: OperationContext) -> str:
        return "done at last"

    again = _silent(kind="repeatable")
    never = _silent(kind="repeatable", attempts=3)

    sweep_operations()

    assert _row(again).state == "waiting"
    assert run_operation(again) == "done"
    assert _row(again).attempts == 2
    assert _row(never).state == "failed"


def test_silent_work_whose_process_lives_is_left_alone(counting: list[OperationContext]) -> None:
    operation_id = _silent(kind="count")
    with owner_lock(operations._lock_name(operation_id)):
        assert sweep_operations() == 0

    assert _row(operation_id).state == "running"
    assert sweep_operations() == 1


@pytest.mark.django_db(transaction=True)
def test_progress_shows_while_the_work_has_a_transaction_open(asked: list[str]) -> None:
    seen: list[tuple[str, int, int, str]] = []

    @operation("slow")
    def slow(context: OperationContext) -> str:
        from django.db import transaction

        with transaction.atomic():
            context.progress(2, 8, "two of eight")
            with owner_session() as other:
                query = "SELECT state, done, total, note FROM public.tenants_operation WHERE id=%s"
                seen.append(other.execute(query, [context.operation_id]).fetchone())
        return ""

    operation_id = _start(kind="slow")
    run_operation(operation_id)

    assert seen == [("running", 2, 8, "two of eight")]
    assert connection.in_atomic_block is False


def test_notes_longer_than_their_place_are_cut(db: None) -> None:
    @operation("wordy")
    def wordy(context: OperationContext) -> str:
        context.progress(1, 1, "x" * 500)
        return "y" * 500

    operation_id = _start(kind="wordy")

    assert run_operation(operation_id) == "done"
    assert len(_row(operation_id).result) == 500
