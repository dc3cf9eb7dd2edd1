"""Importing over what is known: who is found, what changes, what is left alone."""

import itertools
from datetime import date
from typing import Any

from apps.students import facade
from apps.students.models import Guardian, Guardianship, SchoolClass, Student
from apps.students.selectors import people
from apps.students.services import students, undo
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory
from apps.students.tests.importing import (
    ANA,
    EVA,
    NOAH,
    OutboxEvent,
    check,
    run,
    state_of_the_school,
)


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
