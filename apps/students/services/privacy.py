"""Taking one person out of the school's families."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.students.models import (
    Enrolment,
    FamilyImport,
    Guardian,
    Guardianship,
    Household,
    Student,
)

ERASED = "erased-"


def is_erased(row: Student | Guardian) -> bool:
    """Whether only the nameless row is left."""
    return row.search_text.startswith(ERASED)


def guardian_is_erased(guardian_id: UUID) -> bool:
    return Guardian.objects.filter(pk=guardian_id, search_text__startswith=ERASED).exists()


def erase_students(ids: Iterable[UUID], *, pseudonym: str, leave_rows: bool) -> int:
    """Delete the students, or empty their rows when something that stays points at them."""
    rows = list(Student.objects.select_for_update().filter(pk__in=list(ids)))
    keys = [row.pk for row in rows]
    Guardianship.objects.filter(student__in=keys).delete()
    Enrolment.objects.filter(student__in=keys).delete()
    if not leave_rows:
        return _delete(Student, rows)
    for place, row in enumerate(rows):
        row.first_name, row.last_name = _("Erased student"), pseudonym.removeprefix(ERASED)
        row.number = pseudonym if place == 0 else f"{pseudonym}-{place}"
        row.date_of_birth, row.search_text = None, pseudonym
        row.updated_at = timezone.now()
        row.save()
    return len(rows)


def erase_guardians(ids: Iterable[UUID], *, pseudonym: str, leave_rows: bool) -> int:
    """Delete the guardians, or empty their rows when something that stays points at them."""
    rows = list(Guardian.objects.select_for_update().filter(pk__in=list(ids)))
    Guardianship.objects.filter(guardian__in=[row.pk for row in rows]).delete()
    if not leave_rows:
        return _delete(Guardian, rows)
    for row in rows:
        row.name = " ".join((_("Erased guardian"), pseudonym.removeprefix(ERASED)))
        row.email = row.phone = row.language = ""
        row.user_id, row.search_text = None, pseudonym
        row.updated_at = timezone.now()
        row.save()
    return len(rows)


def _delete(model: type[Student] | type[Guardian], rows: Collection[Any]) -> int:
    homes = {row.household_id for row in rows}
    model._default_manager.filter(pk__in=[row.pk for row in rows]).delete()
    empty = Household.objects.filter(pk__in=homes, students=None, guardians=None)
    empty.delete()
    return len(rows)


def forget_in_imports(ids: Collection[UUID], texts: Collection[str]) -> int:
    """Take the person out of import records: files that still wait are dropped when they hold
    one of the texts, and old values, problems and notices are struck out. Returns how many records
    changed or went."""
    keys = {str(key) for key in ids}
    changed = 0
    for record in FamilyImport.objects.select_for_update().iterator(chunk_size=50):
        changed += _forget_in(record, keys, texts)
    return changed


def _forget_in(record: FamilyImport, keys: set[str], texts: Collection[str]) -> bool:
    if record.rows and mentions(record.rows, texts):
        record.delete()
        return True
    before = record.effects.get("before", {})
    found = False
    for values in before.values():
        for key in keys & set(values):
            del values[key]
            found = True
    for field in ("problems", "notices"):
        rows = getattr(record, field)
        left = [row for row in rows if not mentions(row, texts)]
        found |= len(left) != len(rows)
        setattr(record, field, left)
    if found:
        record.save(update_fields=["effects", "problems", "notices"])
    return found


def mentions(value: Any, texts: Collection[str]) -> bool:
    """Whether the JSON value holds one of the texts, whatever the case."""
    whole = json.dumps(value, ensure_ascii=False).casefold()
    return any(json.dumps(text, ensure_ascii=False)[1:-1].casefold() in whole for text in texts)
