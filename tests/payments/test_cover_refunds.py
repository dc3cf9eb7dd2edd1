"""The processing cost goes back last, and with a full refund wholly."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.fees.contracts import COVER
from apps.fees.selectors import invoices, receipts
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from kernel.errors import Invalid
from tests.payments.covers import balance, booked, books_are_in_order, refund, start
from tests.payments.covers import paid as paid


def test_a_full_refund_gives_the_cover_back(paid: Any, family: make.Family, drain: Any) -> None:
    payment_id, invoice = paid
    refund(family, payment_id, 46340, effect="credit_note")
    drain()
    assert booked(payment_id) == (0, 0, 0)
    assert balance(invoice) == 0
    assert invoices.get_invoice(invoice_id=invoice.id).charged_minor == 0
    receipt = receipts.get_receipt(payment_id=payment_id)
    assert [row.amount_minor for row in receipt.refunds] == [46340]
    assert books_are_in_order(payment_id)


def test_a_part_is_taken_from_invoices_first(paid: Any, family: make.Family, drain: Any) -> None:
    payment_id, invoice = paid
    refund(family, payment_id, 40000)
    drain()
    assert (booked(payment_id), balance(invoice)) == ((5000, 0, 1340), 40000)
    refund(family, payment_id, 5500)
    drain()
    assert (booked(payment_id), balance(invoice)) == ((0, 0, 840), 45000)
    assert books_are_in_order(payment_id)
    with pytest.raises(Invalid, match=r"At most \$8.40"):
        refund(family, payment_id, 841)


def test_what_is_left_of_the_cover_can_go_back_from_the_ledger_too(
    paid: Any, family: make.Family, client_for: Any, drain: Any
) -> None:
    payment_id, _invoice = paid
    refund(family, payment_id, 45000, effect="credit_note")
    drain()
    bursar = client_for("bursar")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    assert url in bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    assert bursar.get(url).context["form"]["amount"].value() == "13.40"
    sent = {"amount": "13.40", "reason": "r", "effect": "from_credit", "key": str(uuid4())}
    bursar.post(url, sent | {f"part-{COVER}": "13.40", "confirmed": "1"})
    drain()
    assert booked(payment_id) == (0, 0, 0)
    assert url not in bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()


def test_the_cover_stays_while_a_sibling_is_paid_by_it(
    account: Any, sandbox: Any, family: make.Family, room: Any, drain: Any
) -> None:
    make.bill(room)
    [first], [second] = (make.owed(child) for child in family.children)
    started = start(family, [(first.id, 45000), (second.id, 45000)])
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    drain()
    with pytest.raises(Invalid, match=r"At most \$450.00"):
        refund(family, started.payment_id, 45001)
    refund(family, started.payment_id, 45000)
    drain()
    assert booked(started.payment_id) == (45000, 0, 1340)


def test_the_bursar_reads_it_and_may_choose_otherwise(
    paid: Any, family: make.Family, client_for: Any, drain: Any
) -> None:
    payment_id, _invoice = paid
    bursar = client_for("bursar")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    page = bursar.get(url)
    assert page.context["form"]["amount"].value() == "463.40"
    assert "It goes back last" in page.content.decode()
    sent = {"amount": "100.00", "reason": "r", "effect": "owe_again", "key": str(uuid4())}
    asked = bursar.post(url, sent)
    rows = {part.invoice_id: part.amount_minor for part, _field in asked.context["parts"].rows()}
    assert rows[COVER] == 0
    assert "Processing cost" in asked.content.decode()
    invoice_part = next(f"part-{key}" for key in rows if key != COVER)
    chosen = {invoice_part: "86.60", f"part-{COVER}": "13.40", "confirmed": "1"}
    assert bursar.post(url, sent | chosen).status_code == 302
    drain()
    assert booked(payment_id) == (45000 - 8660, 0, 0)
    assert books_are_in_order(payment_id)


def test_money_paid_in_advance_goes_back_with_its_cover(
    account: Any, sandbox: Any, family: make.Family, room: Any, drain: Any
) -> None:
    started = start(family, [(f"prepayment:{family.guardian.pk}", 5000)], cover=180)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    drain()
    assert booked(started.payment_id) == (0, 5000, 180)
    refund(family, started.payment_id, 5180, effect="from_credit")
    drain()
    assert booked(started.payment_id) == (0, 0, 0)


def test_a_refund_that_comes_back_is_cover_again(
    paid: Any, family: make.Family, sandbox: Any, drain: Any
) -> None:
    payment_id, invoice = paid
    refund(family, payment_id, 46340)
    drain()
    [made] = sandbox.app.store.all(sandbox.account(), "refund")
    sandbox.app.gateway.finish_refund(sandbox.account(), made["id"], "failed")
    payments.sync(payment_id)
    drain()
    assert (booked(payment_id), balance(invoice)) == ((45000, 0, 1340), 0)
    assert books_are_in_order(payment_id)
