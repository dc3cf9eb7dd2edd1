"""Starting a payment: the hosted page, the double-pay guard, and a gateway in trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from apps.payments import events, models
from apps.payments import facade as payments
from apps.payments.providers.base import Retryable
from apps.payments.providers.stripe import StripeProvider
from apps.payments.services import janitor, journal
from apps.payments.tests.factories import JUN, LineFactory, order, start
from kernel.errors import Invalid, Unavailable


def test_a_started_payment_has_a_hosted_page_with_lines_and_total(account, sandbox):
    lines = [
        LineFactory(description="Ada <b>Park</b>", amount_minor=25000),
        LineFactory(description="Ben Park", amount_minor=1),
    ]

    started = start(lines=lines)

    page = requests.get(started.redirect_url, timeout=5)
    assert started.reused is False
    assert "TEST — no real money" in page.text
    assert "Ada &lt;b&gt;Park&lt;/b&gt;" in page.text
    assert "250.01 USD" in page.text
    assert "<input" not in page.text
    assert payments.get_payment(started.payment_id).status == "pending"
    assert payments.resume_url(started.payment_id) == started.redirect_url


def test_yen_have_no_decimals(account, sandbox):
    started = start(currency="JPY", lines=[LineFactory(amount_minor=1200)])

    assert "1,200 JPY" in requests.get(started.redirect_url, timeout=5).text
    sandbox.press(started, "pay")
    assert payments.sync(started.payment_id).captured_minor == 1200


def test_the_same_key_and_the_same_person_get_the_same_page(account):
    wanted = order()

    first = payments.start_payment(wanted)
    again = payments.start_payment(wanted)
    other_key = payments.start_payment(replace(wanted, idempotency_key="another"))

    assert (again.payment_id, again.redirect_url) == (first.payment_id, first.redirect_url)
    assert (again.reused, other_key.reused) == (True, True)
    assert other_key.payment_id == first.payment_id
    assert models.Payment.objects.count() == 1


def test_a_key_with_another_request_is_refused(account):
    wanted = order()
    payments.start_payment(wanted)

    with pytest.raises(payments.KeyReused):
        payments.start_payment(replace(wanted, lines=(LineFactory(),)))


def test_a_paid_request_sent_again_leads_to_the_return_page(account, sandbox):
    wanted = order()
    first = payments.start_payment(wanted)
    sandbox.press(first, "pay")
    payments.sync(first.payment_id)

    again = payments.start_payment(wanted)

    assert again.reused is True
    expected = f"http://lincoln.testserver/family/payments/{first.payment_id}/"
    assert again.redirect_url == expected


def test_another_guardian_is_told_that_it_is_being_paid(account):
    line = LineFactory()
    first = start(lines=[line])

    with pytest.raises(payments.PaymentInProgress) as refused:
        start(lines=[LineFactory(), line], payer_id=JUN)

    assert refused.value.payment_id == first.payment_id
    assert refused.value.status == 409
    assert models.Payment.objects.count() == 1


def test_another_guardian_may_pay_when_the_page_was_left_alone(account):
    line = LineFactory()
    first = start(lines=[line])
    earlier = timezone.now() - timedelta(minutes=16)
    models.Payment.objects.update(started_at=earlier)

    second = start(lines=[line], payer_id=JUN)

    assert second.reused is False
    assert payments.get_payment(first.payment_id).status == "expired"


def test_a_page_left_alone_but_paid_is_found_out(account, sandbox, heard):
    line = LineFactory()
    first = start(lines=[line])
    sandbox.press(first, "pay")

    with pytest.raises(payments.AlreadyPaid):
        start(lines=[line], payer_id=JUN)

    assert payments.get_payment(first.payment_id).status == "captured"
    assert len(heard("payments.payment_captured")) == 1


def test_the_same_guardian_may_choose_otherwise(account):
    line = LineFactory()
    first = start(lines=[line])

    second = start(lines=[line, LineFactory()])

    assert second.payment_id != first.payment_id
    assert payments.get_payment(first.payment_id).status == "cancelled"
    assert [p.id for p in payments.open_payments([line.reference])] == [second.payment_id]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lines": []}, "nothing to pay"),
        ({"lines": [LineFactory(amount_minor=0)]}, "more than zero"),
        ({"lines": [LineFactory(amount_minor=-5)]}, "more than zero"),
        ({"currency": "XXX"}, "XXX"),
        ({"idempotency_key": ""}, "idempotency"),
        ({"lines": [LineFactory(reference="")]}, "reference"),
    ],
)
def test_what_no_payment_may_be_is_refused(account, changes, words):
    with pytest.raises(Invalid, match=words):
        start(**changes)
    assert models.Payment.objects.count() == 0


def test_without_an_account_nothing_can_be_paid(school):
    models.GatewayAccount.objects.all().delete()

    assert payments.can_take_payments() is False
    with pytest.raises(payments.NoGateway):
        start()


def test_a_gateway_that_is_away_leaves_no_claim(account, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    line = LineFactory()

    with pytest.raises(Unavailable):
        start(lines=[line])

    assert models.OpenClaim.objects.count() == 0
    assert payments.payments_for([line.reference])[0].status == "cancelled"


def test_an_answer_that_was_lost_is_found_by_the_same_key(account, sandbox):
    wanted = order()
    sandbox.app.faults.lose_answers["checkout/sessions"] = 3
    with pytest.raises(Unavailable):
        payments.start_payment(wanted)
    lost = models.Payment.objects.get()
    assert (lost.status, lost.is_open) == ("unknown", True)

    again = payments.start_payment(wanted)

    assert again.payment_id == lost.pk
    assert len(sandbox.app.store.all(sandbox.account(), "session")) == 1
    assert payments.get_payment(lost.pk).status == "pending"


def test_one_server_error_is_retried_and_makes_one_session(account, sandbox):
    sandbox.app.faults.fail["checkout/sessions"] = [500, 500]

    started = start()

    assert payments.get_payment(started.payment_id).status == "pending"
    assert len(sandbox.app.store.all(sandbox.account(), "session")) == 1


def test_cancel_closes_the_page_for_good(account, sandbox, heard):
    started = start()

    info = payments.cancel(started.payment_id)

    assert info.status == "cancelled"
    assert "no longer open" in sandbox.press(started, "pay").text
    assert payments.sync(started.payment_id).status == "cancelled"
    assert [e["reason"] for e in heard("payments.payment_failed")] == ["cancelled"]


def test_cancel_after_paying_keeps_the_money(account, sandbox):
    started = start()
    sandbox.press(started, "pay")

    assert payments.cancel(started.payment_id).status == "captured"


def test_the_janitor_expires_a_page_nobody_used(account, sandbox, heard):
    started = start()
    past = timezone.now() - timedelta(seconds=1)
    models.Payment.objects.update(next_check_at=past, session_expires_at=past)

    assert janitor.tidy_payments() == 1

    info = payments.get_payment(started.payment_id)
    assert (info.status, info.is_open) == ("expired", False)
    assert models.OpenClaim.objects.count() == 0
    assert [e["reason"] for e in heard("payments.payment_failed")] == ["expired"]
    assert models.Payment.objects.get().next_check_at is None


def test_the_janitor_asks_ever_less_often(account, sandbox):
    start()
    now = timezone.now()
    waits = []
    for _round in range(3):
        models.Payment.objects.update(next_check_at=now, session_expires_at=None)
        janitor.tidy_payments()
        due = models.Payment.objects.get().next_check_at
        waits.append(round((due - timezone.now()).total_seconds() / 60))

    assert waits == [5, 60, 1440]


@pytest.fixture
def before_the_call(monkeypatch):
    """before_the_call(act, error=None): what happens while the gateway is asked for a page."""

    def arrange(act, error=None):
        ask = StripeProvider.open_session

        def late(provider, request):
            monkeypatch.setattr(StripeProvider, "open_session", ask)
            act()
            if error:
                raise error
            return ask(provider, request)

        monkeypatch.setattr(StripeProvider, "open_session", late)

    return arrange


def test_a_second_click_that_fails_does_not_end_the_page_of_the_first(
    account, sandbox, before_the_call
):
    wanted = order()
    first = []
    refused = Retryable("The gateway is busy.", code="rate_limit")
    before_the_call(lambda: first.append(payments.start_payment(wanted)), refused)

    second = payments.start_payment(wanted)

    assert second.redirect_url == first[0].redirect_url
    assert payments.get_payment(second.payment_id).is_open
    assert payments.open_payments([wanted.lines[0].reference])


def test_a_page_that_opens_after_its_payment_was_ended_is_closed(account, sandbox, before_the_call):
    def end():
        [payment] = models.Payment.objects.all()
        journal.record(payment.pk, [events.Cancelled(at=timezone.now())])

    before_the_call(end)

    with pytest.raises(Unavailable):
        start()

    [session] = sandbox.app.store.all(sandbox.account(), "session")
    assert session["status"] == "expired"
