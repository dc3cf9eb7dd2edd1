"""Limits, gently: a notice at 80 %, another at 100 %, some room beyond, and only then a refusal.

What can be refused is what adds to the meter: a new student, a file, a mailing. Reading, signing
in, paying and refunding never ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import facade as events
from apps.tenants.events import LimitReached
from apps.tenants.hosts import forget_hosts
from apps.tenants.models import LimitNotice
from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.meters import LIMITED, METERS, amount_text, read_meter
from apps.tenants.services.plans.months import month_of, today_in
from apps.tenants.services.plans.subscriptions import current_subscription, terms_of
from apps.tenants.services.status import stream_id
from kernel.errors import Conflict
from kernel.schools import current_school, in_public

LEVELS = (80, 100)
# A notice is taken back this many percent below its level, so that it does not come and go.
CALM = 5


class PlanLimitPassed(Conflict):
    """The school has used up what its plan allows, and the room beyond it."""

    code = "plan_limit_passed"


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    allowances: dict[str, Allowance]
    today: date


def check_limit(meter: str, *, adding: int = 1) -> None:
    """Whether the open school may add this much (students, bytes, messages).

    Call it inside the transaction that adds, before the rows are written: until that transaction
    ends no other one of this school gets past here, so two imports at once cannot both take the
    last places. A school without a plan, or with an unlimited one, costs one query. Raises
    PlanLimitPassed with what to do; leaves a notice where a level is reached.
    """
    plan = _plan_of_school()
    limit = plan.allowances[meter].limit if plan and meter in plan.allowances else None
    if plan is None or limit is None or adding <= 0:
        return
    with transaction.atomic():
        _take_turn(meter)
        value = read_meter(meter, month_of(plan.today))
        if value + adding > _ceiling(meter, limit):
            raise _refusal(plan, meter, limit, value, adding)
        _raise_notices(plan, meter, limit, value + adding)


def _plan_of_school() -> _Plan | None:
    school = current_school()
    today = today_in(school.time_zone)
    found = current_subscription(school_id=school.id, on=today)
    if found is None:
        return None
    return _Plan(found.plan.name, dict(terms_of(found.plan).allowances), today)


def _take_turn(meter: str) -> None:
    key = f"tenants.limit:{current_school().schema_name}:{meter}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def with_grace(limit: int) -> int:
    """The limit and the room beyond it."""
    return limit + limit * settings.PLAN_GRACE_PERCENT // 100


def _ceiling(meter: str, limit: int) -> int:
    """The limit with its grace, or the bare limit once that grace has lasted long enough."""
    reached_at = _reached_at(meter)
    if reached_at and reached_at < timezone.now() - timedelta(days=settings.PLAN_GRACE_DAYS):
        return limit
    return with_grace(limit)


def _reached_at(meter: str) -> datetime | None:
    school_id = current_school().id
    with in_public():
        full = LimitNotice.objects.filter(school_id=school_id, meter=meter, level=100)
        return full.filter(cleared_at__isnull=True).values_list("raised_at", flat=True).first()


def _refusal(plan: _Plan, meter: str, limit: int, value: int, adding: int) -> PlanLimitPassed:
    facts = {
        "plan": plan.name,
        "limit": amount_text(meter, limit),
        "after": amount_text(meter, value + adding),
    }
    message = _(
        "The school's plan “%(plan)s” allows %(limit)s; this would make it %(after)s. "
        "An administrator can choose a larger plan under “Plan and usage”. "
        "Nothing that is there is lost or closed."
    )
    return PlanLimitPassed(message % facts)


def _raise_notices(plan: _Plan, meter: str, limit: int, value: int) -> None:
    """A notice and a piece of news for each level that is reached for the first time."""
    school_id = current_school().id
    for level in LEVELS:
        if (
            value * 100 >= limit * level
            and limit
            and _is_new(school_id, meter, level, value, limit)
        ):
            event = LimitReached(
                school_id=school_id,
                meter=meter,
                level=level,
                value=value,
                limit=limit,
                plan_name=plan.name,
            )
            events.publish(event, stream_type="school", stream_id=stream_id(school_id))
            forget_hosts()


def _is_new(school_id: int, meter: str, level: int, value: int, limit: int) -> bool:
    with in_public():
        _row, created = LimitNotice.objects.get_or_create(
            school_id=school_id,
            meter=meter,
            level=level,
            cleared_at=None,
            defaults={"value": value, "limit": limit},
        )
    return created


def review_limits() -> list[str]:
    """After a measurement: raise what is due and take back what is over, in the open school.

    Returns the meters that stand at or above their first level.
    """
    plan = _plan_of_school()
    noticed = []
    for meter in LIMITED:
        limit = plan.allowances[meter].limit if plan and meter in plan.allowances else None
        with transaction.atomic():
            if plan is None or limit is None:
                _clear(meter, keep_below=0)
                continue
            value = read_meter(meter, month_of(plan.today))
            _raise_notices(plan, meter, limit, value)
            _clear(meter, keep_below=value * 100 // limit if limit else 0)
            if value * 100 >= limit * LEVELS[0]:
                noticed.append(meter)
    return noticed


def _clear(meter: str, *, keep_below: int) -> None:
    """Close the notices whose level lies more than CALM percent above `keep_below`."""
    school_id = current_school().id
    with in_public():
        over = LimitNotice.objects.filter(
            school_id=school_id, meter=meter, level__gt=keep_below + CALM, cleared_at__isnull=True
        )
        if over.update(cleared_at=timezone.now()):
            forget_hosts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An open notice in the reader's language."""

    meter: str
    level: int
    text: str


def open_notices(*, school_id: int) -> list[Notice]:
    """What the school's administrators should know now, the highest level of each meter."""
    return [_notice(row) for row in _highest(school_id)]


def notices_at_hand(school: Any) -> list[Notice]:
    """The same for every page of the portal: read once for each School that the host map holds,
    and a change of notices empties that map in every process."""
    if not hasattr(school, "limit_notices"):
        school.limit_notices = _highest(school.id)
    return [_notice(row) for row in school.limit_notices]


def _highest(school_id: int) -> list[LimitNotice]:
    with in_public():
        rows = LimitNotice.objects.filter(school_id=school_id, cleared_at__isnull=True)
        return list({row.meter: row for row in rows.order_by("level")}.values())


def _notice(row: LimitNotice) -> Notice:
    return Notice(meter=row.meter, level=row.level, text=_notice_text(row))


def _notice_text(row: LimitNotice) -> str:
    facts = {
        "meter": METERS[row.meter].label,
        "level": row.level,
        "limit": amount_text(row.meter, row.limit),
    }
    if row.level >= LEVELS[-1]:
        return _("%(meter)s: the plan's limit of %(limit)s is reached.") % facts
    return _("%(meter)s: more than %(level)d %% of the plan's limit of %(limit)s is used.") % facts
