"""The end of a trial: the school is told a week before and on the day; an operator decides.

Nothing is closed by itself unless SUSPEND_AFTER_TRIAL is set. Without it the plan is charged from
the first day after the trial.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from apps.events import facade as events
from apps.tenants.contracts import ACTIVE, SchoolInfo
from apps.tenants.events import TrialEnding
from apps.tenants.models import School, Subscription
from apps.tenants.selectors import get_school
from apps.tenants.services.plans.metering import lock_school
from apps.tenants.services.plans.months import today_in
from apps.tenants.services.status import stream_id, suspend_school
from kernel.schools import in_public

WARN_DAYS = 7
ENDING, ENDED, SETTLED = "ending", "ended", "settled"


def schools_in_trial() -> list[int]:
    """The schools whose trial runs, or ended without having been told so."""
    with in_public():
        rows = Subscription.objects.filter(ends_on__isnull=True, trial_until__isnull=False)
        return list(
            rows.exclude(trial_told__in=(ENDED, SETTLED)).values_list("school_id", flat=True)
        )


def review_trial(*, school_id: int) -> str:
    """Tell the school's administrators what is due about its trial, each thing once.

    Returns "ending" or "ended" when something was told, else "". Raises NotFound.
    """
    school = get_school(school_id=school_id)
    today = today_in(school.time_zone)
    with in_public(), transaction.atomic():
        lock_school(school_id)
        rows = Subscription.objects.select_related("plan").filter(
            school_id=school_id, ends_on__isnull=True, trial_until__isnull=False
        )
        row = rows.first()
        due = _due(row, today) if row is not None and school.status == ACTIVE else ""
        if row is None or not due:
            return ""
        row.trial_told = due
        row.save(update_fields=["trial_told"])
        _tell(row, due)
    if due == ENDED and settings.SUSPEND_AFTER_TRIAL and row.plan.price_minor:
        _suspend(school)
    return due


def _due(row: Subscription, today: date) -> str:
    if row.trial_until is None or row.trial_told in (ENDED, SETTLED):
        return ""
    if today >= row.trial_until:
        return ENDED
    near = today >= row.trial_until - timedelta(days=WARN_DAYS)
    return ENDING if near and row.trial_told != ENDING else ""


def _tell(row: Subscription, due: str) -> None:
    if row.trial_until is None:
        return
    event = TrialEnding(
        school_id=row.school_id,
        plan_name=row.plan.name,
        ends_on=row.trial_until,
        price_minor=row.plan.price_minor,
        currency=row.plan.currency,
        has_ended=due == ENDED,
    )
    with tenant_context(School.objects.get(pk=row.school_id)):
        events.publish(event, stream_type="school", stream_id=stream_id(row.school_id))


def _suspend(school: SchoolInfo) -> None:
    suspend_school(school_id=school.id, reason=_("The trial has ended."), actor="homeroom")
