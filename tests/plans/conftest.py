from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from apps.tenants.models import Plan, Subscription
from apps.tenants.services.plans.catalogue import Allowance, publish_plan
from kernel.schools import in_public

MakePlan = Callable[..., Plan]
Subscribe = Callable[..., Subscription]
LONG_AGO = date(2026, 1, 1)


@pytest.fixture
def make_plan(db: None) -> MakePlan:
    """make_plan("basic", students=Allowance(…)): a plan that is sold from now on."""

    def make(code: str = "test", *, currency: str = "USD", **values: Any) -> Plan:
        meters = ("students", "storage_bytes", "messages")
        allowances = {name: values.pop(name) for name in meters if name in values}
        values = {"name": code.title(), "price_minor": 3000, "trial_days": 0, **values}
        values.setdefault("active_from", LONG_AGO)
        return publish_plan(
            code=code, currency=currency, allowances=allowances, actor="op@example.org", **values
        )

    return make


@pytest.fixture
def subscribe(make_plan: MakePlan) -> Subscribe:
    """subscribe(school, plan or students limit): the school has that plan since January."""

    def put(school: Any, plan: Plan | int, **values: Any) -> Subscription:
        if isinstance(plan, int):
            plan = make_plan(students=Allowance(included=plan, limit=plan))
        with in_public():
            return Subscription.objects.create(
                **{"school_id": school.id, "plan": plan, "starts_on": LONG_AGO, **values}
            )

    return put


@pytest.fixture
def subscribed(school: Any, make_plan: MakePlan, subscribe: Subscribe) -> Any:
    """Lincoln, on a plan of 30.00 a month with no student included, each one 1.00."""
    allowance = Allowance(included=0, limit=None, extra_unit=1, extra_price_minor=100)
    subscribe(school, make_plan(students=allowance, payment_fee_bp=100))
    return school
