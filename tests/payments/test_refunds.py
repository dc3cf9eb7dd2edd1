"""Refunds of a payment over several invoices and credit: who picks what, and that books agree."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Sum
from django.utils import timezone

from apps.fees.models import Allocation, Credit, RefundDecision
from apps.fees.restoring import add_up
from apps.fees.selectors import invoices
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import journal
from apps.payments.tests.test_approvals import set_limit
from tests.payments.covers import start


@pytest.fixture
def paid(account: Any, sandbox: Any, family: make.Family, room: Any, drain: Any) -> Any:
    """Two children's invoices of 450.00 by card in one payment; 50.00 became credit since the
    second was partly paid in cash meanwhile."""
    make.bill(room)
    [first], [second] = (make.owed(child) for child in family.children)
    make.pay(family, [(second.id, 5000)])
    started = start(family, [(row.id, 45000) for row in (first, second)], cover=0)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    drain()
    return started.payment_id, first, second


def balance(invoice: Any) -> int:
    return int(invoices.get_invoice(invoice_id=invoice.id).balance_minor)


def booked(payment_id: Any) -> tuple[int, int]:
    sums = [
        model.objects.filter(payment_id=payment_id).aggregate(total=Sum("amount_minor"))["total"]
        for model in (Allocation, Credit)
    ]
    return (sums[0] or 0, sums[1] or 0)


def form(**changes: Any) -> dict[str, Any]:
    values = {"amount": "600.00", "reason": "Moved away", "effect": "owe_again"}
    return values | {"key": str(uuid4())} | changes


def test_three_clicks_from_the_ledger_and_the_parts_are_the_bursars(
    paid: Any, family: Any, client_for: Any, drain: Any
) -> None:
    payment_id, first, second = paid
    bursar = client_for("bursar")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    # One: the ledger's button. Two: "Go on". Three: "Refund".
    assert url in bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    sent = form()
    asked = bursar.post(url, sent)
    rows = {part.invoice_id: part.amount_minor for part, _field in asked.context["parts"].rows()}
    assert rows == {first.id: 45000, None: 5000, second.id: 10000}
    chosen = {
        f"part-{first.id}": "100.00",
        f"part-{second.id}": "400.00",
        "part-credit": "50.00",
        "confirmed": "1",
    }
    wrong = bursar.post(url, sent | chosen)
    assert wrong.status_code == 422
    assert "The parts come to $550.00 and not to $600.00." in wrong.content.decode()
    chosen[f"part-{first.id}"] = "150.00"
    done = bursar.post(url, sent | chosen)
    bursar.post(url, sent | chosen)  # the double click
    drain()

    assert done.status_code == 302
    assert (balance(first), balance(second)) == (15000, 40000)
    assert booked(payment_id) == (30000, 0)
    assert payments.get_payment(payment_id).refunded_minor == 60000
    assert add_up().problems == ()


def test_a_second_refund_does_not_take_what_is_on_its_way(
    paid: Any, family: Any, client_for: Any, sandbox: Any, drain: Any
) -> None:
    payment_id, first, second = paid
    sandbox.app.gateway.behaviour.refund_status = "pending"
    bursar = client_for("bursar")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    parts = {f"part-{first.id}": "450.00", "confirmed": "1"}
    assert bursar.post(url, form(amount="450.00") | parts).status_code == 302
    ledger = bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    assert "A refund of $450.00" in ledger

    again = bursar.post(url, form(amount="450.00"))
    rows = {part.invoice_id: part.most_minor for part, _field in again.context["parts"].rows()}

    assert rows == {second.id: 40000, None: 5000}
    refund = sandbox.app.store.all(sandbox.account(), "refund")[0]
    sandbox.app.gateway.finish_refund(sandbox.account(), refund["id"], "succeeded")
    payments.sync(payment_id)
    drain()
    assert (balance(first), balance(second)) == (45000, 0)


def test_a_refund_that_needs_a_second_person_keeps_its_parts(
    paid: Any, family: Any, client_for: Any, drain: Any
) -> None:
    payment_id, first, second = paid
    set_limit(10000)
    bursar, admin = client_for("bursar"), client_for("admin")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    parts = {f"part-{second.id}": "300.00", "confirmed": "1"}
    bursar.post(url, form(amount="300.00") | parts)
    drain()
    assert (balance(first), balance(second)) == (0, 0)
    ledger = bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    assert "A second person has to approve it" in ledger

    asked = models.RefundApproval.objects.get()
    admin.post(f"/portal/payments/approvals/{asked.pk}/approve/")
    drain()

    assert (balance(first), balance(second)) == (0, 30000)
    assert RefundDecision.objects.get().state == "booked"


def test_a_declined_refund_frees_its_parts(
    paid: Any, family: Any, client_for: Any, drain: Any
) -> None:
    payment_id, first, _second = paid
    set_limit(10000)
    bursar, admin = client_for("bursar"), client_for("admin")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    parts = {f"part-{first.id}": "450.00", "confirmed": "1"}
    bursar.post(url, form(amount="450.00") | parts)
    asked = models.RefundApproval.objects.get()
    admin.post(f"/portal/payments/approvals/{asked.pk}/decline/", {"note": "No"})
    drain()

    assert RefundDecision.objects.get().state == "failed"
    again = bursar.post(url, form(amount="450.00"))
    assert again.context["parts"].rows()[0][0].most_minor in (40000, 45000)
    assert len(again.context["parts"].rows()) == 3


def dashboard_refund(sandbox: Any, payment_id: Any, amount: int) -> Any:
    charge = sandbox.app.store.all(sandbox.account(), "charge")[0]
    params = {"charge": charge["id"], "amount": str(amount)}
    sandbox.app.gateway.create_refund(sandbox.account(), params)
    return payments.sync(payment_id).refunds[-1]


def test_a_refund_of_the_dashboard_is_booked_where_the_bursar_says(
    paid: Any, family: Any, client_for: Any, sandbox: Any, drain: Any
) -> None:
    payment_id, first, second = paid
    refund = dashboard_refund(sandbox, payment_id, 20000)
    drain()
    assert booked(payment_id) == (85000, 5000)
    bursar = client_for("bursar")
    url = f"/portal/fees/refunds/{refund.id}/"
    ledger = bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    detail = bursar.get(f"/portal/payments/{payment_id}/").content.decode()
    assert url in ledger
    assert url in detail
    sent = {"reason": "Agreed by phone", "effect": "credit_note", "part-credit": "50.00"}
    assert bursar.post(url, sent).status_code == 422
    done = bursar.post(url, sent | {f"part-{second.id}": "150.00"})
    drain()

    assert done.status_code == 302
    assert booked(payment_id) == (70000, 0)
    assert (balance(first), balance(second)) == (0, 0)
    assert invoices.get_invoice(invoice_id=second.id).charged_minor == 30000
    assert add_up().problems == ()
    assert bursar.get(url).status_code == 302  # decided


def test_a_refund_of_the_dashboard_that_is_left_out(
    paid: Any, client_for: Any, sandbox: Any, drain: Any
) -> None:
    payment_id, _first, _second = paid
    refund = dashboard_refund(sandbox, payment_id, 20000)
    bursar = client_for("bursar")
    bursar.post(f"/portal/fees/refunds/{refund.id}/ignore/", {"why": ""})
    assert payments.get_refund(refund.id).status == "pending"
    bursar.post(f"/portal/fees/refunds/{refund.id}/ignore/", {"why": "Paid twice"})
    drain()

    assert payments.get_refund(refund.id).status == "ignored"
    assert booked(payment_id) == (85000, 5000)
    detail = bursar.get(f"/portal/payments/{payment_id}/").content.decode()
    assert "Paid twice" in detail
    office = client_for("office")
    assert office.get(f"/portal/fees/refunds/{refund.id}/").status_code == 403
    assert bursar.get(f"/portal/fees/refunds/{uuid4()}/").status_code == 404


def test_the_story_holds_what_the_books_come_to(paid: Any, client_for: Any, drain: Any) -> None:
    payment_id, _first, _second = paid
    state = journal.state_of(payment_id)

    assert (state.allocated_minor, state.credited_minor, state.is_square) == (85000, 5000, True)
    page = client_for("bursar").get(f"/portal/payments/{payment_id}/").content.decode()
    assert "$850.00 pays for invoices" in page
    assert "$50.00 kept as credit" in page


def test_a_second_capture_that_is_booked_is_the_familys_credit(
    paid: Any, sandbox: Any, client_for: Any, drain: Any
) -> None:
    payment_id, _first, _second = paid
    session = models.Payment.objects.get(pk=payment_id).session_id
    charge = sandbox.app.gateway.capture_again(sandbox.account(), session)
    payments.sync(payment_id)
    client_for("bursar").post(
        f"/portal/payments/{payment_id}/resolve/",
        {"decision": "book", "capture": charge["id"], "why": "Taken twice"},
    )
    drain()

    assert booked(payment_id) == (85000, 95000)
    assert add_up().problems == ()
    assert journal.state_of(payment_id).is_square
    assert timezone.now() >= journal.state_of(payment_id).credited.at
