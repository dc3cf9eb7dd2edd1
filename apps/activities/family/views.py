"""What families see of activities: those that are open, sign up, leave."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.activities import selectors
from apps.activities.contracts import ActivityInfo, SignUpInfo
from apps.activities.family.guardians import for_guardian
from apps.activities.services import signups
from apps.students import facade as students
from apps.students.contracts import GuardianInfo, StudentInfo
from kernel.access import PUBLIC, access
from kernel.errors import DomainError, Invalid, NotFound

NOT_SHOWN = ("draft",)


def _children(guardian: GuardianInfo) -> list[StudentInfo]:
    return [child for child in students.children_of(guardian.id) if child.is_enrolled]


@access(PUBLIC)
@never_cache
@require_GET
@for_guardian
def activity_list(request: HttpRequest, guardian: GuardianInfo) -> HttpResponse:
    children = _children(guardian)
    names = {child.id: child.first_name for child in children}
    mine: dict[UUID, list[tuple[str, SignUpInfo]]] = {}
    for sign_up in selectors.sign_ups_of_students(names):
        known = mine.setdefault(sign_up.activity_id, [])
        known.append((names[sign_up.student_id], sign_up))
    now = timezone.now()
    rows = [
        {
            "activity": activity,
            "sign_ups": mine.get(activity.id, []),
            "is_open": activity.takes_sign_ups(now),
        }
        for activity in selectors.open_activities()
    ]
    context = {"guardian": guardian, "rows": rows, "children": children}
    return render(request, "activities/family/list.html", context)


@access(PUBLIC)
@never_cache
@require_GET
@for_guardian
def activity_detail(
    request: HttpRequest, guardian: GuardianInfo, activity_id: UUID
) -> HttpResponse:
    return _detail_page(request, guardian, _shown(activity_id))


def _shown(activity_id: UUID) -> ActivityInfo:
    activity = selectors.get_activity(activity_id)
    if activity.status in NOT_SHOWN:
        raise NotFound(_("There is no such activity."))
    return activity


def _detail_page(
    request: HttpRequest,
    guardian: GuardianInfo,
    activity: ActivityInfo,
    *,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    children = _children(guardian)
    sign_ups = {
        sign_up.student_id: sign_up
        for sign_up in selectors.sign_ups_of_students([child.id for child in children])
        if sign_up.activity_id == activity.id
    }
    now = timezone.now()
    context = {
        "guardian": guardian,
        "activity": activity,
        "signed_up": [(child, sign_ups[child.id]) for child in children if child.id in sign_ups],
        "others": [child for child in children if child.id not in sign_ups],
        "is_open": activity.takes_sign_ups(now),
        "opens_later": bool(activity.signup_opens_at and now < activity.signup_opens_at),
        "has_started": activity.starts_at <= now,
        "refused": refused,
        "chosen": request.POST.get("student", ""),
        "note": request.POST.get("note", ""),
    }
    return render(request, "activities/family/detail.html", context, status=status)


@access(PUBLIC)
@never_cache
@require_POST
@for_guardian
def sign_up(request: HttpRequest, guardian: GuardianInfo, activity_id: UUID) -> HttpResponse:
    activity = _shown(activity_id)
    try:
        child = _chosen_child(request, guardian)
        done = signups.sign_up(
            activity_id=activity_id,
            student_id=child.id,
            guardian_id=guardian.id,
            permission_given=request.POST.get("permission") == "yes",
            note=request.POST.get("note", "").replace("\x00", ""),
            actor=guardian.email or guardian.name,
        )
    except DomainError as error:
        return _detail_page(request, guardian, activity, refused=error.message, status=error.status)
    messages.success(request, _told(child, done, activity))
    return redirect("family_activities:detail", activity_id)


def _chosen_child(request: HttpRequest, guardian: GuardianInfo) -> StudentInfo:
    for child in students.children_of(guardian.id):
        if str(child.id) == request.POST.get("student"):
            return child
    raise Invalid(_("Please choose one of your children."), field="student")


def _told(child: StudentInfo, done: SignUpInfo, activity: ActivityInfo) -> str:
    if done.status == "waiting":
        message = _(
            "%(name)s is number %(place)d in the waiting list. We write when a place frees."
        )
        return message % {"name": child.first_name, "place": done.place_in_line}
    if activity.fee_minor:
        return _("%s has a place. The invoice follows by e-mail.") % child.first_name
    return _("%s has a place.") % child.first_name


@access(PUBLIC)
@never_cache
@require_POST
@for_guardian
def leave(
    request: HttpRequest, guardian: GuardianInfo, activity_id: UUID, sign_up_id: UUID
) -> HttpResponse:
    try:
        signups.cancel_sign_up(
            sign_up_id=sign_up_id,
            guardian_id=guardian.id,
            actor=guardian.email or guardian.name,
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The place was given back."))
    return redirect("family_activities:detail", activity_id)
