"""A dispute from the bank to the books and to the bursar's mailbox."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from apps.fees.restoring import add_up
from apps.fees.selectors import invoices
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models
from tests.payments.covers import start


@pytest.fixture
def paid(account: Any, sandbox: Any, family: make.Family, room: Any, drain: Any) -> tuple[Any, Any]:
    """An invoice that was paid by card; its events are handled."""
    make.bill(room)
    [invoice] = make.owed(family.child)
    started = start(family, [(invoice.id, 45000)], cover=0)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    drain()
    return invoice, started.payment_id


def control(sandbox: Any, name: str, **wanted: Any) -> Any:
    return requests.post(f"{sandbox.url}/_control/{name}", json=wanted, timeout=5).json()


def test_a_dispute_reaches_the_bursar_the_ledger_and_the_books(
    paid: Any, sandbox: Any, family: Any, client_for: Any, drain: Any, mailbox: Any
) -> None:
    invoice, payment_id = paid
    bursar = client_for("bursar")
    mailbox.clear()
    session = models.Payment.objects.get(pk=payment_id).session_id
    made = control(sandbox, "dispute", session=session)
    payments.sync(payment_id)
    drain()

    [opened] = mailbox
    assert opened.to == ["Bursar Person <bursar@example.org>"]
    assert "$450.00 disputed, please answer" in opened.subject
    assert "The payer says that it was not them." in opened.body
    assert "Answer until" in opened.body
    ledger = bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    assert "The bank of Maria Lopez wants $450.00 back" in ledger
    assert "Answer until" in ledger
    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 0

    control(sandbox, "close_dispute", dispute=made["id"], status="lost")
    payments.sync(payment_id)
    drain()

    assert "dispute over $450.00 lost" in mailbox[1].subject
    assert "/portal/fees/disputes/" in mailbox[1].body
    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 45000
    assert add_up().problems == ()

    control(sandbox, "close_dispute", dispute=made["id"], status="won")
    payments.sync(payment_id)
    drain()

    assert "dispute over $450.00 won" in mailbox[2].subject
    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 0
    assert add_up().problems == ()


def test_staff_hear_that_a_bank_only_asks_and_when_it_makes_a_dispute_of_it(
    paid: Any, sandbox: Any, family: Any, client_for: Any, drain: Any, mailbox: Any
) -> None:
    _invoice, payment_id = paid
    bursar = client_for("bursar")
    mailbox.clear()
    session = models.Payment.objects.get(pk=payment_id).session_id
    made = control(sandbox, "dispute", session=session, inquiry=True)
    payments.sync(payment_id)
    drain()

    [asked] = mailbox
    assert "a bank asks about $450.00, please answer" in asked.subject
    assert "It has taken no money." in asked.body
    assert "Answer until" in asked.body
    assert "or the money is lost" not in asked.body
    ledger = bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    assert "wants $450.00 back" not in ledger

    control(sandbox, "escalate_inquiry", dispute=made["id"])
    payments.sync(payment_id)
    drain()

    assert "$450.00 disputed, please answer" in mailbox[1].subject
    assert add_up().problems == ()
