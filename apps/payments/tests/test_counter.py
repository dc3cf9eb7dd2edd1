"""Money at the counter, demonstration data, takings and reading."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.payments import demo, models
from apps.payments import facade as payments
from apps.payments.tests.factories import MINA, LineFactory, counter, start
from kernel.errors import Invalid
from kernel.schools import today


def test_cash_is_recorded_once(school, heard):
    wanted = counter()
    first = payments.record_offline_payment(**wanted)
    again = payments.record_offline_payment(**wanted)

    info = payments.get_payment(first)
    assert again == first
    assert (info.status, info.method, info.provider, info.test_mode) == (
        "captured",
        "cash",
        "offline",
        False,
    )
    assert len(heard("payments.payment_captured")) == 1
    with pytest.raises(payments.KeyReused):
        payments.record_offline_payment(**(wanted | {"method": "cheque"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "gold"},
        {"received_on": date(2999, 1, 1)},
        {"received_on": date(1, 1, 1)},
        {"received_on": date(202, 11, 29)},
    ],
)
def test_impossible_counter_payments_are_refused(school, changes):
    with pytest.raises(Invalid):
        payments.record_offline_payment(**counter(**changes))
    assert models.Payment.objects.count() == 0


def test_a_second_click_finds_other_lines_owed_and_records_nothing(school):
    wanted = counter()
    first = payments.record_offline_payment(**wanted)

    # The first click has paid the invoice, so the second one would be money in advance.
    again = payments.record_offline_payment(**wanted | {"lines": [LineFactory()]})

    assert again == first
    assert models.Payment.objects.count() == 1


def test_the_hosted_page_is_closed_when_cash_comes_first(account, sandbox):
    line = LineFactory()
    started = start(lines=[line])

    payments.record_offline_payment(**counter(lines=[line]))

    assert payments.get_payment(started.payment_id).status == "cancelled"
    assert "no longer open" in sandbox.press(started, "pay").text


def test_cash_is_refused_when_the_card_was_quicker(account, sandbox):
    line = LineFactory()
    started = start(lines=[line])
    sandbox.press(started, "pay")

    with pytest.raises(payments.AlreadyPaid):
        payments.record_offline_payment(**counter(lines=[line]))

    assert payments.get_payment(started.payment_id).status == "captured"
    assert models.Payment.objects.filter(provider="offline").count() == 0


def test_history_is_recorded_with_its_own_dates(school, heard):
    paid_at = datetime(2026, 2, 3, 17, 30, tzinfo=UTC)
    entries = [
        demo.HistoricPayment(
            payer_id=MINA,
            payer_name="Mina Park",
            payer_email="mina@example.org",
            lines=(LineFactory(),),
            currency="USD",
            method=method,
            paid_at=paid_at,
        )
        for method in ("card", "cash")
    ]

    card, cash = demo.record_history(payments=entries)
    refund = demo.demo_refund(
        payment_id=card,
        amount_minor=500,
        reason="Trip",
        actor="demo",
        at=paid_at + timedelta(days=3),
    )

    assert payments.get_payment(card).captured_at == paid_at
    assert payments.get_payment(card).test_mode is True
    assert payments.get_payment(cash).captured_at.date() == date(2026, 2, 3)
    assert refund.status == "succeeded"
    assert refund.completed_at == paid_at + timedelta(days=3)
    assert payments.sync(card).status == "partially_refunded"
    assert len(heard("payments.payment_captured")) == 2
    taken = payments.takings(date(2026, 2, 3), date(2026, 2, 6))
    assert (taken.captured_minor, taken.refunded_minor, taken.count) == (50000, 500, 2)
    assert payments.takings(date(2026, 2, 4), date(2026, 2, 6)).count == 0


def test_takings_end_with_the_schools_day(school):
    payments.record_offline_payment(**counter())

    assert payments.takings(today(), today()).captured_minor == 25000
    assert payments.takings(today() - timedelta(days=1), today() - timedelta(days=1)).count == 0


def test_reading_many_payments_takes_three_queries(school, django_assert_num_queries):
    lines = [LineFactory() for _n in range(5)]
    for line in lines:
        payments.record_offline_payment(**counter(lines=[line]))

    with django_assert_num_queries(3):
        found = payments.payments_for([line.reference for line in lines])
    with django_assert_num_queries(3):
        assert len(payments.list_payments(text="mina")) == 5
    assert len(found) == 5


def test_another_school_sees_nothing(school, in_other_school):
    line = LineFactory()
    payments.record_offline_payment(**counter(lines=[line]))

    with in_other_school():
        assert payments.payments_for([line.reference]) == []
        assert payments.takings(today(), today()).currency == "EUR"
