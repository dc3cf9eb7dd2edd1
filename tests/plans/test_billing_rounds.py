"""All schools are billed by the monthly round or by command, each once."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from apps.tenants.models import Subscription
from apps.tenants.services.plans import rounds
from apps.tenants.services.plans.subscriptions import change_plan
from kernel.errors import Conflict
from kernel.schools import in_public
from tests.plans.billing import OP, bill, last_month, running_month
from tests.plans.test_metering import run


def test_the_monthly_round_bills_the_month_before(subscribed: Any) -> None:
    month = f"{last_month():%Y-%m}"

    assert rounds.monthly(schema_name=subscribed.schema_name, month=month) is True
    assert rounds.monthly(schema_name=subscribed.schema_name, month=month) is False


def test_the_command_bills_all_schools(subscribed: Any) -> None:
    month = f"{last_month():%Y-%m}"

    dry = run("bill_schools", "--month", month, "--dry-run").splitlines()
    real = json.loads(run("bill_schools", "--month", month, "--json"))
    again = run("bill_schools", "--month", month).splitlines()

    assert dry[0].split() == ["lincoln", "$30.00", "would", "be", "billed"]
    assert dry[1].split(maxsplit=1) == ["sanmartin", "no plan"]
    assert dry[2].split() == ["in", "all", "$30.00"]
    assert [(row["school"], row["outcome"]) for row in real] == [
        ("lincoln", "billed"),
        ("sanmartin", "no_plan"),
    ]
    assert again[0].split(maxsplit=2)[2] == f"has invoice {real[0]['number']}"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--month", "soon"], "is not a month"),
        (["--month", "2999-01"], "^2999-01 is not over yet.$"),
        (["--school", "nowhere"], "nowhere"),
        (["--again"], "needs --school"),
    ],
)
def test_bad_input_of_the_command_is_code_2(subscribed: Any, args: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says) as refused:
        run("bill_schools", *args)

    assert refused.value.returncode == 2


def test_the_running_month_is_not_billed(subscribed: Any) -> None:
    with pytest.raises(CommandError, match="not over") as refused:
        run("bill_schools", "--month", f"{running_month():%Y-%m}", "--school", "lincoln")

    assert refused.value.returncode == 2


def test_what_is_in_the_way_of_several_schools_is_told_apart(
    subscribed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_values: Any) -> None:
        raise Conflict("It is closed.")

    monkeypatch.setattr("apps.tenants.management.commands.bill_schools.bill_school", refuse)

    with pytest.raises(CommandError) as refused:
        run("bill_schools")

    told = "Not billed: lincoln: It is closed; sanmartin: It is closed"
    assert (str(refused.value), refused.value.returncode) == (told, 1)


@pytest.mark.django_db(transaction=True)
def test_two_billings_at_once_issue_one_invoice(committed_school: Any) -> None:
    change_plan(school_id=1, code="basic", actor=OP)
    with in_public():
        Subscription.objects.update(starts_on=last_month())
    together, outcomes = threading.Barrier(2), []

    def work() -> None:
        together.wait(timeout=10)
        try:
            outcomes.append(bill(committed_school).outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _turn in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(outcomes) == ["already", "billed"]
