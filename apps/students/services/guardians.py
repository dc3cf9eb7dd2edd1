"""Adding, changing and linking guardians one at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.identity import facade as identity
from apps.students.events import GuardianEmailsChanged
from apps.students.models import Guardian, Guardianship, Household, Student
from kernel.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianDetails:
    """What is on the form of a guardian; the last two concern one child."""

    name: str
    email: str = ""
    phone: str = ""
    language: str = ""
    relationship: str = Guardianship.Relationship.GUARDIAN
    pays: bool = True


def find_or_create(details: GuardianDetails, household_id: UUID | None = None) -> Guardian:
    """The guardian with this e-mail, or a new one in the household (a new household when None).

    A known guardian's details stay as they are. Needs an open transaction.
    """
    email = details.email.strip().lower()
    known = Guardian.objects.filter(email=email).first() if email else None
    if known is not None:
        return known
    guardian = Guardian(household_id=household_id or Household.objects.create().id)
    _fill(guardian, details)
    _save_guardian(guardian)
    return guardian


def create_guardian(*, details: GuardianDetails, actor: str) -> UUID:
    """A new guardian without children yet. Raises Conflict for an e-mail in use."""
    with transaction.atomic():
        guardian = Guardian(household=Household.objects.create())
        _fill(guardian, details)
        _save_guardian(guardian)
        _audit(actor, "students.guardian_added", guardian)
    return guardian.id


def _fill(guardian: Guardian, details: GuardianDetails) -> None:
    guardian.name = " ".join(details.name.split())
    guardian.email = details.email.strip().lower()
    guardian.phone = details.phone.strip()
    guardian.language = details.language
    _check(guardian)
    guardian.search_text = guardian.search_key()
    guardian.updated_at = timezone.now()


def _check(guardian: Guardian) -> None:
    if not guardian.name:
        raise Invalid(_("This field is required."), field="name")
    if guardian.email:
        try:
            validate_email(guardian.email)
        except ValidationError as error:
            raise Invalid(_("This is not an e-mail address."), field="email") from error


def _save_guardian(guardian: Guardian) -> None:
    try:
        with transaction.atomic():
            guardian.save()
    except IntegrityError as error:
        message = _("%(email)s belongs to another guardian.") % {"email": guardian.email}
        raise Conflict(message, code="email_in_use", field="email") from error


def update_guardian(*, guardian_id: UUID, details: GuardianDetails, actor: str) -> None:
    """Change name, e-mail, phone and language. Raises NotFound, Conflict for an e-mail in use."""
    with transaction.atomic():
        guardian = _lock_guardian(guardian_id)
        before = guardian.email
        _fill(guardian, details)
        _save_guardian(guardian)
        if before and guardian.email != before:
            tell_emails_changed([guardian.id], stream_id=guardian.id, actor=actor)
        _audit(actor, "students.guardian_changed", guardian)


def tell_emails_changed(guardian_ids: Collection[UUID], *, stream_id: UUID, actor: str) -> None:
    """Publish GuardianEmailsChanged, unless nobody's did. Call inside the transaction."""
    if guardian_ids:
        event = GuardianEmailsChanged(guardian_ids=tuple(guardian_ids))
        events.publish(event, stream_type="guardian", stream_id=stream_id, actor=actor)


def _lock_guardian(guardian_id: UUID) -> Guardian:
    guardian = Guardian.objects.select_for_update().filter(pk=guardian_id).first()
    if guardian is None:
        raise NotFound(_("There is no such guardian."))
    return guardian


def add_guardian(*, student_id: UUID, details: GuardianDetails, actor: str) -> UUID:
    """Give a student a guardian: the one with this e-mail, or a new one in the student's
    household. Raises NotFound, Conflict when they are linked already."""
    with transaction.atomic():
        student = _lock_student(student_id)
        guardian = find_or_create(details, student.household_id)
        link(student=student, guardian=guardian, details=details)
        _touch(student)
        _audit(actor, "students.guardian_linked", guardian, student)
    return guardian.id


def link(*, student: Student, guardian: Guardian, details: GuardianDetails) -> None:
    """Note the guardian as the student's last contact. Raises Conflict when linked already."""
    last = Guardianship.objects.filter(student=student).aggregate(last=Max("contact_order"))["last"]
    _link, created = Guardianship.objects.get_or_create(
        student=student,
        guardian=guardian,
        defaults={
            "relationship": details.relationship or Guardianship.Relationship.GUARDIAN,
            "pays": details.pays,
            "contact_order": (last or 0) + 1,
        },
    )
    if not created:
        message = _("%(guardian)s is already a guardian of %(student)s.")
        raise Conflict(message % {"guardian": guardian, "student": student}, field="email")


def update_guardianship(
    *, guardianship_id: UUID, relationship: str, pays: bool, actor: str, first: bool = False
) -> UUID:
    """Change how a guardian is related to a student, whether they pay, and make them the first
    contact. Returns the student's key. Raises NotFound."""
    with transaction.atomic():
        link_ = _lock_link(guardianship_id)
        link_.relationship, link_.pays = relationship, pays
        link_.save(update_fields=["relationship", "pays"])
        if first:
            _put_first(link_)
        _touch(link_.student)
        _audit(actor, "students.guardianship_changed", link_.guardian, link_.student)
    return link_.student_id


def _put_first(link_: Guardianship) -> None:
    others = Guardianship.objects.filter(student=link_.student_id).exclude(pk=link_.pk)
    ordered = [link_, *others]
    for order, row in enumerate(ordered, start=1):
        row.contact_order = order
    Guardianship.objects.bulk_update(ordered, ["contact_order"])


def remove_guardianship(*, guardianship_id: UUID, actor: str) -> UUID:
    """End a guardian's tie to a student; both stay. Returns the student's key. Raises NotFound."""
    with transaction.atomic():
        link_ = _lock_link(guardianship_id)
        student, guardian = link_.student, link_.guardian
        link_.delete()
        _touch(student)
        _audit(actor, "students.guardian_unlinked", guardian, student)
    return student.id


def link_account(*, user_id: UUID, email: str) -> bool:
    """Tie the guardian of this e-mail to an account, unless one of the two is tied already."""
    if Guardian.objects.filter(user_id=user_id).exists():
        return False
    unlinked = Guardian.objects.filter(email=email.strip().lower(), user_id__isnull=True)
    return bool(email.strip()) and unlinked.update(user_id=user_id) == 1


def _lock_student(student_id: UUID) -> Student:
    student = Student.objects.select_for_update().filter(pk=student_id).first()
    if student is None:
        raise NotFound(_("There is no such student."))
    return student


def _lock_link(guardianship_id: UUID) -> Guardianship:
    links = Guardianship.objects.select_for_update(of=("self",))
    found = links.select_related("student", "guardian").filter(pk=guardianship_id).first()
    if found is None:
        raise NotFound(_("This guardian is no longer linked to the student."))
    return found


def _touch(student: Student) -> None:
    student.updated_at = timezone.now()
    student.save(update_fields=["updated_at"])


def _audit(actor: str, action: str, guardian: Guardian, student: Student | None = None) -> None:
    detail = {"guardian_id": str(guardian.id)}
    if student is not None:
        detail["student_id"] = str(student.id)
    identity.record_audit(actor=actor, action=action, subject=guardian.name, detail=detail)
