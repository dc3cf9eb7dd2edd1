"""The operator closes a school and opens it again."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import OperatorAction, School
from apps.tenants.selectors import to_info
from apps.tenants.services.checks import check_line
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public

SUSPENDED = "school.suspended"
RESUMED = "school.resumed"
_MAX_REASON = 200


def suspend_school(*, school_id: int, reason: str, actor: str) -> SchoolInfo:
    """Close an active school: its host answers with a notice, its data stay as they are.

    Raises Invalid without a reason, Conflict when the school is not active, NotFound.
    """
    cleaned = check_line(reason, field="reason", longest=_MAX_REASON)
    if not cleaned:
        raise Invalid(_("Say why; the school will ask."), field="reason")
    return _change(
        school_id,
        before=School.Status.ACTIVE,
        after=School.Status.SUSPENDED,
        action=(SUSPENDED, {"reason": cleaned}),
        actor=actor,
    )


def resume_school(*, school_id: int, actor: str) -> SchoolInfo:
    """Open a suspended school again. Raises Conflict when it is not suspended, NotFound."""
    return _change(
        school_id,
        before=School.Status.SUSPENDED,
        after=School.Status.ACTIVE,
        action=(RESUMED, {}),
        actor=actor,
    )


def _change(
    school_id: int,
    *,
    before: School.Status,
    after: School.Status,
    action: tuple[str, dict[str, str]],
    actor: str,
) -> SchoolInfo:
    with in_public(), transaction.atomic():
        school = School.objects.select_for_update().filter(pk=school_id).first()
        if school is None:
            raise NotFound(_("There is no such school."))
        if school.status != before:
            raise Conflict(
                _("%(school)s is %(status)s, so this changes nothing.")
                % {"school": school.name, "status": school.get_status_display().lower()}
            )
        school.status = after
        school.save(update_fields=["status"])
        OperatorAction.objects.create(
            school_id=school.id, actor=actor, action=action[0], detail=action[1]
        )
        forget_hosts()
    return to_info(school)
