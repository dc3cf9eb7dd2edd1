"""What the services of students do and tell, and what the facade answers."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps

from apps.identity import facade as identity
from apps.students import facade
from apps.students.handlers import link_guardian_on_user_activated
from apps.students.models import Enrolment, Guardian, SchoolYear, Student
from apps.students.selectors.people import natural
from apps.students.services import students, years
from apps.students.services.guardians import GuardianDetails
from apps.students.services.students import StudentDetails
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory, StudentFactory
from kernel import schools
from kernel.errors import Conflict, Invalid, NotFound

OutboxEvent = apps.get_model("events", "OutboxEvent")
EVA = StudentDetails(number="1002", first_name="Eva", last_name="García")


def published() -> list[str]:
    return [event.event_type for event in OutboxEvent.objects.order_by("id")]


def test_enrolling_publishes_with_class_and_day(school: Any) -> None:
    school_class = SchoolClassFactory(name="3A")

    student_id = facade.enrol_student(details=EVA, class_id=school_class.id, actor="x@example.org")

    event = OutboxEvent.objects.get()
    assert event.event_type == "students.student_enrolled"
    assert event.payload == {
        "student_id": str(student_id),
        "student_number": "1002",
        "student_name": "Eva García",
        "class_id": str(school_class.id),
        "class_name": "3A",
        "enrolled_on": schools.today().isoformat(),
    }


def test_refused_enrolment_changes_nothing(school: Any) -> None:
    StudentFactory(number="1002")

    with pytest.raises(Conflict):
        facade.enrol_student(
            details=EVA,
            class_id=SchoolClassFactory().id,
            guardian=GuardianDetails(name="María", email="maria@example.com"),
            actor="x",
        )

    assert (Student.objects.count(), Guardian.objects.count(), published()) == (1, 0, [])


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (StudentDetails(number=" ", first_name="A", last_name="B"), "number"),
        (
            StudentDetails(
                number="1", first_name="A", last_name="B", date_of_birth=date(2990, 1, 1)
            ),
            "date_of_birth",
        ),
    ],
)
def test_wrong_details_name_their_field(school: Any, details: StudentDetails, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        facade.enrol_student(details=details, class_id=SchoolClassFactory().id, actor="x")

    assert refused.value.field == field


def test_withdrawing_ends_the_stay_and_says_so(school: Any) -> None:
    student = StudentFactory(school_class=SchoolClassFactory())

    facade.withdraw_student(student_id=student.id, actor="x")

    assert Enrolment.objects.get().ends_on == schools.today()
    assert published() == ["students.student_withdrawn"]
    with pytest.raises(Conflict):
        facade.withdraw_student(student_id=student.id, actor="x")
    with pytest.raises(NotFound):
        facade.withdraw_student(student_id=uuid4(), actor="x")


def test_moving_publishes_the_new_class_once(school: Any) -> None:
    student = StudentFactory(number="1002", school_class=SchoolClassFactory())
    new = SchoolClassFactory()

    for _turn in range(2):
        students.update_student(student_id=student.id, details=EVA, class_id=new.id, actor="x")

    assert published() == ["students.student_enrolled"]
    assert facade.get_student(student.id).class_id == new.id


def test_guardians_of_gives_those_who_pay_in_order(
    school: Any, django_assert_num_queries: Any
) -> None:
    first, second, silent = GuardianFactory.create_batch(3)
    student = StudentFactory(guardians=[first, second, silent])
    lonely = StudentFactory()
    silent.guardianships.update(pays=False)

    with django_assert_num_queries(1):
        found = facade.guardians_of([student.id, lonely.id])

    assert [g.id for g in found[student.id]] == [first.id, second.id]
    assert found[lonely.id] == []


def test_students_in_classes_are_those_who_are_there_now(school: Any) -> None:
    here, there = SchoolClassFactory.create_batch(2)
    stays = StudentFactory(school_class=here)
    leaves = StudentFactory(school_class=here)
    StudentFactory(school_class=there)
    facade.withdraw_student(student_id=leaves.id, actor="x")

    assert [s.id for s in facade.students_in_classes([here.id])] == [stays.id]
    assert facade.students_in_classes([]) == []


def test_get_students_leaves_out_the_unknown(school: Any) -> None:
    student = StudentFactory()

    assert list(facade.get_students([student.id, uuid4()])) == [student.id]
    with pytest.raises(NotFound):
        facade.get_student(uuid4())
    with pytest.raises(NotFound):
        facade.get_guardian(uuid4())


def test_search_takes_percent_signs_as_they_are(school: Any) -> None:
    StudentFactory(first_name="Ana", school_class=SchoolClassFactory())

    assert facade.search_students("%") == []
    assert len(facade.search_students("ana")) == 1


def test_counts(school: Any) -> None:
    parent = GuardianFactory()
    GuardianFactory(email="")
    StudentFactory(school_class=SchoolClassFactory(), household=parent.household)
    StudentFactory(school_class=SchoolClassFactory(), household=parent.household)
    StudentFactory()

    counts = facade.counts()

    assert (counts.students, counts.families) == (2, 1)
    assert (counts.guardians, counts.guardians_without_email) == (2, 1)


def test_activated_account_is_tied_to_the_guardian_of_its_email(school: Any) -> None:
    guardian = GuardianFactory(email="maria@example.com")
    user_id = uuid4()
    event = SimpleNamespace(user_id=user_id, email="Maria@Example.com")

    for _turn in range(2):
        link_guardian_on_user_activated(SimpleNamespace(event=event))

    guardian.refresh_from_db()
    assert guardian.user_id == user_id
    assert facade.guardian_of_user(user_id).id == guardian.id  # type: ignore[union-attr]


def test_account_older_than_the_guardian_is_known_by_email(school: Any) -> None:
    user = identity.create_user(
        email="maria@example.com", name="María", password="correct horse 7", roles=["guardian"]
    )
    assert facade.guardian_of_user(user.id) is None

    guardian = GuardianFactory(email="maria@example.com")

    assert facade.guardian_of_user(user.id).id == guardian.id  # type: ignore[union-attr]
    assert facade.guardian_of_user(uuid4()) is None


def test_guardian_tied_to_another_account_is_not_given_away(school: Any) -> None:
    user = identity.create_user(
        email="maria@example.com", name="María", password="correct horse 7", roles=["guardian"]
    )
    GuardianFactory(email="maria@example.com", user_id=uuid4())

    assert facade.guardian_of_user(user.id) is None


def test_first_school_year_is_made_once(school: Any) -> None:
    SchoolYear.objects.all().delete()

    first = years.ensure_current_year()

    assert years.ensure_current_year() == first
    assert first.starts_on <= schools.today() <= first.ends_on
    assert first.ends_on - first.starts_on >= timedelta(days=363)


def test_class_names_sort_as_people_count() -> None:
    names = ["Grade 10", "2B", "K", "10A", "Grade 2", "2A", "Infantil 5", "1º B", "1º A"]

    assert sorted(names, key=natural) == [
        "Infantil 5",
        "K",
        "1º A",
        "1º B",
        "2A",
        "2B",
        "10A",
        "Grade 2",
        "Grade 10",
    ]
