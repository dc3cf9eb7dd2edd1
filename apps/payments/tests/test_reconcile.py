"""Whole runs against the sandbox gateway: each fault is planted in its books or in ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.payments import demo, models
from apps.payments import facade as payments
from apps.payments.models import Discrepancy
from apps.payments.services import mismatches
from apps.payments.services.reconcile import compare
from apps.payments.tests.factories import LineFactory, counter, start


def test_healthy_books(books):
    payment_id = books.paid()
    books.paid(700)
    books.refund(payment_id)
    payments.record_offline_payment(**counter())
    start()

    run = books.run()

    assert (run.state, run.transactions, run.payments, run.found) == ("done", 3, 2, 0)
    assert run.figures == {"USD": {"charged": 25700, "refunded": -1000, "fees": -805, "net": 23895}}
    assert books.open() == []


def test_a_day_with_no_activity(books):
    run = books.run()

    assert (run.state, run.transactions, run.payments, run.found) == ("done", 0, 0, 0)
    assert run.figures == {}


def test_money_we_had_not_heard_of_is_booked_by_the_run_itself(books, heard):
    payment_id = books.paid(heard=False)

    run = books.run()

    assert (run.found, books.open()) == (0, [])
    assert payments.get_payment(payment_id).status == "captured"
    assert len(heard("payments.payment_captured")) == 1


def test_money_that_cannot_be_booked_is_told(books):
    """The page does not know of it (another payment was put on it by hand)."""
    payment_id = books.paid(heard=False)
    charge = books.charge(payment_id)
    session = books.store.all(books.key, "session")[0]
    books.change("session", session, payment_intent=None, status="expired")

    books.run()

    assert books.open() == [(compare.PAID_AT_GATEWAY_NOT_LOCAL, charge["id"])]
    [row] = Discrepancy.objects.all()
    assert (row.payment_id, row.theirs_minor, row.ours_minor) == (payment_id, 25000, 25000)


def test_paid_here_and_not_in_their_books(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    books.remove_lines(charge["id"])

    books.run()

    assert books.open() == [(compare.LOCAL_PAID_MISSING_AT_GATEWAY, charge["id"])]


def test_a_page_that_the_gateway_has_forgotten_is_a_finding_and_no_failure(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    books.remove_lines(charge["id"])
    books.store.remove(books.key, models.Payment.objects.get().session_id)

    run = books.run()

    assert run.state == "done"
    assert books.open() == [(compare.LOCAL_PAID_MISSING_AT_GATEWAY, charge["id"])]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"amount": 24999, "amount_captured": 24999}, compare.AMOUNT_MISMATCH),
        ({"currency": "eur"}, compare.CURRENCY_MISMATCH),
    ],
)
def test_another_sum_or_currency(books, changes, kind):
    charge = books.charge(books.paid())
    books.change("charge", charge, **changes)

    books.run()

    assert books.open() == [(kind, charge["id"])]
    [row] = Discrepancy.objects.all()
    assert (row.ours_minor, row.ours_currency) == (25000, "USD")
    assert (row.theirs_minor, row.theirs_currency) == (
        changes.get("amount", 25000),
        changes.get("currency", "usd").upper(),
    )


def test_more_than_was_asked_for_waits_for_a_person_and_then_is_gone(books):
    books.gateway.behaviour.capture_difference = 5
    payment_id = books.paid()
    books.run()
    charge = books.charge(payment_id)
    assert books.open() == [(compare.AMOUNT_MISMATCH, charge["id"])]

    books.gateway.create_refund(books.key, {"charge": charge["id"]})
    mismatches.resolve(
        payment_id=payment_id,
        capture_id=charge["id"],
        decision="close",
        why="Refunded in the dashboard",
        actor="bursar",
    )
    books.run()

    assert books.open() == []
    assert Discrepancy.objects.get().state == Discrepancy.RESOLVED


def test_a_settlement_in_another_currency_is_no_mismatch(books):
    books.gateway.behaviour.settlement = ("eur", 0.9)
    books.refund(books.paid())

    run = books.run()

    assert (run.found, set(run.figures)) == (0, {"EUR"})


def test_a_charge_that_the_bank_takes_back(books):
    charge = books.charge(books.paid())
    books.gateway.move(books.key, charge, -25000, kind="charge_failure")

    books.run()

    assert books.open() == [(compare.STATUS_MISMATCH, charge["id"])]


def test_a_second_capture_of_the_same_payment(books):
    charge = books.charge(books.paid())
    again = charge | {"id": "ch_again"}
    books.store.put(books.key, "charge", again)
    books.gateway.move(books.key, again, 25000, kind="charge")

    books.run()

    assert books.open() == [(compare.SECOND_CAPTURE, "ch_again")]


def test_a_charge_that_is_none_of_ours(books):
    charge = books.charge(books.paid())
    shop = charge | {"id": "ch_shop", "metadata": {}, "payment_intent": "pi_shop"}
    books.store.put(books.key, "charge", shop)
    books.gateway.move(books.key, shop, 900, kind="charge")

    books.run()

    assert books.open() == [(compare.UNKNOWN_AT_LOCAL, "ch_shop")]


def test_the_same_charge_twice_in_their_books(books):
    charge = books.charge(books.paid())
    books.gateway.move(books.key, charge, 25000, kind="charge")

    books.run()

    assert books.open() == [(compare.DUPLICATE_ROW, charge["id"])]


def test_demonstration_payments_are_known_to_no_gateway(books):
    demo.demo_card_payment(
        payer_id=models.uuid7(),
        payer_name="Mina",
        payer_email="",
        lines=[LineFactory()],
        currency="USD",
        paid_at=timezone.now() - timedelta(hours=1),
    )

    assert books.run().found == 0


def test_a_payment_whose_payer_was_erased_is_still_ours(books):
    books.paid()
    models.Payment.objects.update(request={}, payer_email="")

    run = books.run()

    assert (run.payments, run.found) == (1, 0)


def test_another_accounts_payments_are_left_alone(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    other = models.GatewayAccount.objects.create(
        provider="stripe", mode="sandbox", label="Trips", secret_key="sk_test_" + "o" * 32
    )
    models.Payment.objects.update(account=other)

    books.run()

    assert books.open() == [(compare.UNKNOWN_AT_LOCAL, charge["id"])]
