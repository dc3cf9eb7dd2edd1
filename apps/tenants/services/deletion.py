"""The end of a school: asked for, exported, waited for, and then done by the keeper.

1. `request_deletion`: the host answers with a notice, an export is made, the day is set.
2. Until that day `undo_deletion` puts everything back as it was.
3. On that day (`delete_due_schools`, sent by beat) the keeper takes away schema, role, files and
   cache, and last of all the rows here. A crash in between leaves the rows, so that it is begun
   again; only the rows' transaction ends it.

What stays: DeletedSchool, the operators' history, and the platform's own invoices to the school.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.events import facade as events
from apps.tenants import selectors
from apps.tenants.contracts import SchoolInfo
from apps.tenants.events import SchoolDeleted, SchoolDeletionRequested, SchoolDeletionUndone
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import (
    DeletedSchool,
    Domain,
    DueWork,
    Operation,
    School,
    SettingChange,
)
from apps.tenants.selectors import to_info
from apps.tenants.services import leftovers, operations
from apps.tenants.services.backup.locks import hold_school
from apps.tenants.services.operations import OperationContext, operation
from apps.tenants.services.plans.subscriptions import end_subscription
from apps.tenants.services.status import changing, check_reason, move, named, note, tell
from kernel.errors import Conflict, Invalid, Unavailable
from kernel.schools import in_public

REQUESTED = "school.deletion_requested"
UNDONE = "school.deletion_undone"
DELETED = "school.deleted"
DELETE, EXPORT = "delete_school", "backup"
EXPORT_PARAMETERS = {"purpose": "deletion"}
_STATUS = School.Status


def request_deletion(
    *, school_id: int, typed: str, reason: str, actor: str, at_once: bool = False
) -> SchoolInfo:
    """Close the school and delete it when settings.DELETE_GRACE_DAYS are over.

    `typed` is the short name, as the operator typed it to confirm. An export is begun at once.
    `at_once` is for commands: the grace period is over immediately and the caller makes the
    export part of deleting. Raises Invalid (`typed`, `reason`), Conflict, NotFound.
    """
    told = check_reason(reason)
    days = 0 if at_once else settings.DELETE_GRACE_DAYS
    day = timezone.now() + timedelta(days=days)
    open_to_it = (_STATUS.ACTIVE, _STATUS.SUSPENDED, _STATUS.ARCHIVED)
    with changing(school_id, given=open_to_it) as school:
        check_typed(school.slug, typed)
        export = None if at_once else _begin_export(school, actor)
        before = school.status
        move(
            school,
            _STATUS.DELETING,
            reason=told,
            status_before=before,
            delete_after=day,
            export_operation=export,
        )
        event = SchoolDeletionRequested(**named(school), reason=told, delete_after=day)
        tell(school, event, actor)
        note(school, REQUESTED, actor, reason=told, delete_after=day.isoformat())
    return to_info(school)


def delete_at_once(
    *,
    school_id: int,
    reason: str,
    actor: str,
    without_export: bool = False,
    on_progress: operations.Report | None = None,
) -> str:
    """Delete without waiting for the grace period, in this process: for commands, which ask twice.

    What fails leaves the school closed; the next night's round, or this again, goes on with it.
    Returns what was done. Raises as `request_deletion` and `operations.run_here` do.
    """
    school = selectors.get_school(school_id=school_id)
    if school.status == _STATUS.DELETING:
        _bring_forward(school_id)
    else:
        request_deletion(
            school_id=school_id, typed=school.slug, reason=reason, actor=actor, at_once=True
        )
    return operations.run_here(
        kind=DELETE,
        school_id=school_id,
        actor=actor,
        parameters={"without_export": without_export},
        on_progress=on_progress,
    )


def _bring_forward(school_id: int) -> None:
    with changing(school_id, given=(_STATUS.DELETING,)) as school:
        school.delete_after = timezone.now()
        school.save(update_fields=["delete_after"])


def check_typed(slug: str, typed: str) -> None:
    """Raises Invalid unless the operator typed the school's short name."""
    if typed.strip() != slug:
        raise Invalid(
            _("Type the school’s short name, “%(slug)s”, to confirm.") % {"slug": slug},
            field="typed",
        )


def _begin_export(school: School, actor: str) -> UUID | None:
    if operations.kind_of(EXPORT) is None:
        return None
    return operations.start_operation(
        kind=EXPORT, school_id=school.id, actor=actor, parameters=EXPORT_PARAMETERS
    )


def undo_deletion(*, school_id: int, actor: str) -> SchoolInfo:
    """The school becomes what it was before. Raises Conflict when it is not being deleted, or
    when its data are being taken away already; NotFound."""
    with changing(school_id, given=(_STATUS.DELETING,)) as school:
        if not school.status_before:
            raise Conflict(_("Too late: the data are being deleted."), code="too_late")
        before = _STATUS(school.status_before)
        move(school, before, status_before="", delete_after=None, export_operation=None)
        tell(school, SchoolDeletionUndone(**named(school), status=before), actor)
        note(school, UNDONE, actor, status=before)
    return to_info(school)


def delete_due_schools() -> int:
    """Ask the keeper to delete every school whose day has come; returns how many."""
    due = selectors.schools_due_for_deletion(now=timezone.now())
    for school_id in due:
        operations.start_operation(kind=DELETE, school_id=school_id, actor="beat", once=True)
    return len(due)


@operation(DELETE, title=gettext_lazy("Deleting a school"), restarts=True)
def delete_school(context: OperationContext) -> str:
    """The keeper's share. Parameter `without_export`: the operator said that none is needed."""
    school = _begin(context)
    if school is None:
        return _("The school was deleted before.")
    export = _export(school, context)
    with hold_school(school.id):  # no backup, restore or migration is in the middle of it
        _no_way_back(school)
        files = _take_away(school, context)
        _bury(school, export, context.actor)
    return _("%(school)s is deleted, with %(files)d files. %(export)s") % {
        "school": school.name,
        "files": files,
        "export": export,
    }


def _take_away(school: School, context: OperationContext) -> int:
    """Everything but the rows here; returns how many files there were."""
    context.progress(1, 4, _("Files"))
    files = leftovers.delete_files(school.schema_name)
    context.progress(2, 4, _("Tables"))
    leftovers.drop_schemas(school.id, school.schema_name)
    context.progress(3, 4, _("Cache and addresses"))
    leftovers.forget_cache(school.schema_name)
    return files


def _begin(context: OperationContext) -> School | None:
    """The school, if its day has come; None when it is gone. Raises Conflict otherwise."""
    if context.school_id is None:
        raise Invalid(_("There is no such school."))
    if selectors.find_deleted(school_id=context.school_id) is not None:
        return None
    with changing(context.school_id, given=(_STATUS.DELETING,)) as school:
        if school.delete_after is None or school.delete_after > timezone.now():
            raise Conflict(_("The day of this deletion has not come."), code="too_early")
    return school


def _no_way_back(school: School) -> None:
    """From here on the data go; an undo that is quicker than this keeps them."""
    with changing(school.id, given=(_STATUS.DELETING,)) as locked:
        locked.status_before = ""
        locked.save(update_fields=["status_before"])


def _export(school: School, context: OperationContext) -> str:
    """What the export said of itself: the one made at the request, or one made now."""
    if school.export_operation is not None:
        made = operations.get_operation(school.export_operation)
        if made.state == Operation.State.DONE:
            return made.result
    if context.parameters.get("without_export") or not leftovers.has_schema(school.schema_name):
        return ""
    return _export_now(school, context)


def _export_now(school: School, context: OperationContext) -> str:
    kind = operations.kind_of(EXPORT)
    if kind is None:
        raise Unavailable(
            _("The school cannot be exported here, so it is not deleted. Use --without-export.")
        )
    context.progress(0, 4, _("Export"))
    return kind.run(
        OperationContext(
            operation_id=context.operation_id,
            school_id=school.id,
            actor=context.actor,
            parameters=EXPORT_PARAMETERS,
            report=lambda done, total, note: context.progress(0, 4, note or _("Export")),
        )
    )


def _bury(school: School, export: str, actor: str) -> None:
    """The rows, in one transaction: with it the deletion has happened."""
    with in_public(), transaction.atomic():
        domains = Domain.objects.filter(tenant=school.id).values_list("domain", flat=True)
        DeletedSchool.objects.create(
            school_id=school.id,
            schema_name=school.schema_name,
            slug=school.slug,
            name=school.name,
            domains=list(domains),
            reason=school.status_reason,
            requested_by=_requested_by(school),
            export=export,
            created_at=school.created_at,
        )
        for model in (DueWork, SettingChange):
            model.objects.filter(school_id=school.id).delete()
        end_subscription(school_id=school.id, time_zone=school.time_zone)
        events.forget_school(school.id)
        tell(school, SchoolDeleted(**named(school)), actor)
        note(school, DELETED, actor, name=school.name, slug=school.slug)
        School.objects.filter(pk=school.id).delete()
        forget_hosts()


def _requested_by(school: School) -> str:
    actions = selectors.list_actions(school_id=school.id)
    return next((action.actor for action in actions if action.action == REQUESTED), "")
