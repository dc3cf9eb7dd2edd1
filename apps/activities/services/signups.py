"""Signing up for activities and leaving them.

Everything that concerns the places of an activity first locks the activity's row: two parents who
want the last place are served one after the other.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.activities.contracts import SignUpInfo
from apps.activities.events import (
    SignupCancelled,
    SignupConfirmed,
    SignupPromoted,
    SignupWaitlisted,
)
from apps.activities.models import Activity, SignUp
from apps.activities.selectors import sign_up_info
from apps.events import facade as events
from apps.students import facade as students
from kernel.errors import Conflict, Forbidden, Invalid, NotFound

Status = SignUp.Status


def lock_activity(activity_id: UUID) -> Activity:
    """The activity, locked until the transaction ends. Raises NotFound."""
    activity = Activity.objects.select_for_update().filter(pk=activity_id).first()
    if activity is None:
        raise NotFound(_("There is no such activity."))
    return activity


def sign_up(
    *,
    activity_id: UUID,
    student_id: UUID,
    actor: str,
    guardian_id: UUID | None = None,
    permission_given: bool = False,
    note: str = "",
) -> SignUpInfo:
    """Give the student a place, or a place in the waiting list when the activity is full.

    With a `guardian_id` it is a family's own sign-up: the child must be theirs, sign-up open and
    permission given where it is needed. Without, it is the office's. Who is signed up already stays
    as they are. Publishes SignupConfirmed or SignupWaitlisted.

    Raises NotFound, Forbidden (not their child), Invalid (no permission), Conflict (not open).
    """
    student = students.get_student(student_id)
    with transaction.atomic():
        activity = lock_activity(activity_id)
        known = _active(activity).filter(student_id=student_id).first()
        if known is not None:
            _check_child(student_id, guardian_id)
            return sign_up_info(known, place_in_line=_place_in_line(known))
        _check_may_sign_up(activity, student, guardian_id, permission_given)
        row = _add(activity, student_id, guardian_id, permission_given, note)
        event = SignupConfirmed if row.status == Status.CONFIRMED else SignupWaitlisted
        _publish(event, activity, row, actor)
        return sign_up_info(row, place_in_line=_place_in_line(row))


def _active(activity: Activity) -> Any:
    return activity.sign_ups.exclude(status=Status.CANCELLED)


def _check_child(student_id: UUID, guardian_id: UUID | None) -> None:
    if guardian_id is None:
        return
    if student_id not in {child.id for child in students.children_of(guardian_id)}:
        raise Forbidden(_("This child is not in your family."))


def _check_may_sign_up(
    activity: Activity,
    student: students.StudentInfo,
    guardian_id: UUID | None,
    permission_given: bool,
) -> None:
    _check_child(student.id, guardian_id)
    if not student.is_enrolled:
        raise Conflict(_("%s is not at the school at the moment.") % student.name)
    if activity.status != Activity.Status.PUBLISHED:
        raise Conflict(_("This activity does not take sign-ups."), code="not_published")
    if guardian_id is None:
        return
    _check_window(activity)
    if activity.needs_permission and not permission_given:
        raise Invalid(_("Please give your permission first."), field="permission")


def _check_window(activity: Activity) -> None:
    now = timezone.now()
    if activity.signup_opens_at and now < activity.signup_opens_at:
        raise Conflict(_("Sign-up has not opened yet."), code="not_open_yet")
    if now >= (activity.signup_closes_at or activity.starts_at):
        raise Conflict(_("Sign-up has closed. Please ask the office."), code="closed")


def _add(
    activity: Activity,
    student_id: UUID,
    guardian_id: UUID | None,
    permission_given: bool,
    note: str,
) -> SignUp:
    last = activity.sign_ups.aggregate(last=Max("position"))["last"] or 0
    return SignUp.objects.create(
        activity=activity,
        student_id=student_id,
        guardian_id=guardian_id,
        status=Status.CONFIRMED if _has_place(activity) else Status.WAITING,
        position=last + 1,
        permission_given_at=timezone.now() if permission_given else None,
        note=note.strip()[:500],
    )


def _has_place(activity: Activity) -> bool:
    if activity.places is None:
        return True
    return activity.sign_ups.filter(status=Status.CONFIRMED).count() < activity.places


def _place_in_line(row: SignUp) -> int:
    if row.status != Status.WAITING:
        return 0
    waiting = SignUp.objects.filter(activity=row.activity_id, status=Status.WAITING)
    return waiting.filter(position__lte=row.position).count()


def cancel_sign_up(*, sign_up_id: UUID, actor: str, guardian_id: UUID | None = None) -> None:
    """Give the place back; who waited longest gets it (publishes SignupPromoted).

    Cancelling twice changes nothing. With a `guardian_id` the child must be theirs and the activity
    must not have started. Raises NotFound, Forbidden, Conflict.
    """
    activity_id = SignUp.objects.filter(pk=sign_up_id).values_list("activity", flat=True).first()
    if activity_id is None:
        raise NotFound(_("There is no such sign-up."))
    with transaction.atomic():
        activity = lock_activity(activity_id)
        row = activity.sign_ups.get(pk=sign_up_id)
        _check_child(row.student_id, guardian_id)
        if row.status == Status.CANCELLED:
            return
        if guardian_id is not None and activity.starts_at <= timezone.now():
            raise Conflict(_("The activity has started. Please ask the office."), code="started")
        _cancel(activity, row, actor)
        promote_waiting(activity, actor=actor)


def _cancel(activity: Activity, row: SignUp, actor: str) -> None:
    was_confirmed = row.status == Status.CONFIRMED
    row.status, row.cancelled_at = Status.CANCELLED, timezone.now()
    row.save(update_fields=["status", "cancelled_at"])
    _publish(SignupCancelled, activity, row, actor, was_confirmed=was_confirmed)


def cancel_all(activity: Activity, *, actor: str) -> int:
    """Cancel every sign-up of an activity that is locked. Nobody is promoted."""
    rows = list(_active(activity))
    for row in rows:
        _cancel(activity, row, actor)
    return len(rows)


def cancel_coming_sign_ups(*, student_id: UUID, actor: str) -> int:
    """Cancel what a student who leaves is signed up for and has not begun; returns how many."""
    coming = SignUp.objects.filter(
        student_id=student_id, activity__starts_at__gt=timezone.now()
    ).exclude(status=Status.CANCELLED)
    ids = list(coming.order_by("activity_id").values_list("id", flat=True))
    for sign_up_id in ids:
        cancel_sign_up(sign_up_id=sign_up_id, actor=actor)
    return len(ids)


def promote_waiting(activity: Activity, *, actor: str) -> int:
    """Fill free places of a locked, published activity from the waiting list, first come first."""
    if activity.status != Activity.Status.PUBLISHED:
        return 0
    waiting = activity.sign_ups.filter(status=Status.WAITING)
    if activity.places is not None:
        taken = activity.sign_ups.filter(status=Status.CONFIRMED).count()
        waiting = waiting[: max(0, activity.places - taken)]
    rows = list(waiting)
    for row in rows:
        row.status = Status.CONFIRMED
        row.save(update_fields=["status"])
        _publish(SignupPromoted, activity, row, actor)
    return len(rows)


def _publish(event: Any, activity: Activity, row: SignUp, actor: str, **more: Any) -> None:
    events.publish(
        event(
            signup_id=row.id,
            activity_id=activity.id,
            activity_title=activity.title,
            starts_at=activity.starts_at,
            student_id=row.student_id,
            fee_minor=activity.fee_minor,
            currency=activity.currency,
            **more,
        ),
        stream_type="activity",
        stream_id=activity.id,
        actor=actor,
    )


def object_to_undo(student_ids: Iterable[UUID]) -> list[str]:
    """Why an import that brought these students must stay: some are signed up for activities."""
    active = SignUp.objects.filter(student_id__in=list(student_ids)).exclude(
        status=Status.CANCELLED
    )
    taking_part = set(active.values_list("student_id", flat=True))
    if not taking_part:
        return []
    found = students.get_students(taking_part).values()
    names = ", ".join(sorted(student.name for student in found)[:5])
    return [_("Signed up for activities: %s.") % names]
