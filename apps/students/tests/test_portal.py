"""The staff pages of students, guardians and classes over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from apps.students.models import Enrolment, Guardian, Guardianship, Student
from apps.students.selectors import people
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory, StudentFactory

BASE = "/portal/students/"


@pytest.fixture
def family(school: Any) -> Student:
    parent = GuardianFactory(name="María López", email="maria@example.com")
    return StudentFactory(
        number="1001",
        first_name="Ana",
        last_name="García",
        school_class=SchoolClassFactory(name="3A"),
        guardians=[parent],
        household=parent.household,
    )


def pages(student: Student) -> dict[str, str]:
    guardianship = Guardianship.objects.get(student=student)
    school_class = Enrolment.objects.get(student=student).school_class_id
    return {
        "list": BASE,
        "detail": f"{BASE}{student.id}/",
        "guardians": f"{BASE}guardians/",
        "guardian": f"{BASE}guardians/{guardianship.guardian_id}/",
        "classes": f"{BASE}classes/",
        "class": f"{BASE}classes/{school_class}/",
        "add": f"{BASE}add/",
        "edit": f"{BASE}{student.id}/edit/",
        "guardian_add": f"{BASE}{student.id}/guardians/add/",
        "guardianship_edit": f"{BASE}{student.id}/guardians/{guardianship.id}/edit/",
        "guardian_edit": f"{BASE}guardians/{guardianship.guardian_id}/edit/",
        "class_add": f"{BASE}classes/add/",
        "class_edit": f"{BASE}classes/{school_class}/edit/",
        "import": f"{BASE}import/",
    }


READ = {"list", "detail", "guardians", "guardian", "classes", "class"}


CHANGE = {
    "add",
    "edit",
    "guardian_add",
    "guardianship_edit",
    "guardian_edit",
    "class_add",
    "class_edit",
}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("admin", READ | CHANGE | {"import"}),
        ("office", READ | CHANGE | {"import"}),
        ("bursar", READ | {"import"}),
        ("teacher", READ),
        ("guardian", set()),
    ],
)
def test_each_role_opens_its_pages_only(
    family: Student, client_for: Any, role: str, allowed: set[str]
) -> None:
    client = client_for(role)

    opened = {name for name, path in pages(family).items() if client.get(path).status_code == 200}

    assert opened == allowed


def test_strangers_are_sent_to_sign_in(family: Student, anonymous: Any) -> None:
    for path in pages(family).values():
        response = anonymous().get(path)
        assert (response.status_code, response.url.split("?")[0]) == (302, "/sign-in/"), path


def test_other_school_sees_nothing(family: Student, client_for: Any, other_school: Any) -> None:
    client = client_for("admin", school=other_school)

    assert "García" not in client.get(BASE).content.decode()
    assert client.get(f"{BASE}{family.id}/").status_code == 404


def test_list_searches_without_accents_and_filters(family: Student, client_for: Any) -> None:
    StudentFactory(first_name="Noah", last_name="Chen", school_class=SchoolClassFactory(name="1A"))
    StudentFactory(first_name="Gone", last_name="Before")
    client = client_for("teacher")
    class_id = Enrolment.objects.get(student=family).school_class_id

    def found(query: str) -> list[str]:
        page = client.get(BASE + query).context["page"]
        return [student.first_name for student, _payers in page.object_list]

    assert found("") == ["Noah", "Ana"]
    assert found("?q=GARCIA+ana") == ["Ana"]
    assert found("?q=1001") == ["Ana"]
    assert found(f"?class={class_id}") == ["Ana"]
    assert found("?status=left") == ["Gone"]
    assert found("?q=%00") == ["Noah", "Ana"]
    assert found("?class=nonsense&status=nonsense&page=99") == ["Noah", "Ana"]
    assert found("?q=nobody") == []
    assert "No student matches this search" in client.get(BASE + "?q=nobody").content.decode()


def test_empty_school_is_offered_the_import(school: Any, client_for: Any) -> None:
    page = client_for("bursar").get(BASE).content.decode()

    assert "No students yet" in page
    assert 'href="/portal/students/import/"' in page


@pytest.mark.parametrize("path", ["", "guardians/", "classes/"])
def test_lists_take_as_many_queries_for_many_rows(
    school: Any, client_for: Any, path: str, django_assert_max_num_queries: Any
) -> None:
    parents = GuardianFactory.create_batch(5)
    for number in range(25):
        StudentFactory(
            school_class=SchoolClassFactory(name=f"C{number}"), guardians=parents[: number % 3]
        )
    client = client_for("admin")

    with django_assert_max_num_queries(14):
        assert client.get(BASE + path).status_code == 200


def test_office_adds_a_student_with_a_known_guardian(family: Student, client_for: Any) -> None:
    class_id = Enrolment.objects.get(student=family).school_class_id
    form = {
        "number": "1002",
        "first_name": "Eva",
        "last_name": "García",
        "date_of_birth": "2019-05-01",
        "class_id": str(class_id),
        "guardian_name": "María",
        "guardian_email": "MARIA@example.com",
        "guardian_relationship": "mother",
    }

    response = client_for("office").post(f"{BASE}add/", form)

    eva = Student.objects.get(number="1002")
    assert (response.status_code, response.url) == (302, f"{BASE}{eva.id}/")
    assert eva.household_id == family.household_id
    assert Guardian.objects.get().name == "María López"
    assert people.get_student(eva.id).class_name == "3A"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": "1001"}, "Student number 1001 belongs to another student."),
        ({"date_of_birth": "2990-01-01"}, "The date of birth lies in the future."),
        ({"guardian_email": "x@example.com"}, "Please give the guardian&#x27;s name."),
        ({"class_id": str(uuid4())}, "Select a valid choice."),
        ({"first_name": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_adding_a_student_says_what_is_wrong(
    family: Student, client_for: Any, change: dict[str, str], message: str
) -> None:
    class_id = Enrolment.objects.get(student=family).school_class_id
    form = {"number": "9", "first_name": "E", "last_name": "G", "class_id": str(class_id)}

    response = client_for("office").post(f"{BASE}add/", form | change)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Student.objects.count() == 1


def test_office_edits_moves_and_withdraws(family: Student, client_for: Any) -> None:
    client = client_for("office")
    form = {
        "number": "1001",
        "first_name": "Anna",
        "last_name": "García",
        "class_id": str(SchoolClassFactory(name="3B").id),
    }

    client.post(f"{BASE}{family.id}/edit/", form)
    moved = people.get_student(family.id)
    assert (moved.first_name, moved.class_name) == ("Anna", "3B")

    client.post(f"{BASE}{family.id}/withdraw/")
    again = client.post(f"{BASE}{family.id}/withdraw/", follow=True)
    assert people.get_student(family.id).is_enrolled is False
    assert "is not in a class" in again.content.decode()


def test_guardians_are_added_changed_put_first_and_removed(
    family: Student, client_for: Any
) -> None:
    client = client_for("admin")
    url = f"{BASE}{family.id}/guardians/"
    juan = {"name": "Juan", "email": "juan@example.com", "relationship": "father", "pays": "on"}

    client.post(f"{url}add/", juan)
    link = Guardianship.objects.get(guardian__email="juan@example.com")
    assert [x.guardian.name for x in people.guardianships_of(family.id)] == ["María López", "Juan"]
    twice = client.post(f"{url}add/", juan)
    assert "Juan is already a guardian of Ana García." in twice.content.decode()

    client.post(f"{url}{link.id}/edit/", {"relationship": "other", "first": "on"})
    first = people.guardianships_of(family.id)[0]
    assert (first.guardian.name, first.relationship, first.pays) == ("Juan", "other", False)
    assert [g.name for g in people.guardians_of([family.id])[family.id]] == ["María López"]

    client.post(f"{url}{link.id}/remove/")
    assert [x.guardian.name for x in people.guardianships_of(family.id)] == ["María López"]


def test_guardian_email_of_another_is_refused(family: Student, client_for: Any) -> None:
    other = GuardianFactory(name="Juan", email="juan@example.com")

    response = client_for("office").post(
        f"{BASE}guardians/{other.id}/edit/", {"name": "Juan", "email": "Maria@example.com"}
    )

    assert "maria@example.com belongs to another guardian." in response.content.decode()
    other.refresh_from_db()
    assert other.email == "juan@example.com"


def test_class_names_are_unique_a_year(family: Student, client_for: Any) -> None:
    client = client_for("office")

    response = client.post(f"{BASE}classes/add/", {"name": "3a"})
    assert "There is a class 3a in this school year already." in response.content.decode()
    assert client.post(f"{BASE}classes/add/", {"name": "4A"}).status_code == 302
    assert [c.name for c in people.list_classes()] == ["3A", "4A"]
