"""The staff pages of students, guardians, classes and imports over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.students.models import Enrolment, FamilyImport, Guardian, Guardianship, Student
from apps.students.selectors import people
from apps.students.tests.factories import GuardianFactory, SchoolClassFactory, StudentFactory
from apps.students.tests.test_imports import ANA, EVA, NOAH, csv_of, run

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


def upload(client: Any, content: bytes, name: str = "families.csv") -> Any:
    return client.post(f"{BASE}import/", {"file": SimpleUploadedFile(name, content)})


def test_bursar_uploads_checks_and_imports(school: Any, client_for: Any) -> None:
    client = client_for("bursar")

    response = upload(client, csv_of(ANA, EVA, NOAH))
    assert response.status_code == 302
    page = client.get(response.url).content.decode()
    assert "Import 3 rows" in page
    assert "3A, 1A" in page
    assert Student.objects.count() == 0

    client.post(response.url + "confirm/")
    assert Student.objects.count() == 3
    done = client.get(response.url).content.decode()
    assert "Undo this import?" in done

    client.post(response.url + "undo/")
    assert Student.objects.count() == 0
    assert "This import was undone" in client.get(response.url).content.decode()
    assert "families.csv" in client.get(f"{BASE}import/").content.decode()


def test_dry_run_names_every_bad_row_and_asks_before_leaving_them_out(
    school: Any, client_for: Any
) -> None:
    client = client_for("bursar")
    url = upload(client, csv_of(ANA, "1002,,X,31/31/2019,3A,,,,,,,,,")).url

    page = client.get(url).content.decode()
    assert "“31/31/2019” is not a date. Write it like 2015-02-28." in page
    assert "This cell is empty." in page

    refused = client.post(url + "confirm/")
    assert refused.status_code == 422
    assert "Some rows have mistakes." in refused.content.decode()
    assert Student.objects.count() == 0

    listed = client.get(url + "problems.csv").content.decode("utf-8-sig").splitlines()
    assert listed[1] == "3,first name,This cell is empty."

    client.post(url + "confirm/", {"skip_bad_rows": "yes"})
    assert [s.number for s in Student.objects.all()] == ["1001"]


def test_double_click_imports_once(school: Any, client_for: Any) -> None:
    client = client_for("bursar")
    url = upload(client, csv_of(ANA)).url

    client.post(url + "confirm/")
    again = client.post(url + "confirm/", follow=True)

    assert "This file has been imported already." in again.content.decode()
    assert Student.objects.count() == 1


def test_refused_undo_shows_the_reasons(school: Any, client_for: Any) -> None:
    record = run(ANA)
    StudentFactory(school_class=Enrolment.objects.get().school_class)

    response = client_for("admin").post(f"{BASE}import/{record.id}/undo/")

    assert response.status_code == 409
    assert "1 other student is in a class that it created." in response.content.decode()
    assert Student.objects.filter(number="1001").exists()


def test_same_file_is_pointed_out(school: Any, client_for: Any) -> None:
    run(ANA)
    client = client_for("bursar")

    url = upload(client, csv_of(ANA)).url

    assert "This very file was imported on" in client.get(url).content.decode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (csv_of(ANA).decode().encode("latin-1"), "Windows-1252"),
        (b"", "The file is empty."),
        (b"PK\x03\x04", "This is an Excel workbook"),
        (b"a,b\n1,2", "these are missing"),
    ],
)
def test_unreadable_file_is_explained(
    school: Any, client_for: Any, content: bytes, message: str
) -> None:
    response = upload(client_for("bursar"), content)

    assert response.status_code == 422
    assert message in response.content.decode()
    assert FamilyImport.objects.count() == 0


def test_upload_without_a_file_says_so(school: Any, client_for: Any) -> None:
    response = client_for("bursar").post(f"{BASE}import/", {})

    assert response.status_code == 422
    assert "This field is required." in response.content.decode()


@pytest.mark.parametrize("megabytes", [6, 50])
def test_too_large_an_upload_is_refused_before_it_is_read(
    school: Any, client_for: Any, megabytes: int, monkeypatch: Any
) -> None:
    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the upload was parsed")

    monkeypatch.setattr("django.http.multipartparser.MultiPartParser.parse", never)

    response = upload(client_for("bursar"), b"x" * megabytes * 1024 * 1024)

    assert response.status_code == 413
    assert "MB" in response.content.decode()
    assert FamilyImport.objects.count() == 0


def test_upload_needs_the_csrf_token(school: Any, client_for: Any) -> None:
    client = client_for("bursar")
    client.handler.enforce_csrf_checks = True

    assert upload(client, csv_of(ANA)).status_code == 403
    assert FamilyImport.objects.count() == 0


@pytest.mark.parametrize("action", ["confirm", "undo", "discard"])
@pytest.mark.parametrize("role", ["teacher", "guardian"])
def test_import_actions_are_for_those_who_may_import(
    school: Any, client_for: Any, role: str, action: str
) -> None:
    record = run(ANA)

    response = client_for(role).post(f"{BASE}import/{record.id}/{action}/")

    assert response.status_code == 403
    assert Student.objects.count() == 1


def test_import_of_another_school_does_not_exist(
    school: Any, client_for: Any, other_school: Any
) -> None:
    record = run(ANA)
    client = client_for("admin", school=other_school)

    assert client.get(f"{BASE}import/{record.id}/").status_code == 404
    assert client.post(f"{BASE}import/{record.id}/undo/").status_code in (302, 404)
    assert Student.objects.count() == 1


def test_discarded_file_is_gone(school: Any, client_for: Any) -> None:
    client = client_for("bursar")
    url = upload(client, csv_of(ANA)).url

    client.post(url + "discard/")

    assert client.get(url).status_code == 404


def test_file_name_cannot_smuggle_markup(school: Any, client_for: Any) -> None:
    client = client_for("bursar")

    url = upload(client, csv_of(ANA), name="<b>x.csv").url

    assert "<b>x.csv" not in client.get(url).content.decode()
