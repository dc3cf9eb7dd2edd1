"""/api/v1/students/, guardians/ and classes/ with every role, a stranger and a second school."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.students.models import Enrolment, Guardian, Student
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory, StudentFactory

API = "/api/v1/"


@pytest.fixture
def ana(school: Any) -> Student:
    parent = GuardianFactory(name="María López", email="maria@example.com")
    return StudentFactory(
        number="1001",
        first_name="Ana",
        last_name="García",
        school_class=SchoolClassFactory(name="3A"),
        guardians=[parent],
    )


def class_of(student: Student) -> UUID:
    return Enrolment.objects.get(student=student, ends_on=None).school_class_id


def new_student(student: Student, **more: Any) -> dict[str, Any]:
    return {
        "number": "1002",
        "first_name": "Eva",
        "last_name": "García",
        "class_id": str(class_of(student)),
        **more,
    }


@pytest.mark.parametrize("resource", ["students", "guardians", "classes"])
@pytest.mark.parametrize(
    ("role", "status"),
    [("admin", 200), ("bursar", 200), ("office", 200), ("teacher", 200), ("guardian", 403)],
)
def test_staff_read(ana: Student, api_for: Any, role: str, status: int, resource: str) -> None:
    assert api_for(role).get(f"{API}{resource}/").status_code == status


@pytest.mark.parametrize("resource", ["students", "guardians", "classes"])
def test_strangers_are_refused(ana: Student, anonymous: Any, resource: str) -> None:
    assert anonymous().get(f"{API}{resource}/").status_code == 401


@pytest.mark.parametrize("resource", ["students", "guardians", "classes"])
def test_other_school_has_its_own(
    ana: Student, api_for: Any, other_school: Any, resource: str
) -> None:
    client = api_for("admin", school=other_school)

    assert client.get(f"{API}{resource}/").json()["results"] == []
    assert client.get(f"{API}students/{ana.id}/").status_code == 404


@pytest.mark.parametrize("role", ["bursar", "teacher", "guardian"])
def test_only_admin_and_office_write(ana: Student, api_for: Any, role: str) -> None:
    client = api_for(role)

    assert client.post(f"{API}students/", new_student(ana), format="json").status_code == 403
    assert client.patch(f"{API}students/{ana.id}/", {"number": "7"}).status_code == 403
    assert client.post(f"{API}guardians/", {"name": "X"}, format="json").status_code == 403
    assert (Student.objects.count(), Guardian.objects.count()) == (1, 1)


def test_student_is_shown_with_class_and_guardians(ana: Student, api_for: Any) -> None:
    body = api_for("teacher").get(f"{API}students/{ana.id}/").json()

    assert (body["number"], body["class_name"], body["is_enrolled"]) == ("1001", "3A", True)
    (tie,) = body["guardians"]
    assert (tie["guardian"]["email"], tie["pays"]) == ("maria@example.com", True)


def test_students_are_filtered(ana: Student, api_for: Any) -> None:
    StudentFactory(first_name="Gone", number="2")
    client = api_for("office")

    def numbers(query: str) -> list[str]:
        return [s["number"] for s in client.get(f"{API}students/{query}").json()["results"]]

    assert numbers("") == ["2", "1001"]
    assert numbers("?q=garcia") == ["1001"]
    assert numbers(f"?class={class_of(ana)}") == ["1001"]
    assert numbers("?status=left") == ["2"]


@pytest.mark.parametrize("query", ["?class=3A", "?status=asleep", f"?q={'x' * 101}", "?q=%00"])
def test_wrong_filters_are_named(ana: Student, api_for: Any, query: str) -> None:
    response = api_for("office").get(f"{API}students/{query}")

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query[1:].split("=")[0]


def test_office_enrols_and_moves_a_student(ana: Student, api_for: Any) -> None:
    client = api_for("office")

    created = client.post(f"{API}students/", new_student(ana), format="json")
    assert (created.status_code, created.json()["class_name"]) == (201, "3A")

    url = f"{API}students/{created.json()['id']}/"
    moved = client.patch(url, {"class_id": str(SchoolClassFactory(name="4A").id)}, format="json")
    assert (moved.status_code, moved.json()["class_name"]) == (200, "4A")
    assert moved.json()["first_name"] == "Eva"


def test_number_in_use_is_a_conflict(ana: Student, api_for: Any) -> None:
    response = api_for("admin").post(
        f"{API}students/", new_student(ana, number="1001"), format="json"
    )

    assert (response.status_code, response.json()["code"]) == (409, "number_in_use")
    assert response.json()["errors"][0]["field"] == "number"
    assert Student.objects.count() == 1


def test_unknown_class_is_not_found(ana: Student, api_for: Any) -> None:
    response = api_for("admin").post(
        f"{API}students/", new_student(ana, class_id=str(uuid4())), format="json"
    )

    assert response.status_code == 404
    assert Student.objects.count() == 1


def test_guardian_is_made_linked_and_changed(ana: Student, api_for: Any) -> None:
    client = api_for("office")
    data = {"name": "Juan", "email": "Juan@Example.com", "student_id": str(ana.id)}

    created = client.post(f"{API}guardians/", {**data, "relationship": "father"}, format="json")
    assert created.status_code == 201
    assert [child["number"] for child in created.json()["children"]] == ["1001"]
    assert created.json()["email"] == "juan@example.com"

    url = f"{API}guardians/{created.json()['id']}/"
    assert client.patch(url, {"phone": "555"}, format="json").json()["phone"] == "555"
    taken = client.patch(url, {"email": "maria@example.com"}, format="json")
    assert (taken.status_code, taken.json()["code"]) == (409, "email_in_use")
    assert client.get(url).json()["name"] == "Juan"


def test_classes_count_their_students(ana: Student, api_for: Any) -> None:
    (row,) = api_for("teacher").get(f"{API}classes/?q=3").json()["results"]

    assert (row["name"], row["student_count"]) == ("3A", 1)
    assert api_for("bursar").get(f"{API}classes/{row['id']}/").json() == row
