"""Importing families: the dry run, the import, what is kept of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.students import facade
from apps.students.models import FamilyImport, Guardian, Student
from apps.students.selectors import people
from apps.students.services import imports
from apps.students.tests.importing import (
    ANA,
    EVA,
    NOAH,
    AuditEntry,
    OutboxEvent,
    check,
    counts,
    csv_of,
    run,
)
from kernel.errors import Conflict, Invalid


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
