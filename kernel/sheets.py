"""Tables as files for spreadsheets: CSV, and XLSX with a sheet a table.

Rows are written one by one into a temporary file, so that a long table costs no memory, and an
error half-way is an error and not half a file.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

from django.http import FileResponse
from django.utils import timezone
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from kernel.errors import Invalid
from kernel.money import Money, exponent, to_decimal

Cell = str | int | Money | date | datetime | None
CSV, XLSX = "csv", "xlsx"
KINDS = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
IN_MEMORY = 2 * 1024 * 1024
# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\']")
_MAX_TITLE, _MAX_TEXT = 31, 32_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its title, what the columns are called, and its rows, which are read once."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def download(kind: str, name: str, sheets: Sequence[Sheet]) -> FileResponse:
    """The sheets as a file `name`.csv (the first of them) or `name`.xlsx, kept by no cache.

    Raises Invalid for another kind.
    """
    if kind not in KINDS:
        raise Invalid("csv, xlsx", field="format")
    made = csv_file(sheets[0]) if kind == CSV else xlsx_file(sheets)
    response = FileResponse(
        made, as_attachment=True, filename=f"{name}.{kind}", content_type=KINDS[kind]
    )
    response["Cache-Control"] = "private, no-store"
    return response


def harmless(text: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_file(sheet: Sheet) -> IO[bytes]:
    """UTF-8 with the mark that Excel wants; amounts as 1234.50, times in the active zone."""
    made = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 – the response closes it
    text = io.TextIOWrapper(made, encoding="utf-8-sig", newline="")  # type: ignore[type-var]
    writer = csv.writer(text)
    writer.writerow([harmless(title) for title in sheet.columns])
    writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
    text.flush()
    text.detach()
    made.seek(0)
    return made  # type: ignore[return-value]


def _plain(cell: Cell) -> str:
    if isinstance(cell, Money):
        return f"{to_decimal(cell.minor, cell.currency):f}"
    if isinstance(cell, datetime):
        return timezone.localtime(cell).strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, str):
        return harmless(cell)
    return "" if cell is None else str(cell)


def xlsx_file(sheets: Sequence[Sheet]) -> IO[bytes]:
    """Text stays text, whatever it begins with; amounts, days and times are numbers."""
    made = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 – the response closes it
    with Workbook(made, {"constant_memory": True, "remove_timezone": True}) as book:
        looks = _Looks(book)
        for number, sheet in enumerate(sheets, 1):
            _write_sheet(book, looks, sheet, number)
    made.seek(0)
    return made  # type: ignore[return-value]


class _Looks:
    """How cells are shown; made once a file."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self.head = book.add_format({"bold": True, "bottom": 1})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._money: dict[int, Any] = {}

    def money(self, currency: str) -> Any:
        digits = exponent(currency)
        if digits not in self._money:
            decimals = "." + "0" * digits if digits else ""
            self._money[digits] = self._book.add_format({"num_format": f"#,##0{decimals}"})
        return self._money[digits]


def _write_sheet(book: Any, looks: _Looks, sheet: Sheet, number: int) -> None:
    # Excel wants short titles, no two alike.
    title = _NOT_IN_TITLES.sub(" ", sheet.title)[: _MAX_TITLE - 3].strip()
    page = book.add_worksheet(f"{number} {title}")
    page.set_column(0, len(sheet.columns), 18)
    page.freeze_panes(1, 0)
    for column, name in enumerate(sheet.columns):
        page.write_string(0, column, name, looks.head)
    for line, row in enumerate(sheet.rows, 1):
        for column, cell in enumerate(row):
            _write_cell(page, looks, line, column, cell)


def _write_cell(page: Any, looks: _Looks, line: int, column: int, cell: Cell) -> None:
    if isinstance(cell, Money):
        value = float(to_decimal(cell.minor, cell.currency))
        page.write_number(line, column, value, looks.money(cell.currency))
    elif isinstance(cell, datetime):
        page.write_datetime(line, column, timezone.localtime(cell), looks.moment)
    elif isinstance(cell, date):
        page.write_datetime(line, column, cell, looks.day)
    elif isinstance(cell, int):
        page.write_number(line, column, cell)
    elif cell:
        page.write_string(line, column, cell[:_MAX_TEXT])
