"""An import is undone exactly, or refused with the reason."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.students import facade
from apps.students.models import Guardian, SchoolClass, Student
from apps.students.services import guardians, imports, students, undo
from apps.students.services.guardians import GuardianDetails
from apps.students.services.students import StudentDetails
from apps.students.tests.factories import SchoolClassFactory, StudentFactory
from apps.students.tests.importing import (
    ANA,
    EVA,
    NOAH,
    AuditEntry,
    OutboxEvent,
    check,
    run,
    state_of_the_school,
)
from kernel.errors import Conflict


def test_undo_removes_exactly_what_was_created(school: Any) -> None:
    run(NOAH)
    before = state_of_the_school()
    record = run(ANA, EVA)

    undone = undo.undo_import(import_id=record.id, actor="admin@example.org")

    assert undone.state == "undone"
    assert state_of_the_school() == before
    event = OutboxEvent.objects.latest("id")
    assert event.event_type == "students.families_import_undone"
    assert len(event.payload["student_ids"]) == 2
    assert AuditEntry.objects.filter(action="students.families_import_undone").count() == 1


def test_undo_restores_exactly_what_was_changed(school: Any) -> None:
    run(ANA, NOAH)
    before = state_of_the_school()
    record = run(
        "1001,Anna,García Ruiz,2017-03-15,4A,Mary López,maria@example.com,777,guardian,no,"
        "Juan García,juan@example.com,,father",
        NOAH.replace("wei@example.com", "wei.chen@example.com"),
        EVA,
    )
    assert record.totals["updated_students"] == 1
    assert record.totals["updated_guardians"] == 2
    assert state_of_the_school() != before

    undo.undo_import(import_id=record.id, actor="x")

    assert state_of_the_school() == before


def test_undone_file_can_be_imported_again(school: Any) -> None:
    undo.undo_import(import_id=run(ANA).id, actor="x")

    assert run(ANA).totals["new_students"] == 1


@pytest.mark.parametrize("state", ["dry_run", "undone"])
def test_only_a_finished_import_can_be_undone(school: Any, state: str) -> None:
    record = check(ANA)
    if state == "undone":
        imports.import_families(import_id=record.id, actor="x")
        undo.undo_import(import_id=record.id, actor="x")

    with pytest.raises(Conflict) as refused:
        undo.undo_import(import_id=record.id, actor="x")

    assert refused.value.code == "not_imported"


def edit_student() -> None:
    students.update_student(
        student_id=Student.objects.get(number="1001").id,
        details=StudentDetails(number="1001", first_name="Ana", last_name="Other"),
        class_id=None,
        actor="x",
    )


def edit_guardian() -> None:
    guardians.update_guardian(
        guardian_id=Guardian.objects.get(email="maria@example.com").id,
        details=GuardianDetails(name="María López", email="maria@example.com", phone="9"),
        actor="x",
    )


def give_account() -> None:
    guardians.link_account(user_id=uuid4(), email="maria@example.com")


def add_sibling_by_hand() -> None:
    students.enrol_student(
        details=StudentDetails(number="77", first_name="Leo", last_name="García"),
        class_id=SchoolClassFactory(name="9Z").id,
        guardian=GuardianDetails(name="María López", email="maria@example.com"),
        actor="x",
    )


def add_classmate() -> None:
    StudentFactory(school_class=SchoolClass.objects.get(name="3A"))


def import_more() -> None:
    run(ANA.replace("3A", "3B"))


def withdraw() -> None:
    students.withdraw_student(student_id=Student.objects.get(number="1001").id, actor="x")


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (edit_student, "Changed since the import: Ana Other."),
        (edit_guardian, "Changed since the import: María López."),
        (give_account, "Guardians have an account by now: María López."),
        (add_sibling_by_hand, "Students joined its families later: Leo García."),
        (add_classmate, "1 other student is in a class that it created."),
        (import_more, "Changed since the import: Ana García."),
        (withdraw, "Changed since the import: Ana García."),
    ],
)
def test_undo_is_refused_with_the_reason(school: Any, later: Any, reason: str) -> None:
    record = run(ANA)
    later()
    before = state_of_the_school()

    with pytest.raises(undo.UndoRefused) as refused:
        undo.undo_import(import_id=record.id, actor="x")

    assert refused.value.reasons == [reason]
    assert state_of_the_school() == before
    record.refresh_from_db()
    assert record.state == "imported"


def test_undo_asks_the_guards_of_other_apps(school: Any, monkeypatch: Any) -> None:
    asked: list[list[UUID]] = []

    def guard(student_ids: list[UUID]) -> list[str]:
        asked.append(student_ids)
        return ["An invoice was posted."]

    monkeypatch.setattr(undo, "_guards", [])
    facade.register_undo_guard(guard)
    facade.register_undo_guard(guard)
    record = run(ANA)

    with pytest.raises(undo.UndoRefused) as refused:
        undo.undo_import(import_id=record.id, actor="x")

    assert refused.value.reasons == ["An invoice was posted."]
    assert asked == [[Student.objects.get().id]]
