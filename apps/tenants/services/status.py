"""The operator closes a school and opens it again (contracts.STATUS_RULES: what follows)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.contracts import SchoolInfo
from apps.tenants.events import SchoolArchived, SchoolResumed, SchoolSuspended
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import OperatorAction, School
from apps.tenants.selectors import to_info
from apps.tenants.services.checks import check_line
from apps.tenants.services.plans.subscriptions import end_subscription
from apps.tenants.services.provision import stream_id as stream_id
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import in_public

SUSPENDED = "school.suspended"
RESUMED = "school.resumed"
ARCHIVED = "school.archived"
MAX_REASON = 200
_STATUS = School.Status


def suspend_school(*, school_id: int, reason: str, actor: str) -> SchoolInfo:
    """Close an active school: its host answers with a notice, its data stay as they are, and
    payments that are under way still settle.

    Raises Invalid without a reason, Conflict when the school is not active, NotFound.
    """
    told = check_reason(reason)
    with changing(school_id, given=(_STATUS.ACTIVE,)) as school:
        move(school, _STATUS.SUSPENDED, reason=told)
        tell(school, SchoolSuspended(**named(school), reason=told), actor)
        note(school, SUSPENDED, actor, reason=told)
    return to_info(school)


def resume_school(*, school_id: int, actor: str) -> SchoolInfo:
    """Open a suspended or archived school again. Raises Conflict when it is neither, NotFound."""
    with changing(school_id, given=(_STATUS.SUSPENDED, _STATUS.ARCHIVED)) as school:
        before = school.status
        move(school, _STATUS.ACTIVE)
        tell(school, SchoolResumed(**named(school), status_before=before), actor)
        note(school, RESUMED, actor, before=before)
    return to_info(school)


def archive_school(*, school_id: int, reason: str, actor: str) -> SchoolInfo:
    """The school has left: its host says so, nobody signs in, nothing is sent, no task runs.

    Its data stay, its plan ends; `resume_school` opens it again, without a plan. Raises Invalid
    without a reason, Conflict when the school is neither active nor suspended, NotFound.
    """
    told = check_reason(reason)
    with changing(school_id, given=(_STATUS.ACTIVE, _STATUS.SUSPENDED)) as school:
        move(school, _STATUS.ARCHIVED, reason=told)
        end_subscription(school_id=school.id, time_zone=school.time_zone)
        tell(school, SchoolArchived(**named(school), reason=told), actor)
        note(school, ARCHIVED, actor, reason=told)
    return to_info(school)


# What every change of status does ---------------------------------------------------------------


def check_reason(reason: str) -> str:
    told = check_line(reason, field="reason", longest=MAX_REASON)
    if not told:
        raise Invalid(_("Say why; the school will ask."), field="reason")
    return told


@contextmanager
def changing(school_id: int, *, given: tuple[School.Status, ...]) -> Iterator[School]:
    """The school's row, locked, for a change in one transaction that every process hears of.

    Raises NotFound, and Conflict when its status is none of `given`.
    """
    with in_public(), transaction.atomic():
        school = School.objects.select_for_update().filter(pk=school_id).first()
        if school is None:
            raise NotFound(_("There is no such school."))
        if school.status not in given:
            raise Conflict(
                _("%(school)s is in status “%(status)s”, where this cannot be done.")
                % {"school": school.name, "status": school.get_status_display()},
                code="wrong_status",
            )
        yield school
        forget_hosts()


def move(school: School, status: School.Status, *, reason: str = "", **more: Any) -> None:
    """Give the school its new status, and whatever else changes with it."""
    values = {"status": status, "status_reason": reason, "status_since": timezone.now(), **more}
    for name, value in values.items():
        setattr(school, name, value)
    school.save(update_fields=list(values))


def named(school: School) -> dict[str, Any]:
    """What every event about a school says of it."""
    return {
        "school_id": school.id,
        "schema_name": school.schema_name,
        "school_name": school.name,
        "slug": school.slug,
    }


def tell(school: School, event: object, actor: str) -> None:
    """Into the platform's own outbox: it is read whatever becomes of the school."""
    events.publish(event, stream_type="school", stream_id=stream_id(school.id), actor=actor)


def note(school: School, action: str, actor: str, **detail: Any) -> None:
    """For the school's history in the operator console."""
    OperatorAction.objects.create(school_id=school.id, actor=actor, action=action, detail=detail)
