"""What the other apps may ask of students. All in the school that is open."""

from apps.students.contracts import (
    ClassInfo,
    Counts,
    GuardianInfo,
    ImportInfo,
    ImportTotals,
    RowProblem,
    StudentInfo,
    YearInfo,
)
from apps.students.selectors.imports import import_info
from apps.students.selectors.people import (
    children_of,
    count_enrolled,
    counts,
    current_year,
    find_guardian_by_email,
    get_guardian,
    get_student,
    get_students,
    guardian_of_user,
    guardians_of,
    list_classes,
    search_students,
    students_in_classes,
)
from apps.students.services import imports
from apps.students.services.classes import create_class
from apps.students.services.guardians import GuardianDetails, add_guardian
from apps.students.services.students import StudentDetails, enrol_student, withdraw_student
from apps.students.services.undo import UndoRefused, register_undo_guard, undo_import
from apps.students.services.years import ensure_current_year

__all__ = [
    "ClassInfo",
    "Counts",
    "GuardianDetails",
    "GuardianInfo",
    "ImportInfo",
    "ImportTotals",
    "RowProblem",
    "StudentDetails",
    "StudentInfo",
    "UndoRefused",
    "YearInfo",
    "add_guardian",
    "children_of",
    "count_enrolled",
    "counts",
    "create_class",
    "current_year",
    "enrol_student",
    "ensure_current_year",
    "find_guardian_by_email",
    "get_guardian",
    "get_student",
    "get_students",
    "guardian_of_user",
    "guardians_of",
    "import_families",
    "list_classes",
    "register_undo_guard",
    "search_students",
    "students_in_classes",
    "undo_import",
    "withdraw_student",
]


def import_families(
    csv_bytes: bytes,
    actor: str,
    *,
    file_name: str = "families.csv",
    skip_bad_rows: bool = False,
) -> ImportInfo:
    """Check and import a families file in one go.

    Raises Invalid when it cannot be read, or when rows are bad and `skip_bad_rows` is False.
    """
    checked = imports.check_families_file(content=csv_bytes, file_name=file_name, actor=actor)
    record = imports.import_families(import_id=checked.id, actor=actor, skip_bad_rows=skip_bad_rows)
    return import_info(record)
