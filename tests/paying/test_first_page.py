"""The portal's first page: what waits for a decision about payments, for those who may see it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.tests.factories import start
from apps.payments.tests.test_approvals import ask, set_limit
from apps.payments.tests.test_disputes import control, dispute
from kernel.templatetags import day


@pytest.fixture
def paid(account: Any, sandbox: Any) -> Any:
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def first_page(client: Any) -> str:
    page = strip_tags(client.get("/portal/").content.decode())
    return re.sub(r"\s+", " ", page)


def test_nothing_waits(client_for: Any) -> None:
    page = first_page(client_for("bursar"))
    assert "dispute" not in page
    assert "decision" not in page


def test_a_dispute_waits_with_its_deadline(paid: Any, sandbox: Any, client_for: Any) -> None:
    dispute(sandbox, paid, seconds=5 * 86400)
    payments.sync(paid)

    until = day(timezone.now() + timedelta(days=5))
    bursar = client_for("bursar")
    assert f"A payer’s bank disputes 1 payment. Answer until {until}." in first_page(bursar)
    assert "needs a decision" not in first_page(bursar)
    assert "disputes" not in first_page(client_for("teacher"))


def test_a_bank_that_only_asks_disputes_nothing(paid: Any, sandbox: Any, client_for: Any) -> None:
    dispute(sandbox, paid, inquiry=True, seconds=5 * 86400)
    payments.sync(paid)

    until = day(timezone.now() + timedelta(days=5))
    page = first_page(client_for("bursar"))
    assert f"A payer’s bank asks about 1 payment. Answer until {until}." in page
    assert "disputes" not in page


def test_money_given_back_in_the_dashboard_waits(paid: Any, sandbox: Any, client_for: Any) -> None:
    session = models.Payment.objects.get(pk=paid).session_id
    control(sandbox, "dashboard_refund", session=session, amount=1000)
    payments.sync(paid)
    assert "1 payment needs a decision." in first_page(client_for("bursar"))


def test_a_refund_above_the_limit_waits_for_a_second_person(paid: Any, client_for: Any) -> None:
    set_limit(1000)
    ask(paid, 5000)
    assert "1 refund waits for a second person." in first_page(client_for("bursar"))


def test_a_block_waits_until_it_is_decided(school: Any, client_for: Any) -> None:
    now = timezone.now()
    models.FraudHold.objects.create(kind="velocity", placed_at=now, until=now, seen={})
    assert "1 family or address is blocked after odd payments." in first_page(client_for("bursar"))


def test_a_list_of_payments_says_what_each_is_for(paid: Any, client_for: Any) -> None:
    bursar = client_for("bursar")
    [line] = payments.get_payment(paid).lines
    assert line.description in first_page(bursar)
    assert line.description in bursar.get("/portal/payments/").content.decode()
