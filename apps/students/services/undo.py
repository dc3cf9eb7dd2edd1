"""Undoing a families import: exactly what it created goes, what it changed comes back."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.events import facade as events
from apps.identity import facade as identity
from apps.students.events import FamiliesImportUndone
from apps.students.models import Enrolment, FamilyImport, Guardian, Guardianship, Student
from apps.students.services.guardians import tell_emails_changed
from apps.students.services.import_plan import KINDS
from apps.students.services.imports import lock_import, update_many
from apps.students.services.years import lock_current_year
from kernel.errors import Conflict

UndoGuard = Callable[[list[UUID]], list[str]]
NAMES_SHOWN = 5

_guards: list[UndoGuard] = []


class UndoRefused(Conflict):
    """Later work depends on the import. `reasons` is one readable line each."""

    code = "undo_refused"

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(_("This import cannot be undone: %s") % " ".join(reasons))
        self.reasons = reasons


def register_undo_guard(guard: UndoGuard) -> UndoGuard:
    """Let a higher app object to an undo.

    `guard(student_ids)` gets the students the import created and returns why they must stay, one
    sentence each; an empty list agrees.
    """
    if guard not in _guards:
        _guards.append(guard)
    return guard


def undo_import(*, import_id: UUID, actor: str) -> FamilyImport:
    """Remove what the import created and restore what it changed, all or nothing.

    Raises UndoRefused (Conflict) with reasons when something came later that depends on it, and
    Conflict when the import is not there to be undone.
    """
    with transaction.atomic():
        lock_current_year()
        record = lock_import(import_id)
        if record.state != FamilyImport.State.IMPORTED:
            raise Conflict(_("Only a finished import can be undone."), code="not_imported")
        reasons = reasons_against(record)
        if reasons:
            raise UndoRefused(reasons)
        tell_emails_changed(_addresses_restored(record), stream_id=record.id, actor=actor)
        _restore(record)
        _remove(record)
        _close(record, actor)
        return record


def created_ids(record: FamilyImport, kind: str) -> list[UUID]:
    """Keys of the rows of one kind that the import created."""
    return [UUID(key) for key in record.effects.get("created", {}).get(kind, [])]


def _changed_ids(record: FamilyImport, kind: str) -> list[UUID]:
    return [UUID(key) for key in record.effects.get("before", {}).get(kind, {})]


def reasons_against(record: FamilyImport) -> list[str]:
    """Why this import cannot be undone, one sentence each; empty when it can."""
    students = created_ids(record, "student")
    reasons = [
        *_edited(record),
        *_new_ties(record),
        *_accounts(record),
    ]
    for guard in _guards:
        reasons.extend(guard(students))
    return reasons


def _edited(record: FamilyImport) -> Iterable[str]:
    kinds: list[tuple[str, Any]] = [("student", Student), ("guardian", Guardian)]
    for kind, model in kinds:
        concerned = [*created_ids(record, kind), *_changed_ids(record, kind)]
        later = model.objects.filter(pk__in=concerned).exclude(updated_at=record.imported_at)
        if later.exists():
            message = _("Changed since the import: %(names)s.")
            yield message % {"names": _names(later)}


def _names(rows: models.QuerySet[Any]) -> str:
    names = [str(row) for row in rows[: NAMES_SHOWN + 1]]
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown + ("…" if len(names) > NAMES_SHOWN else "")


def _new_ties(record: FamilyImport) -> Iterable[str]:
    """Children, guardians and class-mates that came to the import's rows afterwards."""
    students, guardians = created_ids(record, "student"), created_ids(record, "guardian")
    homes = created_ids(record, "household")
    siblings = Student.objects.filter(household__in=homes).exclude(pk__in=students)
    if siblings.exists():
        yield _("Students joined its families later: %s.") % _names(siblings)
    parents = Guardian.objects.filter(household__in=homes).exclude(pk__in=guardians)
    if parents.exists():
        yield _("Guardians joined its families later: %s.") % _names(parents)
    own_links = created_ids(record, "guardianship")
    links = Guardianship.objects.filter(guardian__in=guardians).exclude(pk__in=own_links)
    children = Student.objects.filter(guardianships__in=links).exclude(pk__in=siblings)
    if children.exists():
        yield _("Its guardians have other children now: %s.") % _names(children.distinct())
    yield from _new_classmates(record)


def _new_classmates(record: FamilyImport) -> Iterable[str]:
    own = created_ids(record, "enrolment")
    classes = created_ids(record, "school_class")
    others = Enrolment.objects.filter(school_class__in=classes).exclude(pk__in=own)
    others = others.exclude(student__in=created_ids(record, "student"))
    count = others.values("student").distinct().count()
    if count:
        message = ngettext(
            "%(n)d other student is in a class that it created.",
            "%(n)d other students are in classes that it created.",
            count,
        )
        yield message % {"n": count}


def _accounts(record: FamilyImport) -> Iterable[str]:
    with_account = Guardian.objects.filter(
        pk__in=created_ids(record, "guardian"), user_id__isnull=False
    )
    if with_account.exists():
        yield _("Guardians have an account by now: %s.") % _names(with_account)


def _remove(record: FamilyImport) -> None:
    for kind in reversed(KINDS):
        model = KINDS[kind]
        model._default_manager.filter(pk__in=created_ids(record, kind)).delete()


def _restore(record: FamilyImport) -> None:
    # What the import opened goes before what it closed is opened again.
    Enrolment.objects.filter(pk__in=created_ids(record, "enrolment")).delete()
    for kind, model in KINDS.items():
        before: dict[str, dict[str, Any]] = record.effects.get("before", {}).get(kind, {})
        if before:
            _put_back(model, before)


def _addresses_restored(record: FamilyImport) -> list[UUID]:
    """Guardians whose earlier e-mail comes back."""
    before: dict[str, dict[str, Any]] = record.effects.get("before", {}).get("guardian", {})
    return [UUID(key) for key, values in before.items() if "email" in values]


def _put_back(model: type[models.Model], before: dict[str, dict[str, Any]]) -> None:
    rows = list(model._default_manager.filter(pk__in=list(before)))
    fields: dict[str, Any] = {
        name: model._meta.get_field(name) for values in before.values() for name in values
    }
    for row in rows:
        for name, value in before[str(row.pk)].items():
            setattr(row, name, fields[name].to_python(value))
    update_many(model, rows, fields)


def _close(record: FamilyImport, actor: str) -> None:
    students, guardians = created_ids(record, "student"), created_ids(record, "guardian")
    record.state = FamilyImport.State.UNDONE
    record.undone_by, record.undone_at = actor, timezone.now()
    record.effects = {}
    record.save()
    event = FamiliesImportUndone(
        import_id=record.id, student_ids=tuple(students), guardian_ids=tuple(guardians)
    )
    events.publish(event, stream_type="family_import", stream_id=record.id, actor=actor)
    identity.record_audit(
        actor=actor,
        action="students.families_import_undone",
        subject=record.file_name,
        detail={"import_id": str(record.id), "students": len(students)},
    )
