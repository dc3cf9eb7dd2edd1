"""Tables as files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from kernel.errors import Invalid
from kernel.money import Money
from kernel.sheets import Sheet, csv_file, download, harmless, xlsx_file


def sheet(*cells: object) -> Sheet:
    return Sheet("A", ("a",), [cells])  # type: ignore[list-item]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "12", "Zoë"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_a_csv_holds_amounts_days_and_times_as_plain_text() -> None:
    moment = datetime(2025, 11, 3, 5, 30, tzinfo=UTC)
    cells = (Money(-1250, "USD"), Money(500, "JPY"), date(2025, 11, 3), moment, None, 7, "a,b")
    with timezone.override("America/Chicago"):
        lines = csv_file(sheet(*cells)).read().decode("utf-8-sig").splitlines()
    assert lines == ["a", '-12.50,500,2025-11-03,2025-11-02 23:30,,7,"a,b"']


def test_titles_of_sheets_may_be_anything() -> None:
    made = xlsx_file([Sheet("a/b:[c]*" * 9, ("x",), []), Sheet("", ("x",), [])])
    assert made.read(2) == b"PK"


def test_an_error_in_the_middle_is_an_error_and_no_half_file() -> None:
    def rows() -> Iterator[tuple[str]]:
        yield ("one",)
        raise LookupError

    for make in (csv_file, lambda broken: xlsx_file([broken])):
        with pytest.raises(LookupError):
            make(Sheet("A", ("a",), rows()))


def test_a_download_is_an_attachment_that_nobody_keeps() -> None:
    response = download("csv", "takings", [sheet("x")])
    assert response["Content-Disposition"] == 'attachment; filename="takings.csv"'
    assert response["Cache-Control"] == "private, no-store"
    with pytest.raises(Invalid):
        download("exe", "takings", [sheet("x")])
