"""Whole runs against PayPal's twin: the same comparison over another gateway's books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import requests
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import Discrepancy
from apps.payments.services.reconcile import compare, running, schedule, windows
from apps.payments.tests.factories import LineFactory, start


@pytest.fixture
def compared(paypal):
    def run():
        span = windows.until_now(timezone.now())
        return running.perform(schedule.run_for(paypal, span).pk)

    return run


def paid(sandbox, amount_minor=25000, action="pay"):
    started = start(lines=[LineFactory(amount_minor=amount_minor)])
    sandbox.press(started, action)
    payments.sync(started.payment_id)
    return started.payment_id


def found():
    return [(row.kind, row.payment_id) for row in Discrepancy.objects.filter(state="open")]


def forget_lines(sandbox):
    sandbox.app.store.rows("DELETE FROM object WHERE kind = 'paypal.report'")


def test_healthy_books(compared, sandbox):
    payment_id = paid(sandbox)
    payments.request_refund(
        payment_id=payment_id, amount_minor=700, reason="x", actor="b", idempotency_key="r1"
    )
    start()

    run = compared()

    assert (run.state, run.error, found()) == ("done", "", [])
    assert (run.transactions, run.payments) == (2, 1)


def test_a_payment_that_is_pending_is_not_judged(compared, sandbox):
    paid(sandbox, action="later")

    assert (compared().state, found()) == ("done", [])


def test_books_that_are_late_are_waited_for_three_hours(compared, sandbox):
    payment_id = paid(sandbox)
    forget_lines(sandbox)
    assert (compared().state, found()) == ("done", [])

    before = timezone.now() - timedelta(hours=4)
    models.Payment.objects.update(captured_at=before)
    compared()

    assert found() == [(compare.LOCAL_PAID_MISSING_AT_GATEWAY, payment_id)]


def test_a_dispute_that_was_imported_is_known_by_its_capture(compared, sandbox):
    """The books give the money that went back a number of its own."""
    payment_id = paid(sandbox)
    capture = models.Payment.objects.get().capture_id
    opened = control(sandbox, "dispute", capture=capture)
    control(sandbox, "close_dispute", dispute=opened["id"], outcome="lost")
    payments.sync(payment_id)

    assert (compared().state, found()) == ("done", [])
    assert models.Dispute.objects.get().payment_id == payment_id


@pytest.fixture
def withdraw(sandbox):
    """A line of PayPal's report about the money of a chargeback, whichever way it goes."""

    def write(capture_id, code, value):
        gateway = sandbox.app.gateway.paypal
        account = gateway.owner("capture", capture_id)
        with sandbox.app.store.work():
            subject = {"id": f"CB{code}{value}"}
            gateway.report(account, subject, code, Decimal(value), "USD", related=capture_id)

    return write


def test_a_chargeback_that_nobody_told_of_is_imported_by_the_run_itself(compared, sandbox):
    payment_id = paid(sandbox)
    opened = control(sandbox, "dispute", capture=models.Payment.objects.get().capture_id)
    control(sandbox, "close_dispute", dispute=opened["id"], outcome="lost")

    assert (compared().state, found()) == ("done", [])

    assert payments.get_payment(payment_id).lost_minor == 25000


def test_a_chargeback_without_a_dispute_is_shown_with_its_payment(compared, sandbox, withdraw):
    payment_id = paid(sandbox)
    withdraw(models.Payment.objects.get().capture_id, "T1201", "-250.00")

    compared()

    assert found() == [(compare.UNKNOWN_DISPUTE, payment_id)]
    row = Discrepancy.objects.get()
    assert (row.object_id, row.theirs_minor, row.theirs_currency) == (
        "CBT1201-250.00",
        25000,
        "USD",
    )


@pytest.mark.parametrize("code", ["T1201", "T1202"])
def test_money_that_comes_back_is_no_chargeback(compared, sandbox, withdraw, code):
    """PayPal's codes do not say which way the money goes: the sign does."""
    paid(sandbox)
    withdraw(models.Payment.objects.get().capture_id, code, "250.00")

    assert (compared().state, found()) == ("done", [])


def test_a_chargeback_of_a_dispute_that_was_won_has_to_come_back(compared, sandbox, withdraw):
    payment_id = paid(sandbox)
    capture = models.Payment.objects.get().capture_id
    opened = control(sandbox, "dispute", capture=capture)
    control(sandbox, "close_dispute", dispute=opened["id"], outcome="won")
    payments.sync(payment_id)
    withdraw(capture, "T1201", "-250.00")
    compared()
    assert found() == [(compare.UNKNOWN_DISPUTE, payment_id)]

    withdraw(capture, "T1202", "250.00")
    compared()

    assert found() == []


def control(sandbox, name, **wanted):
    answer = requests.post(f"{sandbox.url}/_control/paypal/{name}", json=wanted, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_report_that_cannot_be_had_concludes_nothing(compared, sandbox):
    paid(sandbox)
    sandbox.app.faults.fail["transactions"] = [500] * 3

    assert (compared().state, found()) == ("failed", [])
