"""What a month costs: integers only, no database.

A monthly price is spread over the days of the month so that each day carries the price's share
of the days up to its end, less what the days before carry: day k of D costs
floor(price * (k + 1) / D) - floor(price * k / D). It follows that
- the whole month costs exactly the price, however many plan changes cut it up,
- a part of the month is never further than one minor unit from its exact share,
- the remainder goes to whole days, evenly, as by largest remainders.

What goes beyond a plan's allowances, and the fee on payments, are judged by the plan of the last
day (so that an upgrade before the month's end helps at once) and spread over the same days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.meters import VOLUME
from apps.tenants.services.plans.months import days_in, next_month


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan version costs; amounts in minor units of its currency."""

    name: str
    currency: str
    price_minor: int
    payment_fee_bp: int = 0
    allowances: Mapping[str, Allowance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Days on one plan: from `starts_on` to the day before `ends_on` (None: goes on). Nothing is
    charged before `trial_until`."""

    terms: Terms
    starts_on: date
    ends_on: date | None = None
    trial_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedLine:
    """One line of an invoice; `detail` holds the inputs, so that it can be explained later."""

    code: str
    amount_minor: int
    detail: dict[str, int | str]


def share(amount: int, *, days: int, start: int, end: int) -> int:
    """What days `start` to `end` (exclusive, counted from 0) carry of a monthly `amount`."""
    return amount * end // days - amount * start // days


def charged_span(stay: Stay, month: date) -> tuple[int, int]:
    """The days of the month that this stay is charged for, as (first, after the last), counted
    from 0. Empty spans are (0, 0)."""
    first = max(stay.starts_on, stay.trial_until or stay.starts_on, month)
    after = min(stay.ends_on or next_month(month), next_month(month))
    if first >= after:
        return (0, 0)
    return ((first - month).days, (after - month).days)


def month_lines(
    *, stays: Sequence[Stay], month: date, used: Mapping[str, int], school_currency: str
) -> list[ChargedLine]:
    """The lines of one month, in the currency of the plan of its last day; those of zero are
    left out. Stays in another currency are not charged: no rate would be right."""
    present = [stay for stay in stays if _touches(stay, month)]
    if not present:
        return []
    last = max(present, key=lambda stay: stay.starts_on).terms
    charged = [stay for stay in present if stay.terms.currency == last.currency]
    spans = [span for stay in charged if (span := charged_span(stay, month)) != (0, 0)]
    lines = [_plan_line(stay, month) for stay in charged]
    lines += [
        _extra_line(last, meter, used.get(meter, 0), spans, month) for meter in last.allowances
    ]
    if last.currency == school_currency:
        lines.append(_fee_line(last, used.get(VOLUME, 0), spans, month))
    return [line for line in lines if line.amount_minor]


def _touches(stay: Stay, month: date) -> bool:
    return stay.starts_on < next_month(month) and (stay.ends_on is None or stay.ends_on > month)


def _plan_line(stay: Stay, month: date) -> ChargedLine:
    start, end = charged_span(stay, month)
    detail: dict[str, int | str] = {
        "plan": stay.terms.name,
        "price_minor": stay.terms.price_minor,
        "days": end - start,
        "of": days_in(month),
        "first": (month + timedelta(days=start)).isoformat(),
        "last": (month + timedelta(days=max(end - 1, 0))).isoformat(),
    }
    amount = share(stay.terms.price_minor, days=days_in(month), start=start, end=end)
    return ChargedLine(code="plan", amount_minor=amount, detail=detail)


def extra_units(allowance: Allowance, used: int) -> int:
    """The started units above what is included."""
    above = max(used - allowance.included, 0)
    return -(-above // allowance.extra_unit)


def _extra_line(
    terms: Terms, meter: str, used: int, spans: Sequence[tuple[int, int]], month: date
) -> ChargedLine:
    allowance = terms.allowances[meter]
    units = extra_units(allowance, used)
    detail: dict[str, int | str] = {
        "used": used,
        "included": allowance.included,
        "units": units,
        "unit": allowance.extra_unit,
        "unit_price_minor": allowance.extra_price_minor,
        **_days(spans, month),
    }
    amount = _spread(units * allowance.extra_price_minor, spans, month)
    return ChargedLine(code=meter, amount_minor=amount, detail=detail)


def _fee_line(
    terms: Terms, volume: int, spans: Sequence[tuple[int, int]], month: date
) -> ChargedLine:
    # Half a minor unit is rounded up.
    fee = (volume * terms.payment_fee_bp + 5_000) // 10_000
    detail: dict[str, int | str] = {
        "volume_minor": volume,
        "basis_points": terms.payment_fee_bp,
        **_days(spans, month),
    }
    return ChargedLine(code=VOLUME, amount_minor=_spread(fee, spans, month), detail=detail)


def _spread(amount: int, spans: Sequence[tuple[int, int]], month: date) -> int:
    days = days_in(month)
    return sum(share(amount, days=days, start=start, end=end) for start, end in spans)


def _days(spans: Sequence[tuple[int, int]], month: date) -> dict[str, int | str]:
    return {"days": sum(end - start for start, end in spans), "of": days_in(month)}
