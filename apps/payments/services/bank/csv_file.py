"""Statements as CSV, whatever the bank's taste: separators, decimals, dates and columns are a
layout, guessed from a preset and the header and changed by the person who looks at the preview."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from apps.payments.services.bank.entries import MAX_LINES, Entry, Problem, Read, near
from kernel.errors import Invalid
from kernel.money import MAX_MINOR, exponent

DELIMITERS = {",": ",", ";": ";", "tab": "\t"}
DATES = {
    "iso": ("%Y-%m-%d", "%Y%m%d"),
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y"),
}
COLUMNS = ("date", "amount", "credit", "debit", "name", "text", "reference")
# Words that name a column in a bank's header, in English or Spanish.
_WORDS: dict[str, tuple[str, ...]] = {
    "date": ("date", "booking date", "posting date", "fecha", "fecha operacion", "f. contable"),
    "amount": ("amount", "importe", "cantidad", "amount (usd)", "importe (eur)"),
    "credit": ("credit", "paid in", "haber", "abono", "abonos", "deposits"),
    "debit": ("debit", "paid out", "debe", "cargo", "cargos", "withdrawals"),
    "name": ("name", "payee", "payer", "counterparty", "ordenante", "beneficiario", "nombre"),
    "text": ("description", "details", "memo", "concepto", "descripcion", "text", "narrative"),
    "reference": ("reference", "transaction id", "referencia", "id", "entry reference"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How to read a file. `columns`: what -> place in the line, from 0."""

    delimiter: str = ","
    decimal: str = "."
    dates: str = "iso"
    columns: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"columns": dict(self.columns)}


PRESETS: dict[str, Layout] = {
    "us": Layout(dates="mdy"),
    "uk": Layout(dates="dmy"),
    "es": Layout(delimiter=";", decimal=",", dates="dmy"),
    "iso": Layout(),
}


def layout_of(values: Mapping[str, Any]) -> Layout:
    """The layout of a form or of a stored row. Raises Invalid."""
    columns = {key: int(place) for key, place in (values.get("columns") or {}).items()}
    layout = Layout(
        delimiter=str(values.get("delimiter", ",")),
        decimal=str(values.get("decimal", ".")),
        dates=str(values.get("dates", "iso")),
        columns=columns,
    )
    known = layout.delimiter in DELIMITERS and layout.decimal in (".", ",")
    if not known or layout.dates not in DATES or set(columns) - set(COLUMNS):
        raise Invalid(_("This layout is not known."))
    return layout


def decode(content: bytes) -> str:
    """UTF-8 with or without its mark, else Latin-1 as banks write it. Raises Invalid."""
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise Invalid(
            _("This is an Excel workbook. Save it as CSV and upload that file."), field="file"
        )
    if b"\x00" in content:
        raise Invalid(_("The file is not text."), field="file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read(text: str, layout: Layout, *, currency: str) -> Read:
    """Every entry, and every line that cannot be read with the reason. Raises Invalid for a file
    that is none."""
    records = _records(text, DELIMITERS[layout.delimiter])
    _line, header = next(records, (0, []))
    if not header:
        raise Invalid(_("The file is empty."), field="file")
    columns = layout.columns or guess(header)
    entries: list[Entry] = []
    problems: list[Problem] = []
    for line, cells in records:
        if len(entries) + len(problems) >= MAX_LINES:
            raise Invalid(_("The file has too many lines. Split it into several files."))
        try:
            entries.append(_entry(cells, columns, layout, currency))
        except ValueError as error:
            problems.append(Problem(line=line, message=str(error)))
    return Read(entries=entries, problems=problems, header=[cell.strip() for cell in header])


def guess(header: Sequence[str]) -> dict[str, int]:
    """What each column probably is, by its name."""
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        for column, words in _WORDS.items():
            if column not in found and _plain(cell) in words:
                found[column] = place
                break
    return found


def _plain(cell: str) -> str:
    accents = str.maketrans("áéíóúü", "aeiouu")
    return re.sub(r"\s+", " ", cell.strip().casefold()).translate(accents)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, with the number of each."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            message = _("Line %(line)d cannot be read.")
            raise Invalid(message % {"line": line}, field="file") from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _entry(
    cells: Sequence[str], columns: Mapping[str, int], layout: Layout, currency: str
) -> Entry:
    def cell(column: str) -> str:
        place = columns.get(column)
        return " ".join(cells[place].split()) if place is not None and place < len(cells) else ""

    amount = _signed(cell, layout, currency)
    if amount == 0:
        raise ValueError(_("The amount is zero."))
    return Entry(
        booked_on=near(_date(cell("date"), layout.dates)),
        amount_minor=amount,
        currency=currency,
        name=cell("name")[:200],
        text=cell("text")[:500],
        reference=cell("reference")[:100],
    )


def _signed(cell: Any, layout: Layout, currency: str) -> int:
    """One column with a sign, or one for what came in and one for what went out."""
    if text := cell("amount"):
        return _amount(text, layout.decimal, currency)
    credit, debit = cell("credit"), cell("debit")
    if not credit and not debit:
        raise ValueError(_("There is no amount."))
    came = abs(_amount(credit, layout.decimal, currency)) if credit else 0
    went = abs(_amount(debit, layout.decimal, currency)) if debit else 0
    return came - went


def _amount(text: str, decimal: str, currency: str) -> int:
    """1.234,50 or 1,234.50; (5.00) and 5.00- are below zero, as banks write them."""
    plain = re.sub(r"[\s\u00a0$€£]", "", text)
    below = plain.startswith(("-", "(")) or plain.endswith("-")
    plain = plain.strip("-+()")
    thousands = "." if decimal == "," else ","
    grouped = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+"
    if not re.fullmatch(rf"(?:{grouped})(?:{re.escape(decimal)}\d+)?", plain):
        raise ValueError(_("“%(text)s” is not an amount.") % {"text": text[:30]})
    try:
        value = Decimal(plain.replace(thousands, "").replace(decimal, "."))
    except InvalidOperation as error:
        raise ValueError(_("“%(text)s” is not an amount.") % {"text": text[:30]}) from error
    minor = value.scaleb(exponent(currency))
    if minor != minor.to_integral_value() or minor > MAX_MINOR:
        raise ValueError(_("“%(text)s” is not an amount.") % {"text": text[:30]})
    return -int(minor) if below else int(minor)


def _date(text: str, dates: str) -> date:
    for pattern in DATES[dates]:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise ValueError(_("“%(text)s” is not a date of this kind.") % {"text": text[:30]})
