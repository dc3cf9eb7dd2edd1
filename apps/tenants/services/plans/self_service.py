"""A school changes its own plan, after a look at what that means.

A dearer plan begins today; a cheaper one on the first of the next month, and only if the school
fits into it. Plans of another currency, and free choice of the day, are the operator's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import Plan, Subscription
from apps.tenants.selectors import get_school
from apps.tenants.services.plans.catalogue import offered_plan, offered_plans
from apps.tenants.services.plans.charges import ChargedLine, Stay, month_lines
from apps.tenants.services.plans.meters import LIMITED, METERS, amount_text, read_meter
from apps.tenants.services.plans.months import month_of, today_in
from apps.tenants.services.plans.subscriptions import (
    change_plan,
    current_subscription,
    next_months_first,
    stays_of,
    terms_of,
)
from kernel.errors import Conflict
from kernel.schools import in_school

UPGRADE, DOWNGRADE, SAME = "upgrade", "downgrade", "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What choosing `plan` would do. Amounts in minor units of `currency`; `problems` says what
    of the school does not fit, in the reader's language."""

    plan: Plan
    direction: str
    begins_on: date
    currency: str
    month_before_minor: int
    month_after_minor: int
    price_before_minor: int
    price_after_minor: int
    problems: tuple[str, ...]

    @property
    def difference_minor(self) -> int:
        """How much more (or less, below zero) this month's bill will be for the plan."""
        return self.month_after_minor - self.month_before_minor

    @property
    def can_be_chosen(self) -> bool:
        return self.direction != SAME and not self.problems


def choices(*, school_id: int) -> list[Plan]:
    """The plans the school may choose from: sold now, in the currency it is billed in."""
    school = get_school(school_id=school_id)
    mine = current_subscription(school_id=school_id, on=today_in(school.time_zone))
    return offered_plans(currency=mine.plan.currency) if mine else []


def preview_change(*, school_id: int, code: str) -> Preview:
    """What the change would do, without doing it. Raises NotFound for an unknown plan, Conflict
    for a school without a plan: that is the operator's."""
    school = get_school(school_id=school_id)
    mine = _mine(school)
    plan = offered_plan(code=code, currency=mine.plan.currency)
    direction = _direction(mine, plan)
    today = today_in(school.time_zone)
    begins = next_months_first(school) if direction == DOWNGRADE else today
    month = month_of(today)
    stays = stays_of(school_id=school_id)
    return Preview(
        plan=plan,
        direction=direction,
        begins_on=begins,
        currency=plan.currency,
        month_before_minor=_plan_sum(school, stays, month),
        month_after_minor=_plan_sum(school, _changed(stays, mine, plan, begins), month),
        price_before_minor=mine.plan.price_minor,
        price_after_minor=plan.price_minor,
        problems=tuple(_misfits(school, plan, month)),
    )


def _mine(school: SchoolInfo) -> Subscription:
    mine = current_subscription(school_id=school.id, on=today_in(school.time_zone))
    if mine is None:
        raise Conflict(_("Your school has no plan yet. Please write to your operator."))
    return mine


def _direction(mine: Subscription, plan: Plan) -> str:
    if plan.id == mine.plan_id:
        return SAME
    # At the same price (a newer version, say) nobody loses by the change happening at once.
    return DOWNGRADE if plan.price_minor < mine.plan.price_minor else UPGRADE


def _changed(stays: list[Stay], mine: Subscription, plan: Plan, begins: date) -> list[Stay]:
    trial = mine.trial_until if mine.trial_until and mine.trial_until > begins else None
    kept = [stay for stay in stays if stay.starts_on < begins]
    cut = [
        replace(stay, ends_on=begins) if stay.ends_on is None or stay.ends_on > begins else stay
        for stay in kept
    ]
    return [*cut, Stay(terms=terms_of(plan), starts_on=begins, trial_until=trial)]


def _plan_sum(school: SchoolInfo, stays: list[Stay], month: date) -> int:
    """What the plans alone cost in this month."""
    lines: list[ChargedLine] = month_lines(
        stays=stays, month=month, used={}, school_currency=school.currency
    )
    return sum(line.amount_minor for line in lines if line.code == "plan")


def _misfits(school: SchoolInfo, plan: Plan, month: date) -> list[str]:
    """What the school has now that the plan does not allow."""
    allowances = terms_of(plan).allowances
    problems = []
    with in_school(school.schema_name):
        for meter in LIMITED:
            limit = allowances[meter].limit if meter in allowances else None
            # What was sent this month is no reason: next month counts from zero.
            if limit is None or METERS[meter].flow:
                continue
            value = read_meter(meter, month)
            if value > limit:
                problems.append(_misfit(meter, value, limit))
    return problems


def _misfit(meter: str, value: int, limit: int) -> str:
    facts = {
        "meter": METERS[meter].label,
        "value": amount_text(meter, value),
        "limit": amount_text(meter, limit),
    }
    return _("%(meter)s: the school has %(value)s, this plan allows %(limit)s.") % facts


def choose_plan(*, school_id: int, code: str, actor: str) -> Preview:
    """Do what `preview_change` shows. Raises Conflict when nothing would change or the school
    does not fit, and what `preview_change` raises."""
    preview = preview_change(school_id=school_id, code=code)
    if preview.direction == SAME:
        raise Conflict(_("Your school has this plan already."))
    if preview.problems:
        raise Conflict(" ".join(preview.problems))
    change_plan(
        school_id=school_id,
        code=code,
        currency=preview.currency,
        starts_on=preview.begins_on,
        actor=actor,
    )
    return preview
