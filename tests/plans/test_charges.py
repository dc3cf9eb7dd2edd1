"""What a month costs, to the last minor unit."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tenants.services.plans.catalogue import Allowance
from apps.tenants.services.plans.charges import Stay, Terms, charged_span, month_lines, share
from apps.tenants.services.plans.months import days_in, month_before, month_of, next_month

NOVEMBER = date(2026, 11, 1)
BASIC = Terms(
    name="Basic",
    currency="USD",
    price_minor=3900,
    payment_fee_bp=25,
    allowances={
        "students": Allowance(included=250, limit=500, extra_unit=10, extra_price_minor=200)
    },
)
PLUS = Terms(name="Plus", currency="USD", price_minor=11900)
amounts = st.integers(min_value=0, max_value=10**9)
months = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31)).map(month_of)


def charge(stays: list[Stay], used: dict[str, int] | None = None, currency: str = "USD") -> dict:
    lines = month_lines(stays=stays, month=NOVEMBER, used=used or {}, school_currency=currency)
    return {(line.code, line.detail.get("plan", "")): line.amount_minor for line in lines}


@given(amount=amounts, month=months, cuts=st.lists(st.integers(0, 31), max_size=6))
def test_however_a_month_is_cut_up_its_parts_cost_what_the_month_costs(
    amount: int, month: date, cuts: list[int]
) -> None:
    days = days_in(month)
    points = sorted({0, days, *(cut for cut in cuts if cut <= days)})

    parts = [share(amount, days=days, start=start, end=end) for start, end in pairwise(points)]

    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)


@given(amount=amounts, month=months, start=st.integers(0, 31), length=st.integers(0, 31))
def test_a_part_is_within_one_minor_unit_of_its_exact_share(
    amount: int, month: date, start: int, length: int
) -> None:
    days = days_in(month)
    start = min(start, days)
    end = min(start + length, days)

    part = share(amount, days=days, start=start, end=end)

    assert abs(part * days - amount * (end - start)) < days


@given(
    month=months,
    starts=st.integers(-40, 40),
    length=st.integers(1, 80),
    trial=st.integers(-40, 60),
)
def test_the_charged_days_are_those_in_the_month_on_the_plan_and_after_the_trial(
    month: date, starts: int, length: int, trial: int
) -> None:
    begin = month + timedelta(days=starts)
    stay = Stay(
        terms=PLUS,
        starts_on=begin,
        ends_on=begin + timedelta(days=length),
        trial_until=month + timedelta(days=trial),
    )

    first, after = charged_span(stay, month)

    days = [month + timedelta(days=n) for n in range(days_in(month))]
    expected = [day for day in days if begin <= day < stay.ends_on and day >= stay.trial_until]
    assert days[first:after] == expected


@given(month=months)
def test_months_follow_each_other(month: date) -> None:
    assert month_before(next_month(month)) == month
    assert next_month(month_before(month)) == month


def test_a_whole_month_costs_the_price() -> None:
    assert charge([Stay(terms=BASIC, starts_on=date(2026, 1, 5))]) == {("plan", "Basic"): 3900}


def test_an_upgrade_in_the_month_charges_each_plan_for_its_days() -> None:
    stays = [
        Stay(terms=BASIC, starts_on=date(2026, 1, 5), ends_on=date(2026, 11, 11)),
        Stay(terms=PLUS, starts_on=date(2026, 11, 11)),
    ]

    # 10 of 30 days of 39.00, 20 of 30 days of 119.00 (7933.33…): the last days carry the rest
    assert charge(stays) == {("plan", "Basic"): 1300, ("plan", "Plus"): 7934}


def test_days_of_trial_are_free() -> None:
    stay = Stay(terms=BASIC, starts_on=date(2026, 10, 17), trial_until=date(2026, 11, 16))

    assert charge([stay]) == {("plan", "Basic"): 1950}
    still = Stay(terms=BASIC, starts_on=date(2026, 11, 5), trial_until=date(2026, 12, 5))
    assert charge([still], {"students": 400, "payments_volume": 10**6}) == {}


@pytest.mark.parametrize(
    ("students", "extra"), [(0, 0), (250, 0), (251, 200), (260, 200), (261, 400), (500, 5000)]
)
def test_each_started_unit_above_the_plan_is_charged(students: int, extra: int) -> None:
    lines = charge([Stay(terms=BASIC, starts_on=date(2026, 1, 5))], {"students": students})

    assert lines.get(("students", ""), 0) == extra


def test_what_is_beyond_is_judged_by_the_plan_of_the_last_day() -> None:
    stays = [
        Stay(terms=BASIC, starts_on=date(2026, 1, 5), ends_on=date(2026, 11, 30)),
        Stay(terms=PLUS, starts_on=date(2026, 11, 30)),
    ]

    lines = charge(stays, {"students": 400, "payments_volume": 10**6})

    assert set(lines) == {("plan", "Basic"), ("plan", "Plus")}


@pytest.mark.parametrize(
    ("volume", "fee"), [(0, 0), (199, 0), (200, 1), (10_000, 25), (10**9, 2_500_000)]
)
def test_the_fee_on_payments_is_rounded_half_up(volume: int, fee: int) -> None:
    lines = charge([Stay(terms=BASIC, starts_on=date(2026, 1, 5))], {"payments_volume": volume})

    assert lines.get(("payments_volume", ""), 0) == fee


def test_no_fee_is_taken_of_another_currency() -> None:
    lines = charge(
        [Stay(terms=BASIC, starts_on=date(2026, 1, 5))], {"payments_volume": 10**6}, currency="EUR"
    )

    assert lines == {("plan", "Basic"): 3900}


def test_a_plan_that_ended_before_costs_nothing() -> None:
    gone = Stay(terms=BASIC, starts_on=date(2026, 1, 5), ends_on=NOVEMBER)

    assert charge([gone]) == {}
