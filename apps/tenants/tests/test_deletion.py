"""The end of a school: what is asked, what is kept until the day, what is left afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from django_redis import get_redis_connection

from apps.tenants import selectors
from apps.tenants.models import DeletedSchool, Domain, DueWork, Operation, OperatorAction, School
from apps.tenants.services import deletion, leftovers, operations
from apps.tenants.services.deletion import (
    delete_at_once,
    delete_due_schools,
    request_deletion,
    undo_deletion,
)
from apps.tenants.services.operations import OperationContext, operation, run_operation
from kernel.errors import Conflict, Invalid, NotFound, Unavailable
from kernel.files import media
from kernel.owner import owner_session
from kernel.schools import in_public

Published = Callable[[str], list[Any]]


@pytest.fixture(autouse=True)
def exported(db: None) -> Iterator[list[OperationContext]]:
    """In place of a backup something quick; what it was asked for."""
    kinds, send = dict(operations._kinds), operations._send
    operations.ask_keeper_with(None)
    made: list[OperationContext] = []

    @operation("backup", title="Backup")
    def backup(context: OperationContext) -> str:
        made.append(context)
        return f"backup number {len(made)}"

    yield made
    operations._kinds.clear()
    operations._kinds.update(kinds)
    operations.ask_keeper_with(send)


def _request(**more: Any) -> Any:
    values = {"school_id": 1, "typed": "lincoln", "reason": "Closed down", "actor": "olive"}
    return request_deletion(**{**values, **more})


def _school() -> School:
    return School.objects.get(pk=1)


def _day_has_come() -> None:
    School.objects.filter(pk=1).update(delete_after=timezone.now() - timedelta(minutes=1))


def test_it_closes_the_school_and_sets_the_day(
    db: None, settings: Any, published: Published
) -> None:
    settings.DELETE_GRACE_DAYS = 20

    assert _request().status == "deleting"

    school = _school()
    day = timezone.now() + timedelta(days=20)
    assert abs(school.delete_after - day) < timedelta(minutes=1)
    assert (school.status_reason, school.status_before) == ("Closed down", "active")
    [told] = published("tenants.school_deletion_requested")
    assert told["delete_after"] == school.delete_after.isoformat()
    action = OperatorAction.objects.get(school_id=1)
    assert (action.action, action.actor) == ("school.deletion_requested", "olive")


def test_an_export_is_asked_for_at_once(db: None, exported: list[OperationContext]) -> None:
    _request()

    export = Operation.objects.get(pk=_school().export_operation)
    assert (export.kind, export.school_id, export.actor) == ("backup", 1, "olive")
    assert run_operation(export.id) == "done"
    assert dict(exported[0].parameters) == {"purpose": "deletion"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"typed": ""}, "typed"),
        ({"typed": "Lincoln Elementary"}, "typed"),
        ({"typed": "sanmartin"}, "typed"),
        ({"reason": " "}, "reason"),
    ],
)
def test_without_the_right_word_nothing_happens(
    db: None, published: Published, change: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        _request(**change)

    assert refused.value.field == field
    assert _school().status == "active"
    assert not Operation.objects.exists()
    assert published("tenants.school_deletion_requested") == []


@pytest.mark.parametrize("status", ["active", "suspended", "archived"])
def test_undone_the_school_is_what_it_was(db: None, published: Published, status: str) -> None:
    School.objects.filter(pk=1).update(status=status)
    _request()

    assert undo_deletion(school_id=1, actor="olive").status == status

    school = _school()
    assert (school.delete_after, school.status_before, school.export_operation) == (None, "", None)
    assert published("tenants.school_deletion_undone")[0]["status"] == status
    _day_has_come()
    assert delete_due_schools() == 0


def test_only_what_is_being_deleted_can_be_undone_and_only_once_deleted(db: None) -> None:
    with pytest.raises(Conflict):
        undo_deletion(school_id=1, actor="olive")
    with pytest.raises(NotFound):
        _request(school_id=999)
    _request()
    with pytest.raises(Conflict):
        _request()


def test_before_its_day_nothing_is_deleted(db: None) -> None:
    _request()

    assert delete_due_schools() == 0
    operation_id = operations.start_operation(kind="delete_school", school_id=1, actor="eager")

    assert run_operation(operation_id) == "failed"
    assert "has not come" in Operation.objects.get(pk=operation_id).error
    assert leftovers.has_schema("t_000001")


def test_a_school_that_is_not_being_deleted_is_never_deleted(db: None) -> None:
    operation_id = operations.start_operation(kind="delete_school", school_id=1, actor="eager")

    assert run_operation(operation_id) == "failed"
    assert leftovers.has_schema("t_000001")


def test_the_nightly_round_asks_once_for_each(db: None) -> None:
    _request()
    _day_has_come()

    delete_due_schools()
    delete_due_schools()

    assert Operation.objects.filter(kind="delete_school", school_id=1).count() == 1


# Deleting, with real commits: the keeper has a connection of its own --------------------------


@pytest.fixture
def committed(transactional_db: None, exported: list[OperationContext]) -> list[OperationContext]:
    return exported


def _lincolns_traces() -> dict[str, bool]:
    with owner_session() as owner:
        role = owner.execute("SELECT 1 FROM pg_roles WHERE rolname = 't_000001'").fetchone()
        query = "SELECT 1 FROM public.outbox_ready WHERE tenant_id = 1"
        announced = owner.execute(query).fetchone()
    with in_public():
        return {
            "schema": leftovers.has_schema("t_000001"),
            "role": role is not None,
            "announced": announced is not None,
            "row": School.objects.filter(pk=1).exists(),
            "domains": Domain.objects.filter(tenant=1).exists(),
            "due work": DueWork.objects.filter(school_id=1).exists(),
            "files": media().exists("t_000001/documents/letters/letter.txt"),
            "cache": bool(get_redis_connection("default").keys("t_000001:*")),
        }


def _leave_traces() -> None:
    media().save("t_000001/documents/letters/letter.txt", ContentFile(b"Dear parents"))
    media().save("t_000002/documents/kept.txt", ContentFile(b"not Lincoln's"))
    get_redis_connection("default").set("t_000001:homeroom:1:figures", b"7")
    get_redis_connection("default").set("t_000002:homeroom:1:figures", b"7")
    with in_public():
        DueWork.objects.create(school_id=1, task="payments.tidy_school")
    with owner_session() as owner:
        owner.execute(
            "INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id)"
            " VALUES (1, 0, 1, 1)"
        )


def test_on_its_day_everything_goes_and_a_stone_stays(
    committed: list[OperationContext], published: Published, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    _leave_traces()
    assert all(v for k, v in _lincolns_traces().items() if k != "role")
    _request()
    export = _school().export_operation
    run_operation(export)
    _day_has_come()
    delete_due_schools()

    work = Operation.objects.get(kind="delete_school")
    assert run_operation(work.id) == "done", Operation.objects.get(pk=work.id).error

    assert {k: v for k, v in _lincolns_traces().items() if k != "role"} == {
        "schema": False,
        "announced": False,
        "row": False,
        "domains": False,
        "due work": False,
        "files": False,
        "cache": False,
    }
    assert len(committed) == 1, "the export of the request is good enough"
    stone = DeletedSchool.objects.get(pk=1)
    assert (stone.slug, stone.name, stone.reason) == (
        "lincoln",
        "Lincoln Elementary",
        "Closed down",
    )
    assert (stone.requested_by, stone.export) == ("olive", "backup number 1")
    assert stone.domains == ["lincoln.testserver"]
    assert published("tenants.school_deleted")[0]["slug"] == "lincoln"
    actions = OperatorAction.objects.filter(school_id=1).order_by("at")
    assert [a.action for a in actions] == ["school.deletion_requested", "school.deleted"]
    # The neighbour has lost nothing.
    assert media().exists("t_000002/documents/kept.txt")
    assert get_redis_connection("default").get("t_000002:homeroom:1:figures") == b"7"
    assert leftovers.has_schema("t_000002")
    # Once more changes nothing, and the short name is free.
    assert run_operation(operations.start_operation(kind="delete_school", school_id=1, actor="x"))
    with pytest.raises(NotFound):
        selectors.find_school("lincoln")


@pytest.mark.parametrize("step", ["delete_files", "drop_schemas", "forget_cache"])
def test_killed_at_any_step_it_is_begun_again(
    committed: list[OperationContext], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    _request()
    _day_has_come()
    real = getattr(leftovers, step)

    def killed(*args: Any) -> Any:
        real(*args)
        raise SystemExit

    monkeypatch.setattr(leftovers, step, killed)
    work = operations.start_operation(kind="delete_school", school_id=1, actor="beat")
    with pytest.raises(SystemExit):
        run_operation(work)
    monkeypatch.setattr(leftovers, step, real)
    assert School.objects.filter(pk=1).exists()
    with pytest.raises(Conflict, match="Too late"):
        undo_deletion(school_id=1, actor="olive")
    Operation.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    operations.sweep_operations()

    assert run_operation(work) == "done"
    assert not any(v for k, v in _lincolns_traces().items() if k != "role")


def test_without_an_export_nothing_is_deleted(
    committed: list[OperationContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    @operation("backup")
    def fails(context: OperationContext) -> str:
        raise Unavailable("The storage does not answer.")

    _request()
    run_operation(_school().export_operation)
    _day_has_come()
    work = operations.start_operation(kind="delete_school", school_id=1, actor="beat")

    assert run_operation(work) == "failed"

    assert Operation.objects.get(pk=work).error == "The storage does not answer."
    assert leftovers.has_schema("t_000001")
    # Nothing has gone, so it can still be undone.
    assert undo_deletion(school_id=1, actor="olive").status == "active"


def test_an_undo_during_the_export_wins(committed: list[OperationContext]) -> None:
    @operation("backup")
    def undone_meanwhile(context: OperationContext) -> str:
        undo_deletion(school_id=1, actor="olive")
        return "a backup"

    _request()
    _day_has_come()
    work = operations.start_operation(kind="delete_school", school_id=1, actor="beat")

    assert run_operation(work) == "failed"

    assert _school().status == "active"
    assert leftovers.has_schema("t_000001")


@pytest.mark.parametrize(("without_export", "exports"), [(False, 1), (True, 0)])
def test_at_once_for_a_command(
    committed: list[OperationContext], without_export: bool, exports: int
) -> None:
    told = delete_at_once(
        school_id=1, reason="A trial", actor="manage.py", without_export=without_export
    )

    assert told.startswith("Lincoln Elementary is deleted")
    assert len(committed) == exports
    assert DeletedSchool.objects.get(pk=1).export == ("backup number 1" if exports else "")


def test_at_once_brings_a_day_forward(committed: list[OperationContext]) -> None:
    _request()
    run_operation(_school().export_operation)

    delete_at_once(school_id=1, reason="", actor="manage.py")

    assert DeletedSchool.objects.get(pk=1).reason == "Closed down"
    assert len(committed) == 1


def test_an_installation_without_backups_deletes_only_when_told_to_go_without(
    committed: list[OperationContext],
) -> None:
    del operations._kinds["backup"]

    with pytest.raises(Unavailable, match="cannot be exported"):
        delete_at_once(school_id=1, reason="A trial", actor="manage.py")

    assert _school().status == "deleting"
    delete_at_once(school_id=1, reason="A trial", actor="manage.py", without_export=True)
    assert deletion.selectors.find_deleted(school_id=1) is not None
