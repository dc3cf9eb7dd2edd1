"""What the students app tells the others."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentEnrolled:
    """A student joined a class: new to the school, back again, or moved from another class."""

    name: ClassVar[str] = "students.student_enrolled"
    version: ClassVar[int] = 1
    student_id: UUID
    student_number: str
    student_name: str
    class_id: UUID
    class_name: str
    enrolled_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentWithdrawn:
    """A student left the school, or the import that brought them was undone."""

    name: ClassVar[str] = "students.student_withdrawn"
    version: ClassVar[int] = 1
    student_id: UUID
    student_number: str
    student_name: str
    class_id: UUID
    class_name: str
    withdrawn_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FamiliesImported:
    """A families file was imported. One event for all its students, in place of one
    `student_enrolled` each: `student_ids` are those who joined a class."""

    name: ClassVar[str] = "students.families_imported"
    version: ClassVar[int] = 1
    import_id: UUID
    student_ids: tuple[UUID, ...]
    imported_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FamiliesImportUndone:
    """An import was undone: the students and guardians it had created are gone."""

    name: ClassVar[str] = "students.families_import_undone"
    version: ClassVar[int] = 1
    import_id: UUID
    student_ids: tuple[UUID, ...]
    guardian_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianEmailsChanged:
    """These guardians have another e-mail than before, or none: links that were sent to the old
    address must open nothing any more."""

    name: ClassVar[str] = "students.guardian_emails_changed"
    version: ClassVar[int] = 1
    guardian_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased:
    """Somebody's personal data is gone: whoever keeps a copy forgets it. Keys only, no name."""

    name: ClassVar[str] = "students.person_erased"
    version: ClassVar[int] = 1
    kind: str
    student_ids: tuple[UUID, ...]
    guardian_ids: tuple[UUID, ...]
    user_ids: tuple[UUID, ...]


SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    ("students.student_enrolled", 1): {
        "student_id": "0198f3a0-0000-7000-8000-000000000001",
        "student_number": "1001",
        "student_name": "Ana García",
        "class_id": "0198f3a0-0000-7000-8000-000000000002",
        "class_name": "3A",
        "enrolled_on": "2026-09-01",
    },
    ("students.student_withdrawn", 1): {
        "student_id": "0198f3a0-0000-7000-8000-000000000001",
        "student_number": "1001",
        "student_name": "Ana García",
        "class_id": "0198f3a0-0000-7000-8000-000000000002",
        "class_name": "3A",
        "withdrawn_on": "2027-02-12",
    },
    ("students.families_imported", 1): {
        "import_id": "0198f3a0-0000-7000-8000-000000000003",
        "student_ids": ["0198f3a0-0000-7000-8000-000000000001"],
        "imported_on": "2026-08-20",
    },
    ("students.families_import_undone", 1): {
        "import_id": "0198f3a0-0000-7000-8000-000000000003",
        "student_ids": ["0198f3a0-0000-7000-8000-000000000001"],
        "guardian_ids": ["0198f3a0-0000-7000-8000-000000000004"],
    },
    ("students.guardian_emails_changed", 1): {
        "guardian_ids": ["0198f3a0-0000-7000-8000-000000000004"],
    },
    ("students.person_erased", 1): {
        "kind": "guardian",
        "student_ids": [],
        "guardian_ids": ["0198f3a0-0000-7000-8000-000000000004"],
        "user_ids": ["0198f3a0-0000-7000-8000-000000000005"],
    },
}
