"""A families file read row by row: good rows, bad rows with their reasons, notices. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.students.contracts import RowProblem
from apps.students.models import fold
from apps.students.services import columns, csv_text, values

MAX_LENGTH = {
    "number": 32,
    "first_name": 80,
    "last_name": 80,
    "class_name": 40,
    "name": 120,
    "email": 254,
    "phone": 40,
}


@dataclass(frozen=True, slots=True)
class GuardianCells:
    """A guardian as written in a row. "" or None: the cell was empty and changes nothing."""

    order: int
    name: str
    email: str = ""
    phone: str = ""
    relationship: str = ""
    language: str = ""
    pays: bool | None = None


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """One good row: a student, the class and up to two guardians."""

    line: int
    number: str
    first_name: str
    last_name: str
    class_name: str
    date_of_birth: date | None = None
    guardians: tuple[GuardianCells, ...] = ()


@dataclass(frozen=True, slots=True)
class FamiliesFile:
    """A file that could be read. `row_count` counts bad rows too."""

    rows: tuple[FamilyRow, ...]
    problems: tuple[RowProblem, ...]
    notices: tuple[RowProblem, ...]
    ignored_columns: tuple[str, ...]
    row_count: int

    @property
    def bad_row_count(self) -> int:
        return self.row_count - len(self.rows)


@dataclass(slots=True)
class _Findings:
    """What is collected on the way through a file."""

    rows: list[FamilyRow] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    notices: list[RowProblem] = field(default_factory=list)
    line_of_number: dict[str, int] = field(default_factory=dict)
    name_of_email: dict[str, tuple[str, int]] = field(default_factory=dict)

    def problem(self, line: int, column: str, reason: str) -> None:
        self.problems.append(RowProblem(line=line, column=columns.label(column), reason=reason))

    def notice(self, line: int, column: str, reason: str) -> None:
        self.notices.append(RowProblem(line=line, column=columns.label(column), reason=reason))


def parse(content: bytes, *, today: date, day_first: bool) -> FamiliesFile:
    """Read the file. Raises Invalid (kernel.errors) when it cannot be read as a whole.

    `today` is the school's day: nobody is born later. `day_first` says how 03/04/2015 is meant
    unless the file itself shows it.
    """
    table = csv_text.read_table(csv_text.decode(content))
    places = columns.map_columns(table.header)
    findings = _Findings()
    day_first = _day_first(table, places, default=day_first)
    for line, cells in table.rows:
        _read_row(findings, line, cells, places, len(table.header), today, day_first)
    return FamiliesFile(
        rows=tuple(findings.rows),
        problems=tuple(findings.problems),
        notices=tuple(findings.notices),
        ignored_columns=tuple(
            header.strip()[:60]
            for place, header in enumerate(table.header)
            if header.strip() and place not in places.values()
        ),
        row_count=len(table.rows),
    )


def _day_first(table: csv_text.Table, places: dict[str, int], *, default: bool) -> bool:
    place = places.get("date_of_birth")
    if place is None:
        return default
    cells = (cells[place] for _line, cells in table.rows if place < len(cells))
    return values.day_first_by_evidence(cells, default=default)


def _read_row(
    findings: _Findings,
    line: int,
    cells: list[str],
    places: dict[str, int],
    width: int,
    today: date,
    day_first: bool,
) -> None:
    bad_before = len(findings.problems)
    if any(cell.strip() for cell in cells[width:]):
        reason = _("There are more cells than columns. Text that holds the separator needs quotes.")
        findings.problem(line, _("row"), reason)
        return
    row = {name: _clean(cells[at]) if at < len(cells) else "" for name, at in places.items()}
    student = _read_student(findings, line, row, today, day_first)
    guardians = tuple(_read_guardians(findings, line, row))
    if len(findings.problems) == bad_before:
        findings.rows.append(replace(student, guardians=guardians))
        _notice_oddities(findings, line, guardians)


def _clean(cell: str) -> str:
    """A cell without control characters and extra spaces."""
    if not cell.isprintable():
        cell = "".join(char if char.isprintable() else " " for char in cell)
    return " ".join(cell.split())


def _text(findings: _Findings, line: int, row: dict[str, str], column: str, needed: bool) -> str:
    text = row.get(column, "")
    limit = MAX_LENGTH[column.removeprefix("guardian1_").removeprefix("guardian2_")]
    if needed and not text:
        findings.problem(line, column, _("This cell is empty."))
    if len(text) > limit:
        reason = _("This text is too long: at most %(limit)d characters.") % {"limit": limit}
        findings.problem(line, column, reason)
    return text


def _read_student(
    findings: _Findings, line: int, row: dict[str, str], today: date, day_first: bool
) -> FamilyRow:
    texts: dict[str, Any] = {
        column: _text(findings, line, row, column, True) for column in columns.REQUIRED
    }
    _check_number_once(findings, line, texts["number"])
    born = None
    if row.get("date_of_birth"):
        try:
            born = values.birth_date(row["date_of_birth"], today=today, day_first=day_first)
        except ValueError as error:
            findings.problem(line, "date_of_birth", str(error))
    return FamilyRow(line=line, date_of_birth=born, **texts)


def _check_number_once(findings: _Findings, line: int, number: str) -> None:
    if not number:
        return
    first = findings.line_of_number.setdefault(number, line)
    if first != line:
        reason = _("Student number %(number)s is already on line %(line)d.")
        findings.problem(line, "number", reason % {"number": number[:40], "line": first})


def _read_guardians(findings: _Findings, line: int, row: dict[str, str]) -> Iterator[GuardianCells]:
    seen: set[str] = set()
    for order in columns.GUARDIANS:
        prefix = f"guardian{order}_"
        if not any(row.get(prefix + name) for name in columns.GUARDIAN_FIELDS):
            continue
        guardian = _read_guardian(findings, line, row, order, prefix)
        identity = guardian.email or fold(guardian.name)
        if identity in seen:
            reason = _("Guardian 2 is the same person as guardian 1. Leave one of them empty.")
            findings.problem(line, f"{prefix}{'email' if guardian.email else 'name'}", reason)
        seen.add(identity)
        yield guardian


def _read_guardian(
    findings: _Findings, line: int, row: dict[str, str], order: int, prefix: str
) -> GuardianCells:
    name = _text(findings, line, row, f"{prefix}name", False)
    if not name:
        reason = _("Guardian %(n)d has other details but no name.") % {"n": order}
        findings.problem(line, f"{prefix}name", reason)
    return GuardianCells(
        order=order,
        name=name,
        email=_email(findings, line, row, f"{prefix}email"),
        phone=_text(findings, line, row, f"{prefix}phone", False),
        relationship=_choice(findings, line, row, f"{prefix}relationship", values.relationship),
        language=_choice(findings, line, row, f"{prefix}language", values.language),
        pays=_choice(findings, line, row, f"{prefix}pays", values.yes_or_no),
    )


def _email(findings: _Findings, line: int, row: dict[str, str], column: str) -> str:
    email = _text(findings, line, row, column, False).lower()
    if email:
        try:
            validate_email(email)
        except ValidationError:
            reason = _("“%(email)s” is not an e-mail address.") % {"email": email[:80]}
            findings.problem(line, column, reason)
    return email


def _choice(findings: _Findings, line: int, row: dict[str, str], column: str, read: Any) -> Any:
    try:
        return read(row.get(column, ""))
    except ValueError as error:
        findings.problem(line, column, str(error))
        return read("")


def _notice_oddities(findings: _Findings, line: int, guardians: tuple[GuardianCells, ...]) -> None:
    if not guardians:
        reason = _("No guardian: nobody can be billed for this student.")
        findings.notice(line, "guardian1_name", reason)
    elif not any(guardian.email for guardian in guardians):
        reason = _("No guardian has an e-mail: invoices must be handed over on paper.")
        findings.notice(line, "guardian1_email", reason)
    for guardian in guardians:
        _notice_other_name(findings, line, guardian)


def _notice_other_name(findings: _Findings, line: int, guardian: GuardianCells) -> None:
    if not guardian.email:
        return
    name, first = findings.name_of_email.setdefault(guardian.email, (guardian.name, line))
    if fold(name) != fold(guardian.name):
        reason = _("%(email)s is %(name)s on line %(line)d: read as the same person.")
        details = {"email": guardian.email, "name": name, "line": first}
        findings.notice(line, f"guardian{guardian.order}_name", reason % details)


def to_json(row: FamilyRow) -> dict[str, Any]:
    """A row as it waits in the FamilyImport record."""
    data = {column.name: getattr(row, column.name) for column in fields(row)}
    data["date_of_birth"] = row.date_of_birth.isoformat() if row.date_of_birth else None
    data["guardians"] = [
        {cell.name: getattr(guardian, cell.name) for cell in fields(guardian)}
        for guardian in row.guardians
    ]
    return data


def from_json(data: dict[str, Any]) -> FamilyRow:
    """The row that `to_json` stored."""
    born = data["date_of_birth"]
    return FamilyRow(
        **{
            **data,
            "date_of_birth": date.fromisoformat(born) if born else None,
            "guardians": tuple(GuardianCells(**cells) for cells in data["guardians"]),
        }
    )
