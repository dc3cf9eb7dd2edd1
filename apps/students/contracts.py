"""What other apps may hold of the students app: plain, frozen data."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentInfo:
    """A student and the class they are in now (both class fields empty when not enrolled)."""

    id: UUID
    number: str
    first_name: str
    last_name: str
    household_id: UUID
    class_id: UUID | None = None
    class_name: str = ""
    is_enrolled: bool = False
    date_of_birth: date | None = None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianInfo:
    """A parent or guardian. `email` is "" when the school has none."""

    id: UUID
    name: str
    email: str
    phone: str
    language: str
    household_id: UUID
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianshipInfo:
    """One guardian of one student."""

    id: UUID
    guardian: GuardianInfo
    relationship: str
    relationship_label: str
    pays: bool
    contact_order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassInfo:
    """A class of a school year and how many students are in it now."""

    id: UUID
    name: str
    year_name: str
    student_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class YearInfo:
    """A school year; both days belong to it."""

    name: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentInfo:
    """One stay of a student in a class. `ends_on` is None while it lasts."""

    class_id: UUID
    class_name: str
    year_name: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many people the school has: enrolled students, and the families and guardians of all."""

    students: int
    families: int
    guardians: int
    guardians_without_email: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why a row of a families file cannot be imported (or, as a notice, is worth a look)."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTotals:
    """What importing a file does, or did. `rows` counts the rows of the file, bad ones included."""

    rows: int = 0
    bad_rows: int = 0
    new_students: int = 0
    updated_students: int = 0
    unchanged_students: int = 0
    new_guardians: int = 0
    updated_guardians: int = 0
    joined_siblings: int = 0
    new_families: int = 0
    new_classes: tuple[str, ...] = ()

    @property
    def good_rows(self) -> int:
        return self.rows - self.bad_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportInfo:
    """A families file that was checked, imported or undone. Times are UTC."""

    id: UUID
    file_name: str
    sha256: str
    state: str
    state_label: str
    totals: ImportTotals
    uploaded_by: str
    uploaded_at: datetime
    imported_by: str = ""
    imported_at: datetime | None = None
    undone_by: str = ""
    undone_at: datetime | None = None
    problems: tuple[RowProblem, ...] = ()
    notices: tuple[RowProblem, ...] = ()
    ignored_columns: tuple[str, ...] = ()
