"""What the school already has of the people in a families file, read in a fixed number of
queries however long the file is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from apps.students.models import (
    Enrolment,
    Guardian,
    Guardianship,
    SchoolClass,
    SchoolYear,
    Student,
    fold,
)
from apps.students.services.families_file import FamilyRow


@dataclass(slots=True)
class Snapshot:
    """Existing rows by what a file knows of them. Planning adds the new ones as it goes."""

    year: SchoolYear
    classes: dict[str, SchoolClass] = field(default_factory=dict)
    students: dict[str, Student] = field(default_factory=dict)
    open_enrolments: dict[UUID, Enrolment] = field(default_factory=dict)
    guardianships: dict[UUID, dict[UUID, Guardianship]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    guardians: dict[UUID, Guardian] = field(default_factory=dict)
    by_email: dict[str, Guardian] = field(default_factory=dict)
    # Several people may share a name: of those, the one the school knew first is meant.
    by_name_and_phone: dict[tuple[str, str], dict[UUID, Guardian]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    by_household_and_name: dict[tuple[UUID, str], dict[UUID, Guardian]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    households_with_students: set[UUID] = field(default_factory=set)

    def know_guardian(self, guardian: Guardian) -> None:
        """Make a guardian findable by e-mail, by name and phone, by household and name."""
        self.guardians[guardian.id] = guardian
        name = fold(guardian.name)
        if guardian.email:
            self.by_email[guardian.email] = guardian
        if guardian.phone:
            self.by_name_and_phone[name, guardian.phone][guardian.id] = guardian
        self.by_household_and_name[guardian.household_id, name][guardian.id] = guardian

    def forget_guardian(self, guardian: Guardian) -> None:
        """Before a change: nobody is found by a name or address that is no longer theirs, or the
        same file imported again would find other people."""
        name = fold(guardian.name)
        self.by_email.pop(guardian.email, None)
        self.by_name_and_phone[name, guardian.phone].pop(guardian.id, None)
        self.by_household_and_name[guardian.household_id, name].pop(guardian.id, None)

    def named_with_phone(self, name: str, phone: str) -> Guardian | None:
        """A guardian of this name and phone."""
        return next(iter(self.by_name_and_phone[fold(name), phone].values()), None)

    def at_home(self, household_id: UUID, name: str) -> Guardian | None:
        """A guardian of this name in a household."""
        return next(iter(self.by_household_and_name[household_id, fold(name)].values()), None)


def take(rows: Sequence[FamilyRow], year: SchoolYear) -> Snapshot:
    """Everything a plan for these rows needs to know, in six queries."""
    snapshot = Snapshot(year=year)
    for school_class in SchoolClass.objects.filter(year=year):
        snapshot.classes[fold(school_class.name)] = school_class
    for student in Student.objects.filter(number__in=[row.number for row in rows]):
        snapshot.students[student.number] = student
    _take_enrolments(snapshot)
    _take_guardianships(snapshot)
    for guardian in _guardians_concerned(snapshot, rows):
        snapshot.know_guardian(guardian)
    _take_households(snapshot)
    return snapshot


def _student_ids(snapshot: Snapshot) -> list[UUID]:
    return [student.id for student in snapshot.students.values()]


def _take_enrolments(snapshot: Snapshot) -> None:
    enrolments = Enrolment.objects.filter(
        student__in=_student_ids(snapshot), ends_on__isnull=True
    ).select_related("school_class")
    for enrolment in enrolments:
        snapshot.open_enrolments[enrolment.student_id] = enrolment


def _take_guardianships(snapshot: Snapshot) -> None:
    for link in Guardianship.objects.filter(student__in=_student_ids(snapshot)):
        snapshot.guardianships[link.student_id][link.guardian_id] = link


def _guardians_concerned(snapshot: Snapshot, rows: Sequence[FamilyRow]) -> Iterable[Guardian]:
    cells = [guardian for row in rows for guardian in row.guardians]
    emails = {cell.email for cell in cells if cell.email}
    phones = {cell.phone for cell in cells if cell.phone}
    linked = {gid for links in snapshot.guardianships.values() for gid in links}
    homes = {student.household_id for student in snapshot.students.values()}
    same_home = Guardian.objects.filter(email__in=emails).values("household_id")
    return Guardian.objects.filter(
        Q(email__in=emails)
        | Q(phone__in=phones)
        | Q(pk__in=linked)
        | Q(household_id__in=homes)
        | Q(household_id__in=same_home)
    ).order_by("created_at", "id")


def _take_households(snapshot: Snapshot) -> None:
    homes = {guardian.household_id for guardian in snapshot.guardians.values()}
    homes |= {student.household_id for student in snapshot.students.values()}
    living = Student.objects.filter(household__in=homes).order_by().values("household_id")
    snapshot.households_with_students = {row["household_id"] for row in living.distinct()}
