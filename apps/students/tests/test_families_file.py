"""Reading a families file: what is understood, and what is said about the rest."""

from datetime import date
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.students.services import csv_text, families_file, values
from apps.students.services.columns import label, recognise
from apps.students.services.families_file import FamiliesFile
from kernel.errors import Invalid

TODAY = date(2026, 11, 22)
HEADER = (
    "student_number,first_name,last_name,date_of_birth,class,"
    "guardian1_name,guardian1_email,guardian1_phone,guardian1_relationship,"
    "guardian2_name,guardian2_email"
)


def parse(text: str | bytes, *, day_first: bool = False) -> FamiliesFile:
    content = text.encode() if isinstance(text, str) else text
    return families_file.parse(content, today=TODAY, day_first=day_first)


def with_rows(*rows: str) -> str:
    return "\n".join([HEADER, *rows])


GOOD = "1001,Ana,García,2017-03-14,3A,María López,Maria@Example.com,555-1,mother,,"


def problems(text: str, **more: bool) -> list[tuple[int, str, str]]:
    found = parse(text, **more).problems
    return [(problem.line, problem.column, problem.reason) for problem in found]


def test_good_row_is_read_with_its_line() -> None:
    row = parse(with_rows(GOOD)).rows[0]

    assert (row.line, row.number, row.first_name, row.last_name) == (2, "1001", "Ana", "García")
    assert (row.class_name, row.date_of_birth) == ("3A", date(2017, 3, 14))
    (guardian,) = row.guardians
    assert (guardian.name, guardian.email) == ("María López", "maria@example.com")
    assert (guardian.phone, guardian.relationship) == ("555-1", "mother")


def test_sample_file_has_no_problem() -> None:
    sample = Path(__file__).parents[3] / "static" / "samples" / "families.csv"

    found = parse(sample.read_bytes())

    assert found.problems == ()
    assert found.row_count == 6
    assert found.ignored_columns == ()


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_utf8_is_read_with_and_without_bom(bom: bytes) -> None:
    assert parse(bom + with_rows(GOOD).encode()).rows[0].last_name == "García"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_recognised(separator: str, line_end: str) -> None:
    text = with_rows(GOOD, GOOD.replace("1001", "1002"))
    text = text.replace(",", separator).replace("\n", line_end)

    assert [row.number for row in parse(text).rows] == ["1001", "1002"]


def test_first_line_that_names_the_separator_is_skipped_and_counted() -> None:
    text = "sep=;\n" + with_rows(GOOD, ",,,,").replace(",", ";")

    assert parse(text).rows[0].line == 3


def test_quoted_cells_may_hold_separators_quotes_and_line_breaks() -> None:
    row = '1001,"Ana ""Anita""",García,,"3A, morning","López,\nMaría",m@example.com,,,,'

    read = parse(with_rows(row, GOOD.replace("1001", "1002"))).rows

    assert read[0].first_name == 'Ana "Anita"'
    assert read[0].class_name == "3A, morning"
    assert read[0].guardians[0].name == "López, María"
    assert [r.line for r in read] == [2, 4]


def test_blank_lines_are_skipped_but_counted() -> None:
    assert parse(with_rows("", GOOD, "  ,,,", "")).rows[0].line == 3


def test_latin1_file_is_named_with_the_line_and_the_way_out() -> None:
    content = with_rows(GOOD.replace("García", "Garcia"), GOOD).encode("latin-1", "replace")

    with pytest.raises(Invalid) as refused:
        parse(content)

    assert refused.value.code == "encoding"
    assert "Windows-1252" in refused.value.message
    assert "line 2" in refused.value.message
    assert "CSV UTF-8" in refused.value.message


def test_utf16_file_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        parse(with_rows(GOOD).encode("utf-16"))

    assert refused.value.code == "encoding"
    assert "UTF-16" in refused.value.message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"   \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04rest of a workbook", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
        (b"student_number,first_name\n1\x00,2", "not_text"),
        (b"name,colour\nAna,red", "missing_columns"),
        (b"x" * (csv_text.MAX_BYTES + 1), "too_large"),
    ],
)
def test_files_of_another_kind_are_refused(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(content)

    assert (refused.value.code, refused.value.field) == (code, "file")


def test_missing_columns_are_named_with_what_was_found() -> None:
    with pytest.raises(Invalid) as refused:
        parse("first_name,surname,colour\nAna,García,red")

    assert "student number, class" in refused.value.message
    assert "first_name, surname, colour" in refused.value.message


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        parse("number,Student No,first_name,last_name,class\n1,1,Ana,García,3A")

    assert refused.value.code == "doubled_column"
    assert "“number” and “Student No” both mean student number" in refused.value.message


def test_more_than_ten_thousand_rows_are_refused() -> None:
    row = "1,a,b,,c,,,,,,"

    with pytest.raises(Invalid) as refused:
        parse(with_rows(*[row] * (csv_text.MAX_ROWS + 1)))

    assert refused.value.code == "too_many_rows"
    assert "10,000" in refused.value.message


def test_open_quote_is_named_by_line() -> None:
    with pytest.raises(Invalid) as refused:
        parse(with_rows(GOOD, '1002,"Ana,García,,3A,,,,,,'))

    assert refused.value.code == "broken_quotes"
    assert "Line 3" in refused.value.message


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",Ana,García,,3A,,,,,,", "student number", "This cell is empty."),
        ("1,,García,,3A,,,,,,", "first name", "This cell is empty."),
        ("1,Ana, ,,3A,,,,,,", "last name", "This cell is empty."),
        ("1,Ana,García,,,,,,,,", "class", "This cell is empty."),
        (
            "1,Ana,García,2017-02-30,3A,,,,,,",
            "date of birth",
            "“2017-02-30” is not a date. Write it like 2015-02-28.",
        ),
        (
            "1,Ana,García,last May,3A,,,,,,",
            "date of birth",
            "“last May” is not a date. Write it like 2015-02-28.",
        ),
        (
            "1,Ana,García,2026-11-23,3A,,,,,,",
            "date of birth",
            "2026-11-23 lies in the future.",
        ),
        ("1,Ana,García,1817-01-01,3A,,,,,,", "date of birth", "1817-01-01 is too long ago."),
        (
            "1,Ana,García,,3A,María,maria at example,,,,",
            "guardian 1 e-mail",
            "“maria at example” is not an e-mail address.",
        ),
        (
            "1,Ana,García,,3A,,maria@example.com,,,,",
            "guardian 1 name",
            "Guardian 1 has other details but no name.",
        ),
        (
            "1,Ana,García,,3A,María,m@example.com,,,,j@example.com",
            "guardian 2 name",
            "Guardian 2 has other details but no name.",
        ),
        (
            "1,Ana,García,,3A,María,m@example.com,,,Marie,M@example.com",
            "guardian 2 e-mail",
            "Guardian 2 is the same person as guardian 1. Leave one of them empty.",
        ),
        (
            "1,Ana,García,,3A,María,m@example.com,,,,,surplus",
            "row",
            "There are more cells than columns. Text that holds the separator needs quotes.",
        ),
        (
            f"1,{'A' * 81},García,,3A,,,,,,",
            "first name",
            "This text is too long: at most 80 characters.",
        ),
    ],
)
def test_bad_row_is_named_by_line_column_and_reason(row: str, column: str, reason: str) -> None:
    found = parse(with_rows(GOOD, row))

    assert [(p.line, p.column, p.reason) for p in found.problems] == [(3, column, reason)]
    assert [good.number for good in found.rows] == ["1001"]
    assert (found.row_count, found.bad_row_count) == (2, 1)


def test_unknown_relationship_names_the_known_ones() -> None:
    ((line, column, reason),) = problems(
        with_rows("1,Ana,García,,3A,María,m@example.com,,neighbour,,")
    )

    assert (line, column) == (2, "guardian 1 relationship")
    assert reason.startswith("“neighbour” is not a relationship we know. Use one of: mother, ")


def test_number_used_twice_names_the_first_line() -> None:
    twice = problems(with_rows(GOOD, GOOD.replace("Ana", "Eva")))

    assert twice == [(3, "student number", "Student number 1001 is already on line 2.")]


def test_every_problem_of_a_row_is_named() -> None:
    found = problems(with_rows("1,,García,32/13/2017,,María,nope,,stranger,,"))

    assert [column for _line, column, _reason in found] == [
        "first name",
        "class",
        "date of birth",
        "guardian 1 e-mail",
        "guardian 1 relationship",
    ]


def test_dates_follow_the_evidence_in_the_file_before_the_habit_of_the_school() -> None:
    ambiguous = "1,Ana,García,03/04/2017,3A,,,,,,"
    day_first = "2,Eva,García,25/12/2016,3A,,,,,,"
    month_first = "3,Pau,García,12/25/2016,3A,,,,,,"

    def born(*rows: str, school_says: bool) -> list[date | None]:
        return [row.date_of_birth for row in parse(with_rows(*rows), day_first=school_says).rows]

    assert born(ambiguous, school_says=True) == [date(2017, 4, 3)]
    assert born(ambiguous, school_says=False) == [date(2017, 3, 4)]
    assert born(ambiguous, day_first, school_says=False)[0] == date(2017, 4, 3)
    assert born(ambiguous, month_first, school_says=True)[0] == date(2017, 3, 4)


def test_notices_do_not_hold_up_the_row() -> None:
    found = parse(
        with_rows(
            "1,Ana,García,,3A,,,,,,",
            "2,Eva,García,,3A,Luz,,555,,,",
            "3,Pau,Ruiz,,3A,Marta Ruiz,m@example.com,,,,",
            "4,Leo,Ruiz,,3A,Marta Gil,m@example.com,,,,",
            "5,Iris,Ruiz,,3A,MARTA  RUIZ,m@example.com,,,,",
        )
    )

    assert len(found.rows) == 5
    assert [(notice.line, notice.column) for notice in found.notices] == [
        (2, "guardian 1 name"),
        (3, "guardian 1 e-mail"),
        (5, "guardian 1 name"),
    ]
    assert found.notices[2].reason == (
        "m@example.com is Marta Ruiz on line 4: read as the same person."
    )


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Student Number", "number"),
        ("N.º de alumno", "number"),
        ("MATRÍCULA", "number"),
        ("First name", "first_name"),
        ("Nombre", "first_name"),
        ("Apellidos", "last_name"),
        ("Fecha de nacimiento", "date_of_birth"),
        ("Curso", "class_name"),
        ("Guardian 1 e-mail", "guardian1_email"),
        ("guardian1_email", "guardian1_email"),
        ("Parent email", "guardian1_email"),
        ("Correo del tutor 2", "guardian2_email"),
        ("Tutora 1 teléfono", "guardian1_phone"),
        ("Parentesco tutor 1", "guardian1_relationship"),
        ("Madre", "guardian1_name"),
        ("Padre correo electrónico", "guardian2_email"),
        ("Nombre de la madre", "guardian1_name"),
        ("Favourite colour", None),
        ("", None),
    ],
)
def test_headers_in_english_and_spanish(header: str, column: str | None) -> None:
    assert recognise(header) == column


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("column", ["first_name", "class_name", "guardian1_email"])
def test_what_we_call_a_column_may_be_its_header(language: str, column: str) -> None:
    with translation.override(language):
        assert recognise(label(column)) == column


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("known", values.Relationship)
def test_a_relationship_we_suggest_can_be_written(
    language: str, known: values.Relationship
) -> None:
    with translation.override(language):
        assert values.relationship(str(known.label)) == known


def test_columns_nobody_knows_are_ignored_and_listed() -> None:
    found = parse("number,first_name,last_name,class,bus,Allergies\n1,Ana,García,3A,7,nuts")

    assert found.ignored_columns == ("bus", "Allergies")
    assert found.problems == ()


def test_row_survives_being_stored() -> None:
    for row in parse(with_rows(GOOD, "2,Eva,García,,3A,,,,,,")).rows:
        assert families_file.from_json(families_file.to_json(row)) == row


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_result_or_invalid(content: bytes) -> None:
    _parse_or_invalid(content)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=30), st.sampled_from([",", ";", "\t", '"', "\n"]))
def test_any_text_below_a_good_header_gives_a_result_or_invalid(
    cells: list[str], separator: str
) -> None:
    _parse_or_invalid((HEADER + "\n" + separator.join(cells)).encode("utf-8", "surrogatepass"))


def _parse_or_invalid(content: bytes) -> None:
    try:
        found = parse(content)
    except Invalid:
        return
    bad_lines = {problem.line for problem in found.problems}
    assert len(found.rows) + len(bad_lines) == found.row_count
    assert not bad_lines & {row.line for row in found.rows}
