"""A school changes its settings."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from apps.events import facade as events
from apps.tenants.contracts import SchoolInfo
from apps.tenants.events import SettingChange, SettingsChanged
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import School
from apps.tenants.selectors import to_info
from apps.tenants.services import checks
from apps.tenants.services.provision import stream_id
from kernel.errors import NotFound
from kernel.schools import in_public

# The currency is not among them: amounts that are booked would change their meaning.
_CHECKS: dict[str, Callable[[str], str]] = {
    "name": checks.check_name,
    "tagline": lambda text: checks.check_line(text, field="tagline", longest=checks.MAX_TAGLINE),
    "colour": checks.check_colour,
    "language": checks.check_language,
    "time_zone": checks.check_time_zone,
    "contact_email": lambda text: checks.check_email(text, field="contact_email", required=False),
    "contact_phone": checks.check_phone,
    "address": checks.check_address,
}
SETTINGS = tuple(_CHECKS)


def update_settings(
    *,
    school_id: int,
    actor: str = "",
    name: str | None = None,
    tagline: str | None = None,
    colour: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    contact_email: str | None = None,
    contact_phone: str | None = None,
    address: str | None = None,
) -> SchoolInfo:
    """Change the settings that are given; None leaves one as it is.

    Takes effect at once in this process, about a second later in the others. Raises Invalid with
    the field that is wrong (then nothing is changed), NotFound for an unknown school.
    """
    given = {
        "name": name,
        "tagline": tagline,
        "colour": colour,
        "language": language,
        "time_zone": time_zone,
        "contact_email": contact_email,
        "contact_phone": contact_phone,
        "address": address,
    }
    wanted = {field: _CHECKS[field](text) for field, text in given.items() if text is not None}
    with in_public(), transaction.atomic():
        school = _locked(school_id)
        changes = _apply(school, wanted)
        if changes:
            school.save(update_fields=[change.setting for change in changes])
            _tell(school, changes, actor)
            forget_hosts()
    return to_info(school)


def _locked(school_id: int) -> School:
    school = School.objects.select_for_update().filter(pk=school_id).first()
    if school is None:
        raise NotFound(_("There is no such school."))
    return school


def _apply(school: School, wanted: dict[str, str]) -> tuple[SettingChange, ...]:
    changes = []
    for field, after in wanted.items():
        before = getattr(school, field)
        if before != after:
            setattr(school, field, after)
            changes.append(SettingChange(setting=field, before=before, after=after))
    return tuple(changes)


def _tell(school: School, changes: tuple[SettingChange, ...], actor: str) -> None:
    """Into the school's own outbox: what listens to it lives inside the school."""
    with tenant_context(school):
        events.publish(
            SettingsChanged(school_id=school.id, changes=changes),
            stream_type="school",
            stream_id=stream_id(school.id),
            actor=actor,
        )
