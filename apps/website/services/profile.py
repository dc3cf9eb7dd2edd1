"""The school's profile and its staff directory."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.website.models import SchoolProfile, StaffEntry
from kernel.errors import Invalid, NotFound

PROFILE_FIELDS = ("hero_title", "hero_text", "about", "principal", "hours")


@transaction.atomic
def update_profile(**changes: str) -> SchoolProfile:
    """Set fields of the one profile; fields not named stay. Raises Invalid for an unknown one."""
    unknown = set(changes) - set(PROFILE_FIELDS)
    if unknown:
        raise Invalid(_("There is no such field: %(name)s.") % {"name": ", ".join(unknown)})
    profile, _created = SchoolProfile.objects.select_for_update().get_or_create(id=1)
    for name, value in changes.items():
        setattr(profile, name, value.strip())
    profile.save()
    return profile


@transaction.atomic
def save_staff_entry(
    *,
    entry_id: UUID | None,
    name: str,
    position: str,
    email: str = "",
    order: int = 100,
    is_published: bool = True,
) -> StaffEntry:
    """Add a line of the directory (`entry_id` None) or change one. Raises NotFound, Invalid."""
    if not name.strip():
        raise Invalid(_("Please give a name."), field="name")
    entry = _locked(entry_id) if entry_id else StaffEntry()
    entry.name, entry.position = name.strip(), position.strip()
    entry.email, entry.order, entry.is_published = email.strip(), order, is_published
    entry.save()
    return entry


@transaction.atomic
def delete_staff_entry(*, entry_id: UUID) -> None:
    """Remove the line. Raises NotFound."""
    _locked(entry_id).delete()


def _locked(entry_id: UUID) -> StaffEntry:
    entry = StaffEntry.objects.select_for_update().filter(id=entry_id).first()
    if entry is None:
        raise NotFound(_("This person is not in the directory."))
    return entry
