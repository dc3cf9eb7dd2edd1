"""Reading activities, sign-ups and the calendar as plain data."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.activities.contracts import ActivityInfo, CalendarItem, SignUpInfo
from apps.activities.models import Activity, CalendarEntry, SignUp
from kernel.errors import NotFound

Audience = CalendarEntry.Audience
COMING, PAST, EVERY = "coming", "past", "all"


def activity_rows(*, text: str = "", when: str = EVERY) -> QuerySet[Activity]:
    """Activities by start with the counts that `activity_info` reads."""
    confirmed = Q(sign_ups__status=SignUp.Status.CONFIRMED)
    waiting = Q(sign_ups__status=SignUp.Status.WAITING)
    rows = Activity.objects.annotate(
        confirmed_count=Count("sign_ups", filter=confirmed),
        waiting_count=Count("sign_ups", filter=waiting),
    ).order_by("starts_at", "id")
    for word in text.split():
        rows = rows.filter(Q(title__icontains=word) | Q(place__icontains=word))
    if when == COMING:
        return rows.filter(ends_at__gte=timezone.now())
    if when == PAST:
        return rows.filter(ends_at__lt=timezone.now()).order_by("-starts_at", "-id")
    return rows


def activity_info(row: Any) -> ActivityInfo:
    """The contract of a row of `activity_rows`."""
    return ActivityInfo(
        id=row.id,
        title=row.title,
        description=row.description,
        place=row.place,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        signup_opens_at=row.signup_opens_at,
        signup_closes_at=row.signup_closes_at,
        places=row.places,
        fee_minor=row.fee_minor,
        currency=row.currency,
        status=row.status,
        status_label=row.get_status_display(),
        needs_permission=row.needs_permission,
        confirmed_count=row.confirmed_count,
        waiting_count=row.waiting_count,
    )


def get_activity(activity_id: UUID) -> ActivityInfo:
    """Raises NotFound."""
    row = activity_rows().filter(pk=activity_id).first()
    if row is None:
        raise NotFound(_("There is no such activity."))
    return activity_info(row)


def list_activities(*, text: str = "", when: str = EVERY) -> list[ActivityInfo]:
    """Activities of every status; coming ones by start, past ones newest first."""
    return [activity_info(row) for row in activity_rows(text=text, when=when)]


def open_activities() -> list[ActivityInfo]:
    """Published activities that are not over, by start: what families see."""
    rows = activity_rows(when=COMING).filter(status=Activity.Status.PUBLISHED)
    return [activity_info(row) for row in rows]


def sign_ups_of(activity_id: UUID) -> list[SignUpInfo]:
    """Those with a place and those who wait, each in the order they came."""
    rows = SignUp.objects.filter(activity=activity_id).exclude(status=SignUp.Status.CANCELLED)
    line, infos = 0, []
    for row in rows:
        waiting = row.status == SignUp.Status.WAITING
        line += waiting
        infos.append(sign_up_info(row, place_in_line=line if waiting else 0))
    return infos


def sign_ups_of_students(student_ids: Iterable[UUID]) -> list[SignUpInfo]:
    """What these students are signed up for or wait for, with their places in the lines."""
    mine = SignUp.objects.filter(student_id__in=list(student_ids)).exclude(
        status=SignUp.Status.CANCELLED
    )
    waiting = SignUp.objects.filter(
        activity__in=mine.values("activity"), status=SignUp.Status.WAITING
    )
    line: dict[UUID, list[UUID]] = {}
    for activity_id, sign_up_id in waiting.values_list("activity_id", "id"):
        line.setdefault(activity_id, []).append(sign_up_id)
    return [sign_up_info(row, place_in_line=_place(row, line)) for row in mine]


def _place(row: SignUp, line: dict[UUID, list[UUID]]) -> int:
    waiting = line.get(row.activity_id, [])
    return waiting.index(row.id) + 1 if row.id in waiting else 0


def sign_up_info(row: SignUp, *, place_in_line: int = 0) -> SignUpInfo:
    """The contract of a sign-up."""
    return SignUpInfo(
        id=row.id,
        activity_id=row.activity_id,
        student_id=row.student_id,
        guardian_id=row.guardian_id,
        status=row.status,
        status_label=row.get_status_display(),
        position=row.position,
        note=row.note,
        signed_up_at=row.signed_up_at,
        permission_given_at=row.permission_given_at,
        place_in_line=place_in_line,
    )


def entry_rows(*, text: str = "", when: str = EVERY) -> QuerySet[CalendarEntry]:
    """Calendar entries by start; past ones newest first."""
    rows = (
        CalendarEntry.objects.filter(title__icontains=text)
        if text
        else (CalendarEntry.objects.all())
    )
    if when == COMING:
        return rows.filter(ends_at__gte=timezone.now())
    if when == PAST:
        return rows.filter(ends_at__lt=timezone.now()).order_by("-starts_at", "-id")
    return rows


def get_entry(entry_id: UUID) -> CalendarItem:
    """Raises NotFound."""
    entry = CalendarEntry.objects.filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(_("There is no such calendar entry."))
    return entry_item(entry)


def upcoming(
    *, since: datetime, until: datetime, public_only: bool = False, for_families: bool = False
) -> list[CalendarItem]:
    """Published activities and calendar entries that touch [since, until), by start.

    `public_only` leaves out what is not for everybody, `for_families` what is for staff only.
    """
    audiences = list(Audience.values)
    if public_only:
        audiences = [Audience.PUBLIC.value]
    elif for_families:
        audiences = [Audience.PUBLIC.value, Audience.FAMILIES.value]
    touching = Q(starts_at__lt=until) & Q(ends_at__gt=since) | Q(starts_at=since)
    activities = Activity.objects.filter(touching, status=Activity.Status.PUBLISHED)
    entries = CalendarEntry.objects.filter(touching, audience__in=audiences)
    items = [*map(_activity_item, activities), *map(entry_item, entries)]
    return sorted(items, key=attrgetter("starts_at", "title"))


def _activity_item(row: Activity) -> CalendarItem:
    return CalendarItem(
        id=row.id,
        title=row.title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        all_day=False,
        place=row.place,
        kind="activity",
        url=f"/family/activities/{row.id}/",
    )


def entry_item(row: CalendarEntry) -> CalendarItem:
    """The contract of a calendar entry."""
    return CalendarItem(
        id=row.id,
        title=row.title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        all_day=row.all_day,
        place=row.place,
        kind="entry",
        url="",
        audience=row.audience,
        audience_label=row.get_audience_display(),
    )
