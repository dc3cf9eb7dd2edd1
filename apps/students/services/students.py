"""Adding, changing, moving and withdrawing students one at a time."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.identity import facade as identity
from apps.students.events import StudentEnrolled, StudentWithdrawn
from apps.students.models import Enrolment, Guardian, Household, SchoolClass, Student
from apps.students.services import guardians
from apps.students.services.guardians import GuardianDetails
from apps.tenants import facade as tenants
from kernel import schools
from kernel.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentDetails:
    """What is on the form of a student."""

    number: str
    first_name: str
    last_name: str
    date_of_birth: date | None = None


def enrol_student(
    *,
    details: StudentDetails,
    class_id: UUID,
    actor: str,
    guardian: GuardianDetails | None = None,
) -> UUID:
    """A new student in a class from today; publishes StudentEnrolled. Returns the key.

    A guardian whose e-mail the school knows brings the student into their household. Raises
    Conflict for a number in use and where the school's plan is used up, NotFound for an unknown
    class.
    """
    with transaction.atomic():
        tenants.check_limit("students")
        school_class = _class(class_id)
        parent = guardians.find_or_create(guardian) if guardian else None
        student = Student(household_id=_household(parent))
        _fill(student, details)
        _save_student(student)
        if parent and guardian:
            guardians.link(student=student, guardian=parent, details=guardian)
        _open_enrolment(student, school_class, actor)
        _audit(actor, "students.student_added", student)
    return student.id


def _household(parent: Guardian | None) -> UUID:
    return parent.household_id if parent else Household.objects.create().id


def _fill(student: Student, details: StudentDetails) -> None:
    student.number = details.number.strip()
    student.first_name = details.first_name.strip()
    student.last_name = details.last_name.strip()
    student.date_of_birth = details.date_of_birth
    _check(student)
    student.search_text = student.search_key()
    student.updated_at = timezone.now()


def _check(student: Student) -> None:
    for field in ("number", "first_name", "last_name"):
        if not getattr(student, field):
            raise Invalid(_("This field is required."), field=field)
    if student.date_of_birth and student.date_of_birth > schools.today():
        raise Invalid(_("The date of birth lies in the future."), field="date_of_birth")


def _save_student(student: Student) -> None:
    try:
        with transaction.atomic():
            student.save()
    except IntegrityError as error:
        message = _("Student number %(number)s belongs to another student.")
        raise Conflict(
            message % {"number": student.number}, code="number_in_use", field="number"
        ) from error


def update_student(
    *, student_id: UUID, details: StudentDetails, class_id: UUID | None, actor: str
) -> None:
    """Change the details and, when `class_id` is given, the class (which enrols again a student
    who had left). Raises NotFound, Conflict for a number in use."""
    with transaction.atomic():
        student = lock_student(student_id)
        _fill(student, details)
        _save_student(student)
        if class_id is not None:
            _move(student, class_id, actor)
        _audit(actor, "students.student_changed", student)


def _move(student: Student, class_id: UUID, actor: str) -> None:
    school_class = _class(class_id)
    current = _current_enrolment(student)
    if current is not None and current.school_class_id == school_class.id:
        return
    if current is not None:
        _end(current)
    else:
        tenants.check_limit("students")
    _open_enrolment(student, school_class, actor)


def withdraw_student(*, student_id: UUID, actor: str) -> None:
    """End the enrolment today; publishes StudentWithdrawn. What is owed stays owed.

    Raises NotFound, Conflict when the student is in no class.
    """
    with transaction.atomic():
        student = lock_student(student_id)
        current = _current_enrolment(student)
        if current is None:
            raise Conflict(_("%s is not in a class.") % student, code="not_enrolled")
        _end(current)
        student.updated_at = timezone.now()
        student.save(update_fields=["updated_at"])
        _publish_withdrawn(student, current, actor)
        _audit(actor, "students.student_withdrawn", student)


def lock_student(student_id: UUID) -> Student:
    """The student, locked until the transaction ends. Raises NotFound."""
    student = Student.objects.select_for_update().filter(pk=student_id).first()
    if student is None:
        raise NotFound(_("There is no such student."))
    return student


def _class(class_id: UUID) -> SchoolClass:
    school_class = SchoolClass.objects.select_related("year").filter(pk=class_id).first()
    if school_class is None:
        raise NotFound(_("There is no such class."), field="class_id")
    return school_class


def _current_enrolment(student: Student) -> Enrolment | None:
    open_ones = Enrolment.objects.filter(student=student, ends_on__isnull=True)
    return open_ones.select_related("school_class").first()


def _end(enrolment: Enrolment) -> None:
    enrolment.ends_on = max(schools.today(), enrolment.starts_on)
    enrolment.save(update_fields=["ends_on"])


def _open_enrolment(student: Student, school_class: SchoolClass, actor: str) -> None:
    enrolment = Enrolment.objects.create(
        student=student,
        school_class=school_class,
        year_id=school_class.year_id,
        starts_on=schools.today(),
    )
    event = StudentEnrolled(**_facts(student, school_class), enrolled_on=enrolment.starts_on)
    events.publish(event, stream_type="student", stream_id=student.id, actor=actor)


def _publish_withdrawn(student: Student, enrolment: Enrolment, actor: str) -> None:
    event = StudentWithdrawn(
        **_facts(student, enrolment.school_class), withdrawn_on=schools.today()
    )
    events.publish(event, stream_type="student", stream_id=student.id, actor=actor)


def _facts(student: Student, school_class: SchoolClass) -> dict[str, Any]:
    return {
        "student_id": student.id,
        "student_number": student.number,
        "student_name": str(student),
        "class_id": school_class.id,
        "class_name": school_class.name,
    }


def _audit(actor: str, action: str, student: Student) -> None:
    identity.record_audit(
        actor=actor, action=action, subject=str(student), detail={"student_id": str(student.id)}
    )
