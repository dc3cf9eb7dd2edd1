"""From uploaded bytes to the lines of a CSV file, with readable complaints. No database."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.students.services import columns
from kernel.errors import Invalid

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 10_000
DELIMITERS = (",", ";", "\t")
MAX_CELL = 2_000


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file taken apart: lines are counted from 1, the header's line included."""

    header: list[str]
    header_line: int
    rows: list[tuple[int, list[str]]]


def _refuse(message: str, code: str) -> Invalid:
    return Invalid(message, code=code, field="file")


def check_size(size: int) -> None:
    """Raise Invalid for a file of more than 5 MB."""
    if size > MAX_BYTES:
        raise _refuse(too_large(size), "too_large")


def too_large(size: int) -> str:
    """What to tell who sends a file of `size` bytes."""
    message = _("The file has %(size)s MB. At most 5 MB can be imported at a time.")
    return message % {"size": f"{size / 1024 / 1024:.1f}"}


def decode(content: bytes) -> str:
    """The text of a UTF-8 file, with or without BOM. Raises Invalid naming what it is instead."""
    check_size(len(content))
    _refuse_other_formats(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong_encoding(_("Windows-1252 (Latin-1)"), _line_of(content, error)) from None
    if not text.strip():
        raise _refuse(_("The file is empty."), "empty")
    if "\x00" in text:
        raise _refuse(_("The file is not text: it holds NUL characters."), "not_text")
    return text


def _line_of(content: bytes, error: UnicodeDecodeError) -> int:
    # utf-8-sig reports the place after the BOM; three bytes early never changes the line.
    return content.count(b"\n", 0, error.start) + 1


def _refuse_other_formats(content: bytes) -> None:
    if content[:4] == b"PK\x03\x04" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise _refuse(
            _(
                "This is an Excel workbook, not a CSV file. In Excel choose File, Save as, and the "
                "type “CSV UTF-8 (Comma delimited)”, then upload that file."
            ),
            "workbook",
        )
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _wrong_encoding("UTF-16", 1)


def _wrong_encoding(found: str, line: int) -> Invalid:
    message = _(
        "The file is not in UTF-8 but probably in %(found)s: line %(line)d has letters that cannot "
        "be read. In Excel choose File, Save as, and the type “CSV UTF-8 (Comma delimited)”, then "
        "upload that file."
    )
    return _refuse(message % {"found": found, "line": line}, "encoding")


def read_table(text: str) -> Table:
    """Header and rows of the file; blank lines are skipped. Raises Invalid."""
    lines, skipped = _without_separator_hint(text)
    records = _records(lines, _delimiter(lines), skipped)
    header_line, header = next(records, (0, []))
    rows: list[tuple[int, list[str]]] = []
    for record in records:
        rows.append(record)
        if len(rows) > MAX_ROWS:
            message = _("The file has more than %(count)s rows. Split it into several files.")
            raise _refuse(message % {"count": f"{MAX_ROWS:,}"}, "too_many_rows")
    return Table(header, header_line, rows)


def _without_separator_hint(text: str) -> tuple[str, int]:
    """Excel may write a first line "sep=;": take it off, and say how many lines were taken."""
    hint = re.match(r"sep=.(?:\r\n|\n|\r)", text)
    return (text[hint.end() :], 1) if hint else (text, 0)


def _delimiter(text: str) -> str:
    """The delimiter that makes most known columns of the first line; a comma when in doubt."""
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")

    def known(delimiter: str) -> int:
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            return 0
        return sum(1 for cell in cells if columns.recognise(cell))

    return max(DELIMITERS, key=known)


def _records(text: str, delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not blank, with the line it starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader, None)
        except csv.Error:
            raise _broken_quotes(line) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _broken_quotes(line: int) -> Invalid:
    message = _(
        "Line %(line)d cannot be read: a quotation mark is opened and not closed, or stands in the "
        "middle of a cell."
    )
    return _refuse(message % {"line": line}, "broken_quotes")
