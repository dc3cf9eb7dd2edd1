"""What importing a families file would do: rows to create and rows to change. Writes nothing.

The dry run and the import make the same plan with the same code; the import then writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext as _

from apps.students.contracts import ImportTotals, RowProblem
from apps.students.models import (
    Enrolment,
    Guardian,
    Guardianship,
    Household,
    SchoolClass,
    Student,
    fold,
)
from apps.students.services import columns
from apps.students.services.families_file import FamilyRow, GuardianCells
from apps.students.services.snapshot import Snapshot

# In the order they are created; an undo goes the other way.
KINDS: dict[str, type[models.Model]] = {
    "school_class": SchoolClass,
    "household": Household,
    "guardian": Guardian,
    "student": Student,
    "guardianship": Guardianship,
    "enrolment": Enrolment,
}


@dataclass(slots=True)
class Plan:
    """New and changed rows. `before` holds, by kind and key, the values that change; `now` is
    the moment they carry."""

    now: datetime
    created: dict[str, dict[UUID, Any]] = field(default_factory=lambda: {k: {} for k in KINDS})
    changed: dict[str, dict[UUID, Any]] = field(default_factory=lambda: {k: {} for k in KINDS})
    before: dict[str, dict[UUID, dict[str, Any]]] = field(
        default_factory=lambda: {k: {} for k in KINDS}
    )
    updated_students: set[UUID] = field(default_factory=set)
    unchanged_students: set[UUID] = field(default_factory=set)
    joined_siblings: set[UUID] = field(default_factory=set)
    notices: list[RowProblem] = field(default_factory=list)

    def add(self, kind: str, row: Any) -> Any:
        """Note a row to be created."""
        self.created[kind][row.id] = row
        return row

    def change(self, kind: str, row: Any, **values: Any) -> bool:
        """Set the values that differ; say whether any did. Old values of stored rows are kept."""
        different = {name: new for name, new in values.items() if getattr(row, name) != new}
        if not different:
            return False
        if row.id not in self.created[kind]:
            before = self.before[kind].setdefault(row.id, {})
            for name in different:
                before.setdefault(name, getattr(row, name))
            self.changed[kind][row.id] = row
        for name, new in different.items():
            setattr(row, name, new)
        return True

    def totals(self, *, rows: int, bad_rows: int) -> ImportTotals:
        """The plan in numbers."""
        return ImportTotals(
            rows=rows,
            bad_rows=bad_rows,
            new_students=len(self.created["student"]),
            updated_students=len(self.updated_students),
            unchanged_students=len(self.unchanged_students),
            new_guardians=len(self.created["guardian"]),
            updated_guardians=len(self.changed["guardian"]),
            joined_siblings=len(self.joined_siblings),
            new_families=len(self.created["household"]),
            new_classes=tuple(c.name for c in self.created["school_class"].values()),
        )


def cells_label(cells: GuardianCells) -> str:
    """The column that the notice is about, as the template of the file calls it."""
    return columns.label(f"guardian{cells.order}_email")


def make(rows: Sequence[FamilyRow], known: Snapshot, *, today: date, now: datetime) -> Plan:
    """The plan for these rows on top of what is known.

    Where two rows differ about one guardian, the first row that fills a cell wins: so the same
    file imported again changes nothing.
    """
    planner = _Planner(known, today, now)
    for row in rows:
        planner.take_row(row)
    return planner.plan


class _Planner:
    def __init__(self, known: Snapshot, today: date, now: datetime) -> None:
        self.known, self.today, self.now = known, today, now
        self.plan = Plan(now=now)
        self.settled: set[tuple[UUID, str]] = set()

    def take_row(self, row: FamilyRow) -> None:
        student = self.known.students.get(row.number)
        household_id = self._household(row, student)
        is_new = student is None
        if student is None:
            student, changed = self._new_student(row, household_id), True
        else:
            changed = self._update_student(student, row)
        changed |= self._enrol(student, row.class_name)
        for cells in row.guardians:
            guardian = self._guardian(cells, student, household_id, row.line)
            changed |= self._link(student, guardian, cells)
        if changed:
            self._touch("student", student)
        if not is_new:
            kind = self.plan.updated_students if changed else self.plan.unchanged_students
            kind.add(student.id)

    def _household(self, row: FamilyRow, student: Student | None) -> UUID:
        """The student's own household, or that of the first guardian who is known, or a new one."""
        if student is not None:
            return student.household_id
        for cells in row.guardians:
            found = self._known_anywhere(cells)
            if found is not None:
                return found.household_id
        household: Household = self.plan.add("household", Household(created_at=self.now))
        return household.id

    def _new_student(self, row: FamilyRow, household_id: UUID) -> Student:
        student = Student(
            household_id=household_id,
            number=row.number,
            first_name=row.first_name,
            last_name=row.last_name,
            date_of_birth=row.date_of_birth,
            created_at=self.now,
            updated_at=self.now,
        )
        self.known.students[row.number] = student
        if household_id in self.known.households_with_students:
            self.plan.joined_siblings.add(student.id)
        self.known.households_with_students.add(household_id)
        self.plan.add("student", student)
        return student

    def _update_student(self, student: Student, row: FamilyRow) -> bool:
        values: dict[str, Any] = {"first_name": row.first_name, "last_name": row.last_name}
        if row.date_of_birth:
            values["date_of_birth"] = row.date_of_birth
        return self.plan.change("student", student, **values)

    def _touch(self, kind: str, row: Any) -> None:
        """An undo of an earlier import looks at `updated_at` to see what came after it."""
        self.plan.change(kind, row, search_text=row.search_key(), updated_at=self.now)

    def _enrol(self, student: Student, class_name: str) -> bool:
        school_class = self._class(class_name)
        current = self.known.open_enrolments.get(student.id)
        if current is not None and current.school_class_id == school_class.id:
            return False
        if current is not None:
            ends_on = max(self.today, current.starts_on)
            self.plan.change("enrolment", current, ends_on=ends_on)
        enrolment = Enrolment(
            student_id=student.id,
            school_class_id=school_class.id,
            year_id=self.known.year.id,
            starts_on=self.today,
        )
        self.known.open_enrolments[student.id] = self.plan.add("enrolment", enrolment)
        return True

    def _class(self, name: str) -> SchoolClass:
        key = fold(name)
        if key not in self.known.classes:
            new = SchoolClass(year_id=self.known.year.id, name=name)
            self.known.classes[key] = self.plan.add("school_class", new)
        return self.known.classes[key]

    def _known_anywhere(self, cells: GuardianCells) -> Guardian | None:
        if cells.email:
            return self.known.by_email.get(cells.email)
        return self.known.named_with_phone(cells.name, cells.phone)

    def _guardian(
        self, cells: GuardianCells, student: Student, household_id: UUID, line: int
    ) -> Guardian:
        found = self._find(cells, student, household_id)
        self._notice_two_addresses(found, cells, line)
        if found is None:
            found = Guardian(
                household_id=household_id, name=cells.name, created_at=self.now, updated_at=self.now
            )
            self.plan.add("guardian", found)
        self.known.forget_guardian(found)
        self._update_guardian(found, cells)
        self.known.know_guardian(found)
        return found

    def _find(self, cells: GuardianCells, student: Student, household_id: UUID) -> Guardian | None:
        """The person meant: the same e-mail; else the same name as a guardian of this student, or
        in this household when one of the two has no e-mail; else the same name and phone."""
        if cells.email and cells.email in self.known.by_email:
            return self.known.by_email[cells.email]
        name = fold(cells.name)
        for guardian_id in self.known.guardianships[student.id]:
            if fold(self.known.guardians[guardian_id].name) == name:
                return self.known.guardians[guardian_id]
        at_home = self.known.at_home(household_id, cells.name)
        if at_home is not None and not (cells.email and at_home.email):
            return at_home
        return self._known_anywhere(cells)

    def _notice_two_addresses(
        self, found: Guardian | None, cells: GuardianCells, line: int
    ) -> None:
        """Found by name with another e-mail: a corrected address, or two people of one name."""
        if found is None or not cells.email or not found.email or found.email == cells.email:
            return
        kept = found.email if (found.id, "email") in self.settled else cells.email
        reason = _(
            "%(name)s is known with %(known)s and is taken for the same person: %(kept)s will be "
            "the address. If they are two people, add the second one by hand after the import."
        ) % {"name": cells.name, "known": found.email, "kept": kept}
        self.plan.notices.append(RowProblem(line=line, column=cells_label(cells), reason=reason))

    def _update_guardian(self, guardian: Guardian, cells: GuardianCells) -> None:
        filled = {
            name: getattr(cells, name)
            for name in ("name", "email", "phone", "language")
            if getattr(cells, name) and (guardian.id, name) not in self.settled
        }
        self.settled |= {(guardian.id, name) for name in filled}
        is_new = guardian.id in self.plan.created["guardian"]
        if self.plan.change("guardian", guardian, **filled) or is_new:
            self._touch("guardian", guardian)

    def _link(self, student: Student, guardian: Guardian, cells: GuardianCells) -> bool:
        links = self.known.guardianships[student.id]
        values: dict[str, Any] = {}
        if cells.relationship:
            values["relationship"] = cells.relationship
        if cells.pays is not None:
            values["pays"] = cells.pays
        if guardian.id in links:
            return self.plan.change("guardianship", links[guardian.id], **values)
        order = max((link.contact_order for link in links.values()), default=0) + 1
        link = Guardianship(
            student_id=student.id, guardian_id=guardian.id, contact_order=order, **values
        )
        links[guardian.id] = self.plan.add("guardianship", link)
        return True
