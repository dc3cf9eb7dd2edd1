"""Step 4: families come in from a file. Dry run, mistakes by line, import, history, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.embedded import ROOT
from tests.flows.browserless import Page, Visitor
from tests.flows.running import RunningStack
from tests.flows.schools import make_school

pytestmark = pytest.mark.flow

SAMPLE = ROOT / "static" / "samples" / "families.csv"
UPLOAD = "/portal/students/import/"
HEADER = "student_number,first_name,last_name,date_of_birth,class,guardian1_name,guardian1_email\n"


@pytest.fixture(scope="module")
def office(running: RunningStack) -> Any:
    """A school without families, and its bursar at the desk."""
    return make_school(running, "orchard", name="Orchard School")


@pytest.fixture
def bursar(office: Any) -> Visitor:
    return office.bursar()


def upload(bursar: Visitor, content: bytes, name: str = "families.csv") -> Page:
    page = bursar.open(UPLOAD)
    return bursar.press(page, "Check the file", files={"file": (name, content, "text/csv")})


def people(running: RunningStack) -> tuple[Any, ...]:
    return (
        running.rows("orchard", "SELECT number, first_name FROM students_student ORDER BY number"),
        running.rows("orchard", "SELECT name, email FROM students_guardian ORDER BY name, email"),
    )


NOBODY: tuple[Any, ...] = ([], [])


@pytest.fixture(autouse=True)
def _nobody_is_left(running: RunningStack, office: Any) -> Any:
    """Each test starts with an empty school and leaves it empty, however it ends."""
    yield
    if people(running) != NOBODY:
        bursar = office.bursar()
        bursar.press(bursar.open(bursar.open(UPLOAD).link("/import/0")), "Undo")


def test_the_sample_ships_and_imports_with_siblings_joined(
    running: RunningStack, bursar: Visitor
) -> None:
    page = bursar.open(UPLOAD)
    sample = bursar.open(page.link("families.csv"))
    assert sample.content == SAMPLE.read_bytes()

    dry_run = upload(bursar, sample.content)
    assert "Nothing has been changed yet" in dry_run.text
    assert people(running) == NOBODY

    done = bursar.press(dry_run, "Import 6 rows")
    assert "The families were imported." in done.text
    students, guardians = people(running)
    assert [number for number, _name in students] == [str(n) for n in range(1001, 1007)]
    # Emma and Liam have the same two parents: seven people, not nine.
    assert len(guardians) == 7
    assert guardians.count(("Sarah Johnson", "sarah.johnson@example.com")) == 1
    siblings = running.rows(
        "orchard", "SELECT count(DISTINCT household_id) FROM students_student WHERE number < '1003'"
    )
    assert siblings == [(1,)]

    again = upload(bursar, sample.content)
    assert "was imported on" in again.text  # this very file, already
    bursar.press(again, "Discard")

    undone = bursar.press(bursar.open(bursar.open(UPLOAD).link("/import/0")), "Undo")
    assert "everything is as it was before" in undone.text
    assert people(running) == NOBODY
    assert "families.csv" in bursar.open(UPLOAD).text


def test_each_mistake_is_told_by_line_column_and_reason(
    running: RunningStack, bursar: Visitor
) -> None:
    rows = [
        "2001,Ana,Good,2016-01-31,2B,Gina Good,gina@example.com",
        "2002,Bad,Date,2016-02-31,2B,Gina Good,gina@example.com",
        "2003,Bad,Mail,2016-01-31,2B,Max Mail,max@@example",
        ",No,Number,2016-01-31,2B,Nora Number,nora@example.com",
        "2001,Same,Number,2016-01-31,2B,Sam Same,sam@example.com",
        "2006,No,Class,2016-01-31,,Cora Class,cora@example.com",
        "2007,Future,Child,2099-01-31,2B,Fay Future,fay@example.com",
    ]
    page = upload(bursar, (HEADER + "\n".join(rows) + "\n").encode())
    told = bursar.open(page.link("problems.csv"))
    lines = told.content.decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["3", "4", "5", "6", "7", "8"]
    columns = [line.split(",")[1] for line in lines]
    assert columns == [
        "date of birth",
        "guardian 1 e-mail",
        "student number",
        "student number",
        "class",
        "date of birth",
    ]
    assert "6 rows have mistakes" in page.text
    refused = bursar.press(page, "Import 1 row", skip_bad_rows=None)
    assert refused.status == 422
    assert people(running) == NOBODY
    done = bursar.press(page, "Import 1 row", skip_bad_rows="yes")
    assert people(running)[0] == [("2001", "Ana")]
    bursar.press(done, "Undo")
    assert people(running) == NOBODY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((HEADER + "1,José,Núñez,,1A,Zoë,\n").encode("latin-1"), "not in UTF-8"),
        ((HEADER + "1,José,Núñez,,1A,Zoë,\n").encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 a workbook", "Excel"),
        (b"", "empty"),
        (b"one,two\n1,2\n", "missing"),
        (b"\x00\x01\x02\x03" * 50, ""),
    ],
    ids=["latin-1", "utf-16", "workbook", "empty", "columns", "binary"],
)
def test_a_file_that_cannot_be_read_gets_a_clear_answer(
    running: RunningStack, bursar: Visitor, content: bytes, said: str
) -> None:
    page = upload(bursar, content)
    assert page.status == 422
    assert said in page.text
    assert people(running) == NOBODY


def test_spanish_letters_arrive_as_they_were_written(
    running: RunningStack, bursar: Visitor
) -> None:
    row = "3001,José Ángel,Núñez Ibáñez,,1A,Zoë Müller,zoe@example.com\n"
    page = upload(bursar, b"\xef\xbb\xbf" + (HEADER + row).encode())
    done = bursar.press(page, "Import 1 row")
    assert people(running)[0] == [("3001", "José Ángel")]
    bursar.press(done, "Undo")


def test_a_fifty_megabyte_upload_is_refused_and_nothing_is_kept(
    running: RunningStack, bursar: Visitor, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.write(HEADER.encode())
        file.truncate(50 * 1024 * 1024)
    before = running.rows("orchard", "SELECT count(*) FROM students_familyimport")
    page = bursar.open(UPLOAD)
    with huge.open("rb") as file:
        refused = bursar.press(page, "Check the file", files={"file": ("huge.csv", file)})
    assert refused.status == 413
    assert "MB" in refused.text
    assert running.rows("orchard", "SELECT count(*) FROM students_familyimport") == before
    assert bursar.open(UPLOAD).status == 200


def test_a_teacher_cannot_import(running: RunningStack, office: Any) -> None:
    teacher = office.person("teacher")
    assert teacher.open(UPLOAD).status == 403
