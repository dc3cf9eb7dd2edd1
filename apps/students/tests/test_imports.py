"""Importing families: dry run, import, re-import, undo."""

import itertools
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.utils import timezone

from apps.students import facade
from apps.students.models import (
    Enrolment,
    FamilyImport,
    Guardian,
    Guardianship,
    Household,
    SchoolClass,
    Student,
)
from apps.students.selectors import people
from apps.students.services import guardians, imports, students, undo
from apps.students.services.guardians import GuardianDetails
from apps.students.services.students import StudentDetails
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory, StudentFactory
from kernel.errors import Conflict, Invalid

OutboxEvent = apps.get_model("events", "OutboxEvent")
AuditEntry = apps.get_model("identity", "AuditEntry")
HEADER = (
    "number,first_name,last_name,dob,class,"
    "guardian1_name,guardian1_email,guardian1_phone,guardian1_relationship,guardian1_pays,"
    "guardian2_name,guardian2_email,guardian2_phone,guardian2_relationship"
)
ANA = "1001,Ana,García,2017-03-14,3A,María López,maria@example.com,555-1,mother,yes,,,,"
EVA = "1002,Eva,García,2019-05-01,1A,María López,maria@example.com,555-1,mother,yes,,,,"
NOAH = "1003,Noah,Chen,,3A,Wei Chen,wei@example.com,,father,,Lin Chen,,555-2,mother"

MODELS = (Household, Guardian, Student, Guardianship, Enrolment, SchoolClass)


def csv_of(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def check(*rows: str) -> FamilyImport:
    return imports.check_families_file(
        content=csv_of(*rows), file_name="families.csv", actor="bursar@example.org"
    )


def run(*rows: str, **more: bool) -> FamilyImport:
    return imports.import_families(import_id=check(*rows).id, actor="bursar@example.org", **more)


def state_of_the_school() -> dict[str, Any]:
    return {model.__name__: {row["id"]: row for row in model.objects.values()} for model in MODELS}


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in MODELS)


def test_dry_run_counts_and_writes_only_its_record(school: Any) -> None:
    record = check(ANA, EVA, NOAH, "1004,,X,,3A,,,,,,,,,")

    assert record.state == "dry_run"
    assert record.totals == {
        "rows": 4,
        "bad_rows": 1,
        "new_students": 3,
        "updated_students": 0,
        "unchanged_students": 0,
        "new_guardians": 3,
        "updated_guardians": 0,
        "joined_siblings": 1,
        "new_families": 2,
        "new_classes": ["3A", "1A"],
    }
    assert record.problems == [{"line": 5, "column": "first name", "reason": "This cell is empty."}]
    assert counts() == (0, 0, 0, 0, 0, 0)
    assert OutboxEvent.objects.count() == 0


def test_import_makes_students_guardians_classes_and_one_household_for_siblings(
    school: Any,
) -> None:
    record = run(ANA, EVA, NOAH)

    assert record.state == "imported"
    ana, eva, noah = (Student.objects.get(number=n) for n in ("1001", "1002", "1003"))
    maria = Guardian.objects.get(email="maria@example.com")
    assert ana.household_id == eva.household_id == maria.household_id != noah.household_id
    assert (ana.date_of_birth, maria.phone) == (date(2017, 3, 14), "555-1")
    assert [s.number for s in facade.children_of(maria.id)] == ["1001", "1002"]
    assert [(c.name, c.student_count) for c in facade.list_classes()] == [("1A", 1), ("3A", 2)]
    links = people.guardianships_of(noah.id)
    assert [(x.guardian.name, x.relationship, x.pays, x.contact_order) for x in links] == [
        ("Wei Chen", "father", True, 1),
        ("Lin Chen", "mother", True, 2),
    ]


def test_import_tells_the_others_once_and_is_audited(school: Any) -> None:
    record = run(ANA, EVA)

    event = OutboxEvent.objects.get()
    assert event.event_type == "students.families_imported"
    assert event.payload["import_id"] == str(record.id)
    assert set(event.payload["student_ids"]) == {str(s.id) for s in Student.objects.all()}
    entry = AuditEntry.objects.get(action="students.families_imported")
    assert (entry.actor, entry.subject) == ("bursar@example.org", "families.csv")
    assert entry.detail["new_students"] == 2


def test_bad_rows_block_until_the_good_ones_are_chosen(school: Any) -> None:
    record = check(ANA, "1004,,X,,3A,,,,,,,,,")

    with pytest.raises(Invalid) as refused:
        imports.import_families(import_id=record.id, actor="x")
    assert refused.value.code == "bad_rows"
    assert Student.objects.count() == 0

    imports.import_families(import_id=record.id, actor="x", skip_bad_rows=True)
    assert [s.number for s in Student.objects.all()] == ["1001"]


def test_file_without_a_good_row_is_refused(school: Any) -> None:
    record = check("1004,,X,,3A,,,,,,,,,")

    with pytest.raises(Invalid) as refused:
        imports.import_families(import_id=record.id, actor="x", skip_bad_rows=True)

    assert refused.value.code == "no_rows"


def test_import_twice_is_refused(school: Any) -> None:
    record = run(ANA)

    with pytest.raises(Conflict) as refused:
        imports.import_families(import_id=record.id, actor="x")

    assert refused.value.code == "already_imported"
    assert Student.objects.count() == 1


def test_same_file_again_changes_nothing(school: Any) -> None:
    rows = (
        ANA,
        EVA,
        NOAH,
        "1005,Iris,Lee,,K,Jo Lee,,555-9,mother,no,,,,",
        "1006,Max,Lee,,K,Jo Lee,,555-9,mother,no,Kim Lee,kim@example.com,,",
        "1007,Uma,Diaz,,K,Luz Diaz,,,,,,,,",
        "1008,Teo,Diaz,,K,LUZ  DIAZ,luz@example.com,1,,,,,,",
        "1009,Ada,Diaz,,K,Luz M. Diaz,luz@example.com,2,,,,,,",
    )
    run(*rows)
    before = state_of_the_school()

    again = run(*rows)

    assert state_of_the_school() == before
    totals = again.totals
    assert (totals["unchanged_students"], totals["updated_students"]) == (8, 0)
    assert (totals["new_students"], totals["new_guardians"], totals["updated_guardians"]) == (
        0,
        0,
        0,
    )


def test_first_row_that_fills_a_cell_wins_whatever_the_order(school: Any) -> None:
    """In every order of rows that disagree about a guardian, importing again changes nothing."""
    rows = [
        "1,Ana,Diaz,,K,Luz Diaz,luz@example.com,1,mother,,,,,",
        "2,Teo,Diaz,,K,Luz M. Diaz,luz@example.com,2,,,,,,",
        "3,Uma,Diaz,,K,Luz Diaz,,1,,,,,,",
        "1x,Ivo,Diaz,,K,Luz Diaz,,,,,Pau Diaz,luz@example.com,,",
    ]
    for order in itertools.permutations(rows):
        run(*order)
        before = state_of_the_school()
        record = run(*order)
        assert state_of_the_school() == before, order
        assert record.totals["unchanged_students"] == 4


def test_known_guardian_is_found_by_email_and_brings_the_household(school: Any) -> None:
    maria = GuardianFactory(email="maria@example.com", name="María López", phone="555-1")

    record = run(ANA.replace("maria@", "Maria@"))

    assert Guardian.objects.count() == 1
    assert Student.objects.get().household_id == maria.household_id
    assert record.totals["new_guardians"] == 0
    assert record.totals["new_families"] == 0


def test_guardian_of_the_same_student_and_name_gets_the_new_email(school: Any) -> None:
    run("1001,Ana,García,,3A,María López,,,mother,,,,,")

    record = run(ANA)

    maria = Guardian.objects.get()
    assert (maria.email, maria.phone) == ("maria@example.com", "555-1")
    assert record.totals["updated_guardians"] == 1
    assert people.search_students("garcia")[0].number == "1001"
    assert [g.name for g in people.guardian_rows(text="maria@")] == ["María López"]


def test_two_addresses_under_one_name_are_pointed_out_before_the_import(school: Any) -> None:
    row = "1009,Leo,Ruiz,,2B,Ana Ruiz,ana@example.com,,,,Ana Ruiz,grandma@example.com,,"

    record = check(row)

    (notice,) = record.notices
    assert notice["line"] == 2
    assert "guardian 2" in notice["column"]
    assert "ana@example.com" in notice["reason"]
    assert "two people" in notice["reason"]


def test_a_corrected_address_of_a_known_guardian_is_pointed_out_too(school: Any) -> None:
    run(ANA)

    record = check(ANA.replace("maria@example.com", "m.lopez@example.com"))

    assert "m.lopez@example.com will be the address" in record.notices[0]["reason"]


def test_a_file_that_names_people_apart_has_no_such_notice(school: Any) -> None:
    assert check(ANA, EVA).notices == []


def test_changed_addresses_are_told_once_by_key(school: Any) -> None:
    run(ANA)
    guardian = Guardian.objects.get(email="maria@example.com")

    record = run(ANA.replace("maria@example.com", "m.lopez@example.com"))
    undo.undo_import(import_id=record.id, actor="office")

    told = OutboxEvent.objects.filter(event_type="students.guardian_emails_changed")
    assert list(told.values_list("payload", flat=True)) == [
        {"guardian_ids": [str(guardian.pk)]},
        {"guardian_ids": [str(guardian.pk)]},
    ]


def test_separated_parents_keep_their_own_households(school: Any) -> None:
    run(
        "1,Ana,García,,3A,María López,maria@example.com,,mother,,,,,",
        "2,Leo,Ruiz,,3A,Juan Ruiz,juan@example.com,,father,,,,,",
    )

    run("3,Pau,Ruiz,,1A,María López,maria@example.com,,,,Juan Ruiz,juan@example.com,,")

    maria, juan = (Guardian.objects.get(email=f"{n}@example.com") for n in ("maria", "juan"))
    assert maria.household_id != juan.household_id
    assert Student.objects.get(number="3").household_id == maria.household_id
    assert {s.number for s in facade.children_of(juan.id)} == {"2", "3"}


def test_empty_cells_leave_what_is_known_alone(school: Any) -> None:
    run(ANA)

    record = run("1001,Ana,García,,3A,,maria@example.com,,,,,,,".replace(",,maria", ",M,maria"))

    maria = Guardian.objects.get()
    assert (maria.phone, Student.objects.get().date_of_birth) == ("555-1", date(2017, 3, 14))
    assert Guardianship.objects.get().relationship == "mother"
    assert record.totals["updated_guardians"] == 1


def test_student_moves_to_another_class_and_comes_back(school: Any) -> None:
    run(ANA)

    record = run(ANA.replace("3A", "3B"))

    student = Student.objects.get()
    assert people.get_student(student.id).class_name == "3B"
    assert [e.class_name for e in people.enrolments_of(student.id)] == ["3B", "3A"]
    assert record.totals["updated_students"] == 1

    students.withdraw_student(student_id=student.id, actor="x")
    run(ANA)
    assert people.get_student(student.id).class_name == "3A"


def test_class_names_differ_by_more_than_case_and_spaces(school: Any) -> None:
    SchoolClassFactory(name="Year 3")

    run(ANA.replace("3A", "year  3"))

    assert SchoolClass.objects.count() == 1


def test_import_takes_a_fixed_number_of_queries(
    school: Any, django_assert_max_num_queries: Any
) -> None:
    def rows(count: int, start: int) -> list[str]:
        return [
            f"{n},Ana,Nr{n},,{n % 8}A,P{n},p{n // 2}@example.com,,mother,,Q{n},,555-{n},"
            for n in range(start, start + count)
        ]

    for size, start in ((5, 0), (400, 1000)):
        record = check(*rows(size, start))
        with django_assert_max_num_queries(24):
            imports.import_families(import_id=record.id, actor="x")
    assert Student.objects.count() == 405


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


def test_discard_forgets_a_checked_file_only(school: Any) -> None:
    waiting, done = check(ANA), run(EVA)

    imports.discard_import(import_id=waiting.id)
    with pytest.raises(Conflict):
        imports.discard_import(import_id=done.id)

    assert [record.id for record in FamilyImport.objects.all()] == [done.id]


def test_checked_files_are_forgotten_after_two_weeks(school: Any) -> None:
    old = check(ANA)
    FamilyImport.objects.update(uploaded_at=timezone.now() - timedelta(days=15))

    new = check(EVA)

    assert [record.id for record in FamilyImport.objects.all()] == [new.id]
    assert old.id != new.id


def test_rows_are_not_kept_once_imported(school: Any) -> None:
    record = run(ANA)
    record.refresh_from_db()

    assert record.rows == []


def test_import_stays_in_its_school(school: Any, in_other_school: Any) -> None:
    run(ANA)

    with in_other_school():
        assert counts() == (0, 0, 0, 0, 0, 0)
        assert FamilyImport.objects.count() == 0


def test_day_comes_first_in_a_spanish_school(school: Any, in_other_school: Any) -> None:
    row = ANA.replace("2017-03-14", "03/04/2017")
    run(row)
    assert Student.objects.get().date_of_birth == date(2017, 3, 4)

    with in_other_school():
        run(row)
        assert Student.objects.get().date_of_birth == date(2017, 4, 3)


def test_facade_imports_in_one_go(school: Any) -> None:
    info = facade.import_families(csv_of(ANA, EVA), "bursar@example.org")

    assert (info.state, info.totals.new_students, info.totals.joined_siblings) == ("imported", 2, 1)
    with pytest.raises(Invalid):
        facade.import_families(csv_of("1,,,,,,,,,,,,,"), "bursar@example.org")
