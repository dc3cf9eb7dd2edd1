"""Payments at the counter that were no money after all: taken back by a contra entry."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import returning
from apps.payments.tests.factories import counter, start
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7


@pytest.fixture
def cheque(school):
    return payments.record_offline_payment(**counter(method="cheque"))


def take_back(payment_id, key="bounced-1", reason="No funds"):
    return returning.take_back(payment_id, reason=reason, actor="bursar", idempotency_key=key)


def test_a_bounced_cheque_is_reversed_and_nothing_is_deleted(cheque, heard):
    info = take_back(cheque)

    assert (info.status, info.amount_minor, info.returned) == ("succeeded", 25000, True)
    payment = payments.get_payment(cheque)
    assert (payment.captured_minor, payment.refunded_minor, payment.status) == (
        25000,
        25000,
        "reversed",
    )
    [news] = heard("payments.refund_completed")
    assert (news["amount_minor"], news["reason"]) == (25000, "No funds")


def test_the_same_key_takes_back_once(cheque, heard):
    assert take_back(cheque).id == take_back(cheque).id
    assert len(heard("payments.refund_completed")) == 1
    with pytest.raises(Conflict, match="Nothing is left"):
        take_back(cheque, key="again")
    other = payments.record_offline_payment(**counter(method="transfer"))
    with pytest.raises(payments.KeyReused):
        take_back(other)


def test_only_what_is_left_is_taken_back(cheque):
    payments.request_refund(
        payment_id=cheque, amount_minor=5000, reason="x", actor="b", idempotency_key="part"
    )

    assert take_back(cheque).amount_minor == 20000
    assert payments.get_payment(cheque).refunds[0].returned is False


def test_a_card_payment_is_refunded_and_not_taken_back(account, sandbox):
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)

    with pytest.raises(Invalid, match="Only a cheque or a transfer"):
        take_back(started.payment_id)


def test_cash_could_be_carried_away_so_it_is_refunded(school, client_for):
    cash = payments.record_offline_payment(**counter(method="cash"))

    with pytest.raises(Invalid, match="Only a cheque or a transfer"):
        take_back(cash)
    page = client_for("bursar").get(reverse("payments:detail", args=[cash]))
    assert "It bounced…" not in page.content.decode()


def test_without_a_reason_nothing_happens(cheque):
    with pytest.raises(Invalid, match="Say why"):
        take_back(cheque, reason=" ")
    assert models.Refund.objects.count() == 0


def test_from_the_payments_page(client_for, cheque):
    client = client_for("bursar")
    page = client.get(reverse("payments:detail", args=[cheque])).content.decode()
    assert "It bounced…" in page
    url = reverse("payments:take_back", args=[cheque])

    refused = client.post(url, {}, follow=True)
    assert "Say why it is taken back." in refused.content.decode()
    done = client.post(url, {"reason": "No funds"}, follow=True).content.decode()
    client.post(url, {"reason": "No funds"})

    assert "The payment is taken back." in done
    assert "$250.00 taken back" in done  # in the payment's story
    assert "Refund" not in done.partition("</h1>")[2]
    assert "No funds" in done
    assert "Number at the gateway" not in done  # a cheque has none
    assert "It bounced…" not in done
    assert models.Refund.objects.count() == 1
    assert client.post(reverse("payments:take_back", args=[uuid7()])).status_code == 404
    assert client_for("office").post(url).status_code == 403


def first_badge(response):
    """What the first badge below the heading says."""
    html = response.content.decode()
    return re.search(r'<span class="badge badge-\w+">([^<]*)', html.partition("</h1>")[2])[1]


@pytest.mark.parametrize(
    ("language", "reversed_", "refunded"),
    [("en", "Taken back", "Refunded"), ("es", "Anulado", "Reembolsado")],
)
def test_list_and_page_say_that_it_was_taken_back(
    client_for, cheque, language, reversed_, refunded
):
    cash = payments.record_offline_payment(**counter())
    refund_all(cash)
    take_back(cheque)
    client = client_for("bursar")
    client.cookies["language"] = language

    for payment_id, badge in ((cheque, reversed_), (cash, refunded)):
        page = client.get(reverse("payments:detail", args=[payment_id]))
        listed = client.get(reverse("payments:list"), {"q": str(payment_id)})
        assert first_badge(page) == first_badge(listed) == badge


def refund_all(payment_id):
    return payments.request_refund(
        payment_id=payment_id, amount_minor=25000, reason="x", actor="b", idempotency_key="all"
    )


def test_a_status_finds_reversed_payments_apart_from_refunded_ones(client_for, cheque):
    cash = payments.record_offline_payment(**counter())
    refund_all(cash)
    take_back(cheque)

    assert [info.id for info in payments.list_payments(status="reversed")] == [cheque]
    assert [info.id for info in payments.list_payments(status="refunded")] == [cash]
    [wired] = client_for("bursar").get("/api/v1/payments/?status=reversed").json()["results"]
    assert (wired["id"], wired["status"]) == (str(cheque), "reversed")


def test_what_was_given_back_before_is_told_apart(client_for, cheque):
    payments.request_refund(
        payment_id=cheque, amount_minor=5000, reason="x", actor="b", idempotency_key="part"
    )
    take_back(cheque)

    info = payments.get_payment(cheque)
    assert (info.status, info.given_back_minor, info.reversed_minor) == ("reversed", 5000, 20000)
    page = client_for("bursar").get(reverse("payments:detail", args=[cheque])).content.decode()
    assert "Refunded or taken back" in page
