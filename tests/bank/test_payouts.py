"""Payouts of a gateway are found on the statement by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.payments import models
from apps.payments.models import LineTie, Payout, StatementLine
from apps.payments.services.accounts import create_sandbox_account
from apps.payments.services.bank import matching
from kernel.schools import today
from tests.bank.lines import (
    imported,
    line,
    row,
    text,
)


def payout(net=19245, *, days=0, descriptor="HOMEROOM SANDBOX", number="po_1"):
    account = models.GatewayAccount.objects.get(pk=create_sandbox_account().id)
    return Payout.objects.create(
        account=account,
        payout_id=number,
        status="paid",
        currency="USD",
        net_minor=net,
        descriptor=descriptor,
        arrives_on=today() + timedelta(days=days),
        made_at=timezone.now(),
    )


def test_a_payout_is_found_by_itself(bursar, school):
    made = payout()

    imported(row("192.45", text="STRIPE TRANSFER"))

    assert line().state == "matched"
    assert LineTie.objects.get().payout_id == made.pk
    assert "Found" in text(bursar.get("/portal/payments/payouts/"))
    assert "STRIPE TRANSFER" in text(bursar.get(f"/portal/payments/payouts/{made.pk}/"))


@pytest.mark.parametrize(
    ("change", "days"), [({"net": 19244}, 0), ({"days": 3}, 0), ({"days": -8}, 0)]
)
def test_another_sum_or_another_time_is_no_payout(school, change, days):
    payout(**change)
    imported(row("192.45"))

    assert line().state == "open"


def test_of_two_that_fit_the_words_decide(school):
    payout(number="po_1", descriptor="FIRST")
    second = payout(number="po_2", descriptor="SECOND")

    imported(row("192.45", text="PAYMENT SECOND 77"))

    assert LineTie.objects.get().payout_id == second.pk


def test_of_two_that_fit_and_say_nothing_none_is_taken(school):
    payout(number="po_1")
    payout(number="po_2")
    imported(row("192.45", text="TRANSFER"))

    assert line().state == "open"


def test_two_lines_for_one_payout_wait_for_a_person(school):
    payout()
    imported(row("192.45", text="A"), row("192.45", text="B"))

    assert set(StatementLine.objects.values_list("state", flat=True)) == {"open"}


def test_a_payout_is_untied_and_tied_to_nothing_twice(school):
    payout()
    imported(row("192.45"))
    matching.undo(line().pk, actor="bursar")

    assert (line().state, LineTie.objects.get().undone_by) == ("open", "bursar")
    assert matching.tie_payouts() == 0, "parted by a person, and not put together again"


def test_a_payout_of_practice_is_no_money_of_a_school_that_takes_real_money(school):
    payout()
    account = models.GatewayAccount.objects.get()
    models.GatewayAccount.objects.create(provider=account.provider, label="Real", mode=models.LIVE)
    imported(row("192.45"))

    assert line().state == "open"
