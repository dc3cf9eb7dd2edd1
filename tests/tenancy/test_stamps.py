"""An object of one school is not written while another school is open."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models

from apps.students.models import Guardianship, Household, Student
from apps.students.tests.factories import GuardianFactory, StudentFactory
from kernel.models import SchoolModel, WrongSchool
from kernel.routing import Alias, SchoolRouter
from kernel.schools import in_public


@pytest.fixture
def student(school: Any) -> Student:
    """Loaded from Lincoln, which is open."""
    return Student.objects.get(pk=StudentFactory(guardians=[GuardianFactory()]).pk)


USES: dict[str, Callable[[Student], Any]] = {
    "save": lambda student: student.save(),
    "save one field": lambda student: student.save(update_fields=["number"]),
    "delete": lambda student: student.delete(),
    "refresh": lambda student: student.refresh_from_db(),
    "bulk_update": lambda student: Student.objects.bulk_update([student], ["number"]),
    "bulk_create": lambda student: Student.objects.bulk_create([student]),
    "follow a relation": lambda student: student.household,
    "follow one back": lambda student: list(student.guardianships.all()),
    "create through a relation": lambda student: student.guardianships.create(),
    "add through a relation": lambda student: student.household.students.add(student),
    "load a deferred field": lambda student: student.deferred.number,
    "as a copy": lambda student: _copied(student).save(),
    "out of a cache": lambda student: pickle.loads(pickle.dumps(student)).save(),
}


def _copied(student: Student) -> Student:
    """Django's recipe for a copy. Of another school's object it must be built anew."""
    student._state.adding = True
    return student


@pytest.mark.parametrize("use", USES)
def test_an_object_is_of_use_in_its_own_school_only(
    use: str, student: Student, in_other_school: Any
) -> None:
    student.deferred = Student.objects.defer("number").get(pk=student.pk)
    twins = {"number": "T1", "first_name": "Twin", "last_name": "There", "search_text": ""}
    with in_other_school():
        Student.objects.create(pk=student.pk, household=Household.objects.create(), **twins)
        with pytest.raises(WrongSchool, match=r"belongs to t_000001; t_000002 is open"):
            USES[use](student)
        assert Student.objects.get(pk=student.pk).first_name == "Twin"


def test_nor_on_the_platform(student: Student) -> None:
    with in_public(), pytest.raises(WrongSchool, match="public is open"):
        student.save()


def test_at_home_everything_works(student: Student, in_other_school: Any) -> None:
    with in_other_school():
        pass
    student.first_name = "Renamed"
    student.save()
    Student.objects.bulk_update([student], ["first_name"])
    student.refresh_from_db()
    assert student.household.pk == student.household_id
    assert student.guardianships.count() == 1
    assert pickle.loads(pickle.dumps(student))._state.db == "default"


def test_a_new_object_belongs_where_it_was_saved(school: Any, in_other_school: Any) -> None:
    household = Household()
    with in_other_school():
        household.save()
        [other] = Household.objects.bulk_create([Household()])
    for each in (household, other):
        with pytest.raises(WrongSchool, match="belongs to t_000002"):
            each.save()


def test_objects_of_two_schools_are_not_tied_together(
    student: Student, in_other_school: Any
) -> None:
    with in_other_school():
        household = Household.objects.create()
        with pytest.raises(ValueError, match="prevents this relation"):
            student.household = household
        with pytest.raises(WrongSchool):
            Guardianship(student=student)


def test_the_price_is_paid_by_the_query_and_not_by_the_row(school: Any) -> None:
    """No code of ours runs for a row that is read; the look at a query is a handful of calls."""
    assert SchoolModel.from_db.__func__ is models.Model.from_db.__func__
    assert SchoolModel.__init__ is models.Model.__init__
    router, calls = SchoolRouter(), []
    sys.setprofile(lambda _frame, event, _arg: calls.append(event))
    try:
        router.db_for_read(Student)
    finally:
        sys.setprofile(None)
    assert calls.count("call") <= 10


def test_the_name_is_still_the_name_of_the_connection() -> None:
    alias = Alias("default", "t_000001")
    assert alias == "default"
    assert {"default": 1}[alias] == 1
    assert pickle.loads(pickle.dumps(alias)).schema_name == "t_000001"
