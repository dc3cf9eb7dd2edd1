"""Returned cheques are taken back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.fees.services import bank
from apps.fees.services import counter as fees_counter
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import LineTie, Payment
from apps.payments.services.bank import matching
from kernel.errors import Conflict, Invalid
from kernel.schools import today
from tests.bank.lines import (
    LINES,
    balance,
    broken,
    imported,
    line,
    row,
    text,
)


def cheque(family, method="cheque"):
    return fees_counter.record_payment(
        payer_id=family.guardian.pk,
        payer_name=family.guardian.name,
        student_id=family.child.pk,
        amount_minor=45000,
        method=method,
        received_on=today(),
        note="",
        actor="bursar",
        key=str(uuid4()),
    )


def test_a_bounced_cheque_is_suggested_and_taken_back(bursar, family, drain):
    payment_id = cheque(family)
    drain()
    assert balance(family.child) == 0
    imported(row("-450.00", text="CHEQUE RETURNED"))
    assert "seems to take back a payment of Maria Lopez" in text(bursar.get(LINES))

    url = f"{LINES}{line().pk}/returned/{payment_id}/"
    bursar.post(url)
    bursar.post(url)
    drain()

    assert balance(family.child) == 45000
    payment = Payment.objects.get()
    assert (payment.captured_minor, payment.refunded_minor) == (45000, 45000)
    [refund] = payment.refunds.all()
    assert refund.reason == f"Returned by the bank on {today()}"
    assert (line().state, LineTie.objects.get().kind) == ("matched", "reversal")
    with pytest.raises(Conflict, match="cannot come back"):
        matching.undo(line().pk, actor="bursar")


def test_the_family_is_not_told_of_a_refund_when_a_cheque_bounced(family, drain):
    payment_id = cheque(family)
    drain()
    imported(row("-450.00", text="CHEQUE RETURNED"))
    matching.take_back(line().pk, payment_id, actor="bursar")
    drain()

    letter = Message.objects.get(kind="refund")
    assert "payment of $450.00 taken back" in letter.subject
    for words in (letter.body_text, letter.body_html):
        assert "What it paid for is owed again." in words
        assert "we sent" not in words


def test_cash_and_other_sums_do_not_bounce(family, drain):
    cheque(family, method="cash")
    drain()
    imported(row("-450.00", text="OUT"), row("-12.00", text="OUT"))

    assert all(one.returns_payment is None for one in payments.bank_lines(state="open"))


def test_what_broke_off_while_it_was_taken_back_is_finished(bursar, family, drain, monkeypatch):
    payment_id = cheque(family)
    drain()
    imported(row("-450.00", text="CHEQUE RETURNED"))
    real = matching.tie
    monkeypatch.setattr(matching, "tie", broken)
    with pytest.raises(KeyboardInterrupt):
        bank.take_back(line().pk, payment_id, actor="bursar")
    monkeypatch.setattr(matching, "tie", real)
    assert (line().state, models.Refund.objects.count()) == ("open", 1)
    assert "Finish it" in text(bursar.get(LINES))

    done = bursar.post(f"{LINES}{line().pk}/go-on/", follow=True)

    assert "It is finished now." in text(done)
    assert (line().state, models.Refund.objects.count()) == ("matched", 1)
    assert balance(family.child) == 45000
    again = bursar.post(f"{LINES}{line().pk}/go-on/", follow=True)
    assert "dealt with already" in text(again)


def test_another_payment_than_the_line_says_is_refused(family, drain):
    payment_id = cheque(family)
    drain()
    imported(row("-449.00"))

    with pytest.raises(Invalid):
        matching.take_back(line().pk, payment_id, actor="bursar")
    assert line().plan is None
