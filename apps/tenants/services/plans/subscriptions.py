"""Which school has which plan, since when, and how that changes.

Without a subscription a school has no limits and is not billed: an operator decides about that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import OperatorAction, Plan, Subscription
from apps.tenants.selectors import get_school
from apps.tenants.services.plans.catalogue import Allowance, offered_plan
from apps.tenants.services.plans.charges import Stay, Terms
from apps.tenants.services.plans.metering import lock_school
from apps.tenants.services.plans.months import next_month, this_month, today_in
from kernel.errors import Conflict, Invalid
from kernel.schools import in_public

CHANGED, UNSCHEDULED, TRIAL_OVER = "plan.changed", "plan.change_cancelled", "plan.trial_ended"


def current_subscription(*, school_id: int, on: date) -> Subscription | None:
    """The school's plan on this day, with its allowances; None when it has none."""
    with in_public():
        return (
            Subscription.objects.select_related("plan")
            .prefetch_related("plan__allowances")
            .filter(_covers(on), school_id=school_id)
            .first()
        )


def _covers(on: date) -> Q:
    return Q(starts_on__lte=on) & (Q(ends_on__isnull=True) | Q(ends_on__gt=on))


def current_plans(school_ids: Iterable[int], *, on: date) -> dict[int, Subscription]:
    """The plans of many schools at once."""
    with in_public():
        rows = Subscription.objects.select_related("plan").prefetch_related("plan__allowances")
        found = rows.filter(_covers(on), school_id__in=list(school_ids))
        return {subscription.school_id: subscription for subscription in found}


def scheduled_change(*, school_id: int, on: date) -> Subscription | None:
    """The plan that will begin later."""
    with in_public():
        later = Subscription.objects.select_related("plan").filter(
            school_id=school_id, starts_on__gt=on
        )
        return later.prefetch_related("plan__allowances").first()


def stays_of(*, school_id: int) -> list[Stay]:
    """All plans the school ever had, as what is charged needs them."""
    with in_public():
        rows = Subscription.objects.select_related("plan").prefetch_related("plan__allowances")
        return [to_stay(row) for row in rows.filter(school_id=school_id).order_by("starts_on")]


def to_stay(row: Subscription) -> Stay:
    return Stay(
        terms=terms_of(row.plan),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        trial_until=row.trial_until,
    )


def terms_of(plan: Plan) -> Terms:
    """The plan as plain data."""
    return Terms(
        name=plan.name,
        currency=plan.currency,
        price_minor=plan.price_minor,
        payment_fee_bp=plan.payment_fee_bp,
        allowances={row.meter: _allowance(row) for row in plan.allowances.all()},
    )


def _allowance(row: object) -> Allowance:
    fields = ("included", "limit", "extra_unit", "extra_price_minor")
    return Allowance(**{name: getattr(row, name) for name in fields})


def begin_trial(*, school_id: int, plan: Plan, actor: str) -> Subscription:
    """The first plan of a new school: nothing is charged for the plan's days of trial."""
    school = get_school(school_id=school_id)
    today = today_in(school.time_zone)
    trial_until = today + timedelta(days=plan.trial_days) if plan.trial_days else None
    return _put(school, plan, starts_on=today, actor=actor, trial_until=trial_until)


def change_plan(
    *, school_id: int, code: str, actor: str, currency: str = "", starts_on: date | None = None
) -> Subscription:
    """Put a school on the newest version of a plan, from today or a later day.

    For operators: any plan, whatever the school uses. A running trial goes on. Without
    `currency` it is that of the plan the school has, else the school's own. Raises NotFound
    (school, plan), Invalid for a day in the past, Conflict when it has that very version.
    """
    school = get_school(school_id=school_id)
    today = today_in(school.time_zone)
    begins = starts_on or today
    if begins < today:
        raise Invalid(_("A plan cannot begin in the past."), field="starts_on")
    now = current_subscription(school_id=school_id, on=today)
    wanted = currency or (now.plan.currency if now else school.currency)
    plan = offered_plan(code=code, currency=wanted)
    if now is not None and now.plan_id == plan.id and now.ends_on is None:
        raise Conflict(_("%(school)s has this plan already.") % {"school": school.name})
    trial_until = now.trial_until if now and now.trial_until and now.trial_until > begins else None
    return _put(school, plan, starts_on=begins, actor=actor, trial_until=trial_until)


def _put(
    school: SchoolInfo, plan: Plan, *, starts_on: date, actor: str, trial_until: date | None
) -> Subscription:
    with in_public(), transaction.atomic():
        lock_school(school.id)
        mine = Subscription.objects.filter(school_id=school.id)
        # What was planned for later, or began on this very day, gives way.
        mine.filter(starts_on__gte=starts_on).delete()
        mine.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=starts_on)).update(ends_on=starts_on)
        subscription = Subscription.objects.create(
            school_id=school.id,
            plan=plan,
            starts_on=starts_on,
            trial_until=trial_until,
            chosen_by=actor,
        )
        _note(school.id, actor, CHANGED, plan, starts_on)
        forget_hosts()
    return subscription


def _note(school_id: int, actor: str, action: str, plan: Plan, day: date) -> None:
    detail = {"plan": str(plan), "name": plan.name, "on": day.isoformat()}
    OperatorAction.objects.create(school_id=school_id, actor=actor, action=action, detail=detail)


def end_subscription(*, school_id: int, time_zone: str) -> None:
    """The school leaves: nothing is charged from tomorrow on, where it is, and no change of plan
    follows. Without a plan nothing happens. Its days until then stay, as its invoices do."""
    tomorrow = today_in(time_zone) + timedelta(days=1)
    with in_public(), transaction.atomic():
        lock_school(school_id)
        mine = Subscription.objects.filter(school_id=school_id)
        mine.filter(starts_on__gte=tomorrow).delete()
        mine.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=tomorrow)).update(ends_on=tomorrow)


def cancel_scheduled(*, school_id: int, actor: str) -> None:
    """Keep the present plan after all. Raises Conflict when no change is planned."""
    school = get_school(school_id=school_id)
    today = today_in(school.time_zone)
    with in_public(), transaction.atomic():
        lock_school(school_id)
        mine = Subscription.objects.filter(school_id=school_id)
        later = mine.filter(starts_on__gt=today).select_related("plan").first()
        if later is None:
            raise Conflict(_("No change of plan is scheduled."))
        mine.filter(starts_on__gt=today).delete()
        mine.filter(ends_on=later.starts_on).update(ends_on=None)
        _note(school_id, actor, UNSCHEDULED, later.plan, later.starts_on)


def end_trial(*, school_id: int, actor: str) -> Subscription:
    """The operator settles a trial: from today the plan is charged. Raises Conflict when the
    school is not, or no longer undecided, in a trial."""
    school = get_school(school_id=school_id)
    today = today_in(school.time_zone)
    with in_public(), transaction.atomic():
        lock_school(school_id)
        row = Subscription.objects.filter(_covers(today), school_id=school_id).first()
        if row is None or row.trial_until is None:
            raise Conflict(_("%(school)s is not in a trial.") % {"school": school.name})
        # Days of a trial that are over stay free; a running one is over today.
        over = min(row.trial_until, today)
        row.trial_until = over if over > row.starts_on else None
        row.trial_told = "settled"
        row.save(update_fields=["trial_until", "trial_told"])
        _note(school_id, actor, TRIAL_OVER, row.plan, today)
    return row


def next_months_first(school: SchoolInfo) -> date:
    """The first day of the month to come, where the school is."""
    return next_month(this_month(school.time_zone))
