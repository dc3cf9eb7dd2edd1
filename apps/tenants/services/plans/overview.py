"""A school's plan, use and costs on one page; the portal and the console show the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from apps.tenants.contracts import SchoolInfo
from apps.tenants.models import Plan, Subscription
from apps.tenants.services.plans.accounts import InvoiceLineInfo, describe_line
from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.charges import month_lines
from apps.tenants.services.plans.limits import LEVELS, Notice, open_notices
from apps.tenants.services.plans.meters import (
    LIMITED,
    METERS,
    STORAGE,
    VOLUME,
    amount_text,
    number_text,
)
from apps.tenants.services.plans.months import month_of, today_in
from apps.tenants.services.plans.subscriptions import (
    current_subscription,
    scheduled_change,
    stays_of,
    terms_of,
)
from kernel.money import format_money


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRow:
    """One meter with its bar. `maximum` 0: there is nothing to fill up."""

    name: str
    label: str
    value: int
    maximum: int
    text: str
    hint: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOverview:
    """What a school has and uses now. `expected`: this month's lines as they stand today."""

    school: SchoolInfo
    month: date
    subscription: Subscription | None
    scheduled: Subscription | None
    is_trial: bool
    limited: tuple[MeterRow, ...]
    others: tuple[MeterRow, ...]
    notices: tuple[Notice, ...]
    expected: tuple[InvoiceLineInfo, ...]
    expected_minor: int

    @property
    def plan(self) -> Plan | None:
        return self.subscription.plan if self.subscription else None


def overview_of(school: SchoolInfo, used: Mapping[str, int]) -> PlanOverview:
    """`used` are the meters of the running month, by name."""
    today = today_in(school.time_zone)
    mine = current_subscription(school_id=school.id, on=today)
    allowances = terms_of(mine.plan).allowances if mine else {}
    lines = month_lines(
        stays=stays_of(school_id=school.id),
        month=month_of(today),
        used=used,
        school_currency=school.currency,
    )
    currency = mine.plan.currency if mine else school.currency
    return PlanOverview(
        school=school,
        month=month_of(today),
        subscription=mine,
        scheduled=scheduled_change(school_id=school.id, on=today),
        is_trial=bool(mine and mine.trial_until and mine.trial_until > today),
        limited=tuple(
            _row(name, used.get(name, 0), allowances.get(name), currency) for name in LIMITED
        ),
        others=tuple(
            _plain_row(school, name, used.get(name, 0)) for name in METERS if name not in LIMITED
        ),
        notices=tuple(open_notices(school_id=school.id)),
        expected=tuple(
            _explained(line.code, line.detail, line.amount_minor, currency) for line in lines
        ),
        expected_minor=sum(line.amount_minor for line in lines),
    )


def _explained(
    code: str, detail: Mapping[str, int | str], amount: int, currency: str
) -> InvoiceLineInfo:
    text, why = describe_line(code, dict(detail), currency)
    return InvoiceLineInfo(text=text, why=why, amount_minor=amount)


def _row(name: str, value: int, allowance: Allowance | None, currency: str) -> MeterRow:
    limit = allowance.limit if allowance else None
    top = limit if limit is not None else (allowance.included if allowance else 0)
    return MeterRow(
        name=name,
        label=str(METERS[name].label),
        value=min(value, top) if top else 0,
        maximum=top,
        text=_used_text(name, value, limit),
        hint=allowance_text(name, allowance, currency) if allowance else "",
        tone=_tone(value, limit),
    )


def _used_text(name: str, value: int, limit: int | None) -> str:
    if limit is None:
        return amount_text(name, value)
    # A size needs its own unit: "300 MB of 2 GB", but "17 of 20 students".
    used = amount_text(name, value) if name == STORAGE else number_text(value)
    facts = {"value": used, "limit": amount_text(name, limit)}
    return _("%(value)s of %(limit)s") % facts


def _tone(value: int, limit: int | None) -> str:
    if limit is None or value * 100 < limit * LEVELS[0]:
        return ""
    return "bad" if value >= limit else "warn"


def allowance_text(name: str, allowance: Allowance, currency: str) -> str:
    """ "250 students included, each further 10 students $2.00 a month, up to 500 students"."""
    parts = [_("%(amount)s included") % {"amount": amount_text(name, allowance.included)}]
    may_grow = allowance.limit is None or allowance.limit > allowance.included
    if may_grow and allowance.extra_price_minor:
        facts = {
            "unit": amount_text(name, allowance.extra_unit),
            "price": format_money(allowance.extra_price_minor, currency),
        }
        parts.append(_("each further %(unit)s %(price)s a month") % facts)
    if allowance.limit is None:
        parts.append(_("no upper limit"))
    elif may_grow:
        parts.append(_("up to %(limit)s") % {"limit": amount_text(name, allowance.limit)})
    return ", ".join(parts)


def _plain_row(school: SchoolInfo, name: str, value: int) -> MeterRow:
    text = format_money(value, school.currency) if name == VOLUME else amount_text(name, value)
    return MeterRow(
        name=name,
        label=str(METERS[name].label),
        value=value,
        maximum=0,
        text=text,
        hint="",
        tone="",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCard:
    """A plan as price lists show it."""

    plan: Plan
    features: tuple[str, ...]
    fee_text: str


def plan_card(plan: Plan) -> PlanCard:
    """The plan with its allowances in words. Its allowances must have been fetched."""
    terms = terms_of(plan)
    return PlanCard(
        plan=plan,
        features=tuple(
            allowance_text(name, terms.allowances[name], plan.currency)
            for name in LIMITED
            if name in terms.allowances
        ),
        fee_text=_fee_text(plan.payment_fee_bp),
    )


def _fee_text(basis_points: int) -> str:
    if not basis_points:
        return _("No fee on payments")
    whole, rest = divmod(basis_points, 100)
    percent = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return _("%(percent)s %% of online payments") % {"percent": percent}
