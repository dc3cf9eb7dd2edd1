"""Reading students, guardians and classes as plain data; each function is one query or two."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, F, FilteredRelation, Q, QuerySet
from django.utils.translation import gettext as _

from apps.identity import facade as identity
from apps.students.contracts import (
    ClassInfo,
    Counts,
    EnrolmentInfo,
    GuardianInfo,
    GuardianshipInfo,
    StudentInfo,
    YearInfo,
)
from apps.students.models import (
    Enrolment,
    Guardian,
    Guardianship,
    SchoolClass,
    SchoolYear,
    Student,
    fold,
)
from kernel.errors import NotFound

ENROLLED, LEFT, EVERYBODY = "enrolled", "left", "all"


def student_rows(
    *, text: str = "", class_id: UUID | None = None, status: str = EVERYBODY
) -> QuerySet[Any]:
    """Students with `class_id_now` and `class_name_now`, by name; each word of `text` must occur
    in the name or number, accents and case aside."""
    rows = Student.objects.annotate(
        now=FilteredRelation("enrolments", condition=Q(enrolments__ends_on__isnull=True))
    ).annotate(class_id_now=F("now__school_class"), class_name_now=F("now__school_class__name"))
    for word in fold(text).split():
        rows = rows.filter(search_text__contains=word)
    if class_id:
        rows = rows.filter(now__school_class=class_id)
    if status == ENROLLED:
        rows = rows.filter(now__isnull=False)
    elif status == LEFT:
        rows = rows.filter(now__isnull=True)
    return rows


def student_info(student: Any) -> StudentInfo:
    """The contract of a row of `student_rows`."""
    return StudentInfo(
        id=student.id,
        number=student.number,
        first_name=student.first_name,
        last_name=student.last_name,
        household_id=student.household_id,
        class_id=student.class_id_now,
        class_name=student.class_name_now or "",
        is_enrolled=student.class_id_now is not None,
        date_of_birth=student.date_of_birth,
    )


def guardian_info(guardian: Guardian) -> GuardianInfo:
    """The contract of a guardian."""
    return GuardianInfo(
        id=guardian.id,
        name=guardian.name,
        email=guardian.email,
        phone=guardian.phone,
        language=guardian.language,
        household_id=guardian.household_id,
        user_id=guardian.user_id,
    )


def get_student(student_id: UUID) -> StudentInfo:
    """Raises NotFound."""
    student = student_rows().filter(pk=student_id).first()
    if student is None:
        raise NotFound(_("There is no such student."))
    return student_info(student)


def get_students(student_ids: Iterable[UUID]) -> dict[UUID, StudentInfo]:
    """Those of the students that exist, by key."""
    rows = student_rows().filter(pk__in=list(student_ids))
    return {student.id: student_info(student) for student in rows}


def students_in_classes(class_ids: Iterable[UUID]) -> list[StudentInfo]:
    """Students who are in these classes now, by name."""
    rows = student_rows().filter(class_id_now__in=list(class_ids))
    return [student_info(student) for student in rows]


def search_students(text: str, limit: int = 20) -> list[StudentInfo]:
    """Enrolled students whose name or number holds every word of `text`."""
    rows = student_rows(text=text, status=ENROLLED)[:limit]
    return [student_info(student) for student in rows]


def students_in_household(household_id: UUID) -> list[StudentInfo]:
    """All children of a household, by name."""
    rows = student_rows().filter(household_id=household_id)
    return [student_info(student) for student in rows]


def children_of(guardian_id: UUID) -> list[StudentInfo]:
    """The students of a guardian, by name; those who left included."""
    rows = student_rows().filter(guardianships__guardian=guardian_id)
    return [student_info(student) for student in rows]


def guardian_rows(*, text: str = "", without_email: bool = False) -> QuerySet[Guardian]:
    """Guardians by name; each word of `text` must occur in the name, e-mail or phone, accents and
    case aside."""
    rows = Guardian.objects.all()
    for word in fold(text).split():
        rows = rows.filter(search_text__contains=word)
    return rows.filter(email="") if without_email else rows


def get_guardian(guardian_id: UUID) -> GuardianInfo:
    """Raises NotFound."""
    guardian = Guardian.objects.filter(pk=guardian_id).first()
    if guardian is None:
        raise NotFound(_("There is no such guardian."))
    return guardian_info(guardian)


def guardians_of(student_ids: Iterable[UUID]) -> dict[UUID, list[GuardianInfo]]:
    """The guardians who pay, first contact first, for every student asked for (perhaps none)."""
    wanted = list(student_ids)
    links = Guardianship.objects.filter(student__in=wanted, pays=True).select_related("guardian")
    found: dict[UUID, list[GuardianInfo]] = {student_id: [] for student_id in wanted}
    for link in links:
        found[link.student_id].append(guardian_info(link.guardian))
    return found


def with_payers(rows: Iterable[StudentInfo]) -> list[tuple[StudentInfo, list[GuardianInfo]]]:
    """Each student with the guardians who pay, in one query for all."""
    students = list(rows)
    payers = guardians_of([student.id for student in students])
    return [(student, payers[student.id]) for student in students]


def guardianships_of(student_id: UUID) -> list[GuardianshipInfo]:
    """All guardians of one student, first contact first."""
    links = Guardianship.objects.filter(student=student_id).select_related("guardian")
    return [
        GuardianshipInfo(
            id=link.id,
            guardian=guardian_info(link.guardian),
            relationship=link.relationship,
            relationship_label=link.get_relationship_display(),
            pays=link.pays,
            contact_order=link.contact_order,
        )
        for link in links
    ]


def find_guardian_by_email(email: str) -> GuardianInfo | None:
    """The guardian with this e-mail, whatever its case."""
    wanted = email.strip().lower()
    guardian = Guardian.objects.filter(email=wanted).first() if wanted else None
    return guardian_info(guardian) if guardian else None


def guardian_of_user(user_id: UUID) -> GuardianInfo | None:
    """The guardian who signs in with this account: linked to it, or of the same e-mail when the
    guardian came to the school's books after the account was activated."""
    guardian = Guardian.objects.filter(user_id=user_id).first()
    if guardian is not None:
        return guardian_info(guardian)
    try:
        user = identity.get_user(user_id)
    except NotFound:
        return None
    if not user.email or not user.is_active:
        return None
    unlinked = Guardian.objects.filter(email=user.email, user_id__isnull=True).first()
    return guardian_info(unlinked) if unlinked else None


def with_children(rows: Iterable[GuardianInfo]) -> list[tuple[GuardianInfo, list[StudentInfo]]]:
    """Each guardian with the children, in two queries for all."""
    guardians = list(rows)
    links = Guardianship.objects.filter(guardian__in=[guardian.id for guardian in guardians])
    pairs = list(links.values_list("guardian_id", "student_id"))
    students = get_students({student_id for _guardian, student_id in pairs})
    found: dict[UUID, list[StudentInfo]] = defaultdict(list)
    for guardian_id, student_id in pairs:
        found[guardian_id].append(students[student_id])
    return [(guardian, found[guardian.id]) for guardian in guardians]


# Classes of small children come before those with a number.
_EARLY_YEARS = re.compile(r"(k\d?$|kinder|pre|nursery|reception|infantil|guarder)")


def natural(name: str) -> tuple[bool, list[str | int]]:
    """Sort key of class names: K before 2A before 10A, Grade 2 before Grade 10."""
    parts = re.split(r"(\d+)", fold(name))
    numbered: list[str | int] = [int(part) if part.isdecimal() else part for part in parts]
    return (_EARLY_YEARS.match(fold(name)) is None, numbered)


def list_classes(*, text: str = "") -> list[ClassInfo]:
    """The classes of the current school year in their natural order."""
    return sorted(map(class_info, class_rows(text=text)), key=lambda c: natural(c.name))


def _counted(rows: QuerySet[SchoolClass]) -> QuerySet[Any]:
    still_there = Q(enrolments__ends_on__isnull=True)
    counted = rows.annotate(student_count=Count("enrolments", filter=still_there))
    return counted.select_related("year").order_by("name")


def class_info(row: Any) -> ClassInfo:
    """The contract of a class with its `student_count`."""
    return ClassInfo(
        id=row.id, name=row.name, year_name=row.year.name, student_count=row.student_count
    )


def class_rows(*, text: str = "") -> QuerySet[Any]:
    """Classes of the current school year with `student_count`."""
    rows = SchoolClass.objects.filter(year__is_current=True)
    return _counted(rows.filter(name__icontains=text) if text else rows)


def get_class(class_id: UUID) -> ClassInfo:
    """Raises NotFound."""
    row = _counted(SchoolClass.objects.filter(pk=class_id)).first()
    if row is None:
        raise NotFound(_("There is no such class."))
    return class_info(row)


def current_year() -> YearInfo | None:
    """The current school year; None before there is one."""
    year = SchoolYear.objects.filter(is_current=True).first()
    if year is None:
        return None
    return YearInfo(name=year.name, starts_on=year.starts_on, ends_on=year.ends_on)


def current_year_name() -> str:
    """The name of the current school year, "" before there is one."""
    year = current_year()
    return year.name if year else ""


def enrolments_of(student_id: UUID) -> list[EnrolmentInfo]:
    """Where a student has been, newest first."""
    rows = Enrolment.objects.filter(student=student_id).select_related("school_class", "year")
    return [
        EnrolmentInfo(
            class_id=row.school_class_id,
            class_name=row.school_class.name,
            year_name=row.year.name,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
        )
        for row in rows
    ]


def count_enrolled(*, on: date | None = None) -> int:
    """Students in a class: now, or at the end of an earlier day of the school."""
    if on is None:
        return Enrolment.objects.filter(ends_on__isnull=True).count()
    stayed = Q(ends_on__isnull=True) | Q(ends_on__gt=on)
    there = Enrolment.objects.filter(stayed, starts_on__lte=on)
    return there.aggregate(students=Count("student", distinct=True))["students"]


def counts() -> Counts:
    """Enrolled students; households, guardians and guardians without an e-mail."""
    guardians = Guardian.objects.aggregate(
        total=Count("id"), silent=Count("id", filter=Q(email=""))
    )
    enrolled = Enrolment.objects.filter(ends_on__isnull=True).aggregate(
        students=Count("student"), families=Count("student__household", distinct=True)
    )
    return Counts(
        students=enrolled["students"],
        families=enrolled["families"],
        guardians=guardians["total"],
        guardians_without_email=guardians["silent"],
    )
