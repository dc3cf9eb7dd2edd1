"""What the school's families hold about a person, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.events import facade as events
from apps.identity import facade as identity
from apps.students.events import PersonErased
from apps.students.models import (
    Enrolment,
    FamilyImport,
    Guardian,
    Guardianship,
    Household,
    SchoolClass,
    SchoolYear,
    Student,
)
from apps.students.preferences import ERASE_AFTER_YEARS
from apps.students.selectors import people
from apps.students.services import privacy as service
from apps.tenants.facade import privacy
from kernel.errors import NotFound

privacy.nobody_in(
    {
        SchoolYear: "names and dates of school years",
        SchoolClass: "names of classes",
    }
)
privacy.not_exported(
    {
        Household: "a key that ties people who share a home; the people are exported",
        FamilyImport: "rows of whole files, about many families; what became of them is exported",
    }
)


@privacy.finds_people
def find_family_members(query: privacy.PersonQuery) -> Iterator[privacy.Person]:
    yield from map(_as_student, _students(query.student))
    yield from map(_as_guardian, _guardians(query))


def _students(text: str) -> Iterable[Student]:
    text = text.strip()
    if not text:
        return []
    key = _uuid(text)
    return Student.objects.filter(Q(number=text) | Q(pk=key) if key else Q(number=text))


def _guardians(query: privacy.PersonQuery) -> Iterable[Guardian]:
    if query.email:
        return Guardian.objects.filter(email=query.email.strip().lower())
    if key := _uuid(query.guardian):
        return Guardian.objects.filter(pk=key)
    if (user_id := _uuid(query.user)) and (info := people.guardian_of_user(user_id)):
        return Guardian.objects.filter(pk=info.id)
    return []


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _as_student(row: Student) -> privacy.Person:
    return privacy.Person(
        kind=privacy.STUDENT,
        name=str(row),
        number=row.number,
        student_ids=(row.pk,),
        erased=service.is_erased(row),
    )


def _as_guardian(row: Guardian) -> privacy.Person:
    """With the account: the one that is linked, or the one of the same address."""
    account = None
    if row.user_id:
        try:
            account = identity.get_user(row.user_id)
        except NotFound:
            account = None
    elif row.email:
        account = identity.find_user_by_email(row.email)
    return privacy.Person(
        kind=privacy.GUARDIAN,
        name=row.name,
        guardian_ids=(row.pk,),
        user_ids=(account.id,) if account else (),
        emails=tuple(dict.fromkeys(e for e in (row.email, account and account.email) if e)),
        erased=service.is_erased(row),
    )


# Export -----------------------------------------------------------------------------------------


@privacy.collects(Student)
def export_students(person: privacy.Person) -> Iterator[privacy.Section]:
    keys = ("number", "first_name", "last_name", "date_of_birth", "created_at", "updated_at")
    labels = (
        _("Student number"),
        _("First name"),
        _("Last name"),
        _("Date of birth"),
        _("Added"),
        _("Last change"),
    )
    rows = Student.objects.filter(pk__in=person.student_ids)
    yield privacy.Section(
        name="students.students",
        title=_("Student"),
        columns=dict(zip(keys, labels, strict=True)),
        rows=tuple({key: getattr(row, key) for key in keys} for row in rows),
    )


@privacy.collects(Enrolment)
def export_enrolments(person: privacy.Person) -> Iterator[privacy.Section]:
    stays = [stay for key in person.student_ids for stay in people.enrolments_of(key)]
    yield privacy.Section(
        name="students.enrolments",
        title=_("Classes"),
        columns={
            "class": _("Class"),
            "year": _("School year"),
            "from": _("From"),
            "to": _("Until"),
        },
        rows=tuple(
            {"class": s.class_name, "year": s.year_name, "from": s.starts_on, "to": s.ends_on}
            for s in stays
        ),
    )


@privacy.collects(Guardian)
def export_guardians(person: privacy.Person) -> Iterator[privacy.Section]:
    keys = ("name", "email", "phone", "language", "created_at", "updated_at")
    labels = (_("Name"), _("E-mail"), _("Phone"), _("Language"), _("Added"), _("Last change"))
    rows = Guardian.objects.filter(pk__in=person.guardian_ids)
    yield privacy.Section(
        name="students.guardians",
        title=_("Guardian"),
        columns=dict(zip(keys, labels, strict=True)),
        rows=tuple({key: getattr(row, key) for key in keys} for row in rows),
    )


@privacy.collects(Guardianship)
def export_family(person: privacy.Person) -> Iterator[privacy.Section]:
    links = Guardianship.objects.filter(
        Q(student__in=person.student_ids) | Q(guardian__in=person.guardian_ids)
    ).select_related("student", "guardian")
    yield privacy.Section(
        name="students.family",
        title=_("Family"),
        columns={
            "student": _("Student"),
            "guardian": _("Guardian"),
            "relationship": _("Relationship"),
            "pays": _("Pays the fees"),
        },
        rows=tuple(
            {
                "student": str(link.student),
                "guardian": link.guardian.name,
                "relationship": str(link.get_relationship_display()),
                "pays": link.pays,
            }
            for link in links
        ),
        note=_(
            "Names only: contact details and dates of birth of other members of the family are "
            "theirs and are left out."
        ),
    )


# Erasure ----------------------------------------------------------------------------------------


@privacy.objects_to_erasure
def enrolled_stay(person: privacy.Person) -> Iterator[str]:
    """A student who is here is withdrawn first."""
    for student in people.get_students(person.student_ids).values():
        if student.is_enrolled:
            text = _("%(name)s is in class %(class)s: withdraw the student first.")
            yield text % {"name": student.name, "class": student.class_name}


@privacy.objects_to_erasure
def last_guardian_stays(person: privacy.Person) -> Iterator[str]:
    """An enrolled child needs somebody the school can reach."""
    for guardian_id in person.guardian_ids:
        for child in people.children_of(guardian_id):
            others = Guardianship.objects.filter(student=child.id).exclude(guardian=guardian_id)
            if child.is_enrolled and not others.exists():
                text = _("%(name)s is the only guardian of %(child)s, who is at the school.")
                yield text % {"name": person.name, "child": child.name}


@privacy.erases(Student, Guardian, Guardianship, Enrolment, Household, FamilyImport)
def erase_family_member(work: privacy.Erasing) -> None:
    person = work.person
    _tell_of_relatives(work)
    imports = service.forget_in_imports(person.ids, _texts(person))
    students = service.erase_students(
        person.student_ids, pseudonym=work.pseudonym, leave_rows=work.referred
    )
    guardians = service.erase_guardians(
        person.guardian_ids, pseudonym=work.pseudonym, leave_rows=work.referred
    )
    work.removed(_("Student: name, number, date of birth, classes"), students)
    work.removed(_("Guardian: name, e-mail, phone, ties to children"), guardians)
    work.removed(_("Import records that named the person"), imports)
    _publish(work)


def _texts(person: privacy.Person) -> list[str]:
    """What an import file would name the person by."""
    return [text for text in (person.name, person.number, *person.emails) if len(text) > 3]


def _tell_of_relatives(work: privacy.Erasing) -> None:
    """Guardians who lose their only child here are people of their own: named, not erased."""
    links = Guardianship.objects.filter(student__in=work.person.student_ids)
    names = [
        link.guardian.name
        for link in links.select_related("guardian")
        if not link.guardian.guardianships.exclude(student__in=work.person.student_ids).exists()
    ]
    if names:
        text = ngettext("Guardian without other children: %s", "Guardians: %s", len(names))
        reason = _("A person of their own: erase them separately if they ask for it.")
        work.stays(text % ", ".join(sorted(names)), reason, count=len(names))


def _publish(work: privacy.Erasing) -> None:
    person = work.person
    event = PersonErased(
        kind=person.kind,
        student_ids=person.student_ids,
        guardian_ids=person.guardian_ids,
        user_ids=person.user_ids,
    )
    events.publish(event, stream_type="person", stream_id=person.ids[0], actor=work.actor)
    identity.record_audit(
        actor=work.actor,
        action="students.person_erased",
        subject=work.pseudonym,
        detail={"kind": person.kind},
    )


# Retention --------------------------------------------------------------------------------------


@privacy.retention_rule(
    "students.imports",
    title=gettext_lazy("Rows and old values of families imports"),
    why=gettext_lazy("Nobody undoes an import any more; its totals stay in the history."),
    keep_days=90,
    work=lambda keys: FamilyImport.objects.filter(pk__in=keys).update(
        rows=[], effects={}, problems=[], notices=[]
    ),
)
def old_imports(cutoff: datetime) -> QuerySet[Any]:
    empty = Q(rows=[], effects={}, problems=[], notices=[])
    return FamilyImport.objects.filter(uploaded_at__lt=cutoff).exclude(empty)


def _erase_each(keys: list[Any]) -> int:
    """Erase those against whom nothing stands; the others wait for another night."""
    done = 0
    for key in keys:
        person = privacy.person_by_ids([key])
        if person is None or person.erased:
            continue
        try:
            privacy.erase_person(person, actor="retention", reason=_("The period is over."))
        except privacy.ErasureRefused:
            continue
        done += 1
    return done


def _days_after_leaving() -> int | None:
    return ERASE_AFTER_YEARS.value * 366 or None


def _here_since(cutoff: datetime, of: str) -> QuerySet[Enrolment]:
    """Stays, of the student in the outer column, that last or ended after the cutoff."""
    stays = Enrolment.objects.filter(student=OuterRef(of))
    return stays.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=cutoff.date()))


@privacy.retention_rule(
    "students.left",
    title=gettext_lazy("Students who left long ago"),
    why=gettext_lazy("Nobody needs their record any more. Off until the school sets a period."),
    keep_days=_days_after_leaving,
    work=_erase_each,
)
def left_long_ago(cutoff: datetime) -> QuerySet[Any]:
    named = Student.objects.exclude(search_text__startswith=service.ERASED)
    return named.filter(~Exists(_here_since(cutoff, "pk")), created_at__lt=cutoff)


@privacy.retention_rule(
    "students.guardians_left",
    title=gettext_lazy("Guardians without a child at the school"),
    why=gettext_lazy("Their children left long ago. Off until the school sets a period."),
    keep_days=_days_after_leaving,
    work=_erase_each,
)
def guardians_left(cutoff: datetime) -> QuerySet[Any]:
    ties = Guardianship.objects.filter(guardian=OuterRef("pk"))
    needed = ties.filter(Exists(_here_since(cutoff, "student")))
    named = Guardian.objects.exclude(search_text__startswith=service.ERASED)
    return named.filter(~Exists(needed), created_at__lt=cutoff)
