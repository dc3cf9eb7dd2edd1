"""Staff pages of activities and their sign-ups."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.activities import selectors
from apps.activities.contracts import SignUpInfo
from apps.activities.permissions import MANAGE_ACTIVITIES, VIEW_ACTIVITIES
from apps.activities.portal.forms import ActivityForm, activity_initial, refuse
from apps.activities.services import activities, signups
from apps.students import facade as students
from kernel import schools
from kernel.access import access
from kernel.errors import DomainError, Invalid
from kernel.pages import paginate, query

PERIODS = (selectors.COMING, selectors.PAST, selectors.EVERY)


def period(request: HttpRequest) -> str:
    """?when=: coming (unless said otherwise), past or all."""
    when = query(request, "when")
    return when if when in PERIODS else selectors.COMING


@access(VIEW_ACTIVITIES)
@require_GET
def activity_list(request: HttpRequest) -> HttpResponse:
    text, when = query(request), period(request)
    page = paginate(request, selectors.activity_rows(text=text, when=when))
    page.object_list = [selectors.activity_info(row) for row in page.object_list]
    context = {"page": page, "q": text, "when": when}
    return render(request, "activities/activity_list.html", context)


@access(VIEW_ACTIVITIES)
@require_GET
def activity_detail(request: HttpRequest, activity_id: UUID) -> HttpResponse:
    rows = _with_people(selectors.sign_ups_of(activity_id))
    find = query(request, "find")
    taken = {row["sign_up"].student_id for row in rows}
    found = [s for s in students.search_students(find, 8) if s.id not in taken] if find else []
    context = {
        "activity": selectors.get_activity(activity_id),
        "confirmed": [row for row in rows if row["sign_up"].status == "confirmed"],
        "waiting": [row for row in rows if row["sign_up"].status == "waiting"],
        "find": find,
        "found": found,
    }
    return render(request, "activities/activity_detail.html", context)


def _with_people(sign_ups: list[SignUpInfo]) -> list[dict[str, Any]]:
    ids = [sign_up.student_id for sign_up in sign_ups]
    known, payers = students.get_students(ids), students.guardians_of(ids)
    return [
        {
            "sign_up": sign_up,
            "student": known.get(sign_up.student_id),
            "guardians": payers.get(sign_up.student_id, []),
        }
        for sign_up in sign_ups
    ]


@access(MANAGE_ACTIVITIES)
@require_http_methods(["GET", "POST"])
def activity_add(request: HttpRequest) -> HttpResponse:
    form = ActivityForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            activity_id = activities.create_activity(
                details=form.details(), actor=request.user.get_username()
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The draft was saved. Publish it to open sign-up."))
            return redirect("activities:detail", activity_id)
    context = {"form": form, "currency": schools.current_school().currency}
    return render(request, "activities/activity_form.html", context)


@access(MANAGE_ACTIVITIES)
@require_http_methods(["GET", "POST"])
def activity_edit(request: HttpRequest, activity_id: UUID) -> HttpResponse:
    activity = selectors.get_activity(activity_id)
    form = ActivityForm(request.POST or None, initial=activity_initial(activity))
    if request.method == "POST" and form.is_valid():
        try:
            activities.update_activity(
                activity_id=activity_id,
                details=form.details(),
                actor=request.user.get_username(),
            )
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("The changes were saved."))
            return redirect("activities:detail", activity_id)
    context = {"form": form, "activity": activity, "currency": activity.currency}
    return render(request, "activities/activity_form.html", context)


@access(MANAGE_ACTIVITIES)
@require_POST
def activity_publish(request: HttpRequest, activity_id: UUID) -> HttpResponse:
    try:
        activities.publish_activity(activity_id=activity_id, actor=request.user.get_username())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The activity is published: families can see it."))
    return redirect("activities:detail", activity_id)


@access(MANAGE_ACTIVITIES)
@require_POST
def activity_cancel(request: HttpRequest, activity_id: UUID) -> HttpResponse:
    count = activities.cancel_activity(activity_id=activity_id, actor=request.user.get_username())
    message = ngettext(
        "The activity is cancelled, with %(n)d sign-up.",
        "The activity is cancelled, with %(n)d sign-ups.",
        count,
    )
    messages.success(request, message % {"n": count})
    return redirect("activities:detail", activity_id)


@access(MANAGE_ACTIVITIES)
@require_POST
def activity_delete(request: HttpRequest, activity_id: UUID) -> HttpResponse:
    try:
        activities.delete_draft(activity_id=activity_id, actor=request.user.get_username())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("activities:detail", activity_id)
    messages.success(request, _("The draft was deleted."))
    return redirect("activities:list")


@access(MANAGE_ACTIVITIES)
@require_POST
def sign_up_add(request: HttpRequest, activity_id: UUID) -> HttpResponse:
    try:
        sign_up = signups.sign_up(
            activity_id=activity_id,
            student_id=_student_id(request),
            actor=request.user.get_username(),
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        confirmed = sign_up.status == "confirmed"
        told = _("The student has a place.") if confirmed else _("The student waits for a place.")
        messages.success(request, told)
    return redirect("activities:detail", activity_id)


def _student_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("student", ""))
    except ValueError as error:
        raise Invalid(_("Please choose a student.")) from error


@access(MANAGE_ACTIVITIES)
@require_POST
def sign_up_cancel(request: HttpRequest, activity_id: UUID, sign_up_id: UUID) -> HttpResponse:
    signups.cancel_sign_up(sign_up_id=sign_up_id, actor=request.user.get_username())
    messages.success(request, _("The sign-up was cancelled."))
    return redirect("activities:detail", activity_id)
