"""The pages on which a families file is checked, imported and undone."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.students.models import Enrolment, FamilyImport, Student
from apps.students.tests.factories import StudentFactory
from apps.students.tests.importing import ANA, EVA, NOAH, csv_of, run

BASE = "/portal/students/import/"


def upload(client: Any, content: bytes, name: str = "families.csv") -> Any:
    return client.post(BASE, {"file": SimpleUploadedFile(name, content)})


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
    assert "families.csv" in client.get(BASE).content.decode()


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

    response = client_for("admin").post(f"{BASE}{record.id}/undo/")

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
    response = client_for("bursar").post(BASE, {})

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

    response = client_for(role).post(f"{BASE}{record.id}/{action}/")

    assert response.status_code == 403
    assert Student.objects.count() == 1


def test_import_of_another_school_does_not_exist(
    school: Any, client_for: Any, other_school: Any
) -> None:
    record = run(ANA)
    client = client_for("admin", school=other_school)

    assert client.get(f"{BASE}{record.id}/").status_code == 404
    assert client.post(f"{BASE}{record.id}/undo/").status_code in (302, 404)
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
