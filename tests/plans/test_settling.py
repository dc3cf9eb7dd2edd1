"""What happens to an invoice: it is paid, or taken back by a credit note; never edited."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.tenants.models import OperatorAction
from apps.tenants.services.plans import accounts
from apps.tenants.services.plans.invoices import credit_invoice
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.schools import in_public
from tests.plans.billing import OP, bill, issued, pay, today


def test_payments_add_up_and_settle_the_invoice(subscribed: Any) -> None:
    invoice = issued(subscribed)

    assert pay(invoice, 1000).status == "issued"
    assert pay(invoice, 1000).paid_minor == 1000  # the same payment once more
    with pytest.raises(Conflict, match="reference"):
        pay(invoice, 2000)  # other money under the same reference is not lost without a word
    with pytest.raises(Invalid, match="still owed"):
        pay(invoice, 2001, "bank 2")
    paid = pay(invoice, 2000, "bank 2")

    assert (paid.status, paid.paid_minor, paid.balance_minor) == ("paid", 3000, 0)
    assert [payment.reference for payment in paid.payments] == ["bank 1", "bank 2"]


@pytest.mark.parametrize(("minor", "reference"), [(0, "x"), (-5, "x"), (3001, "x"), (5, " ")])
def test_a_wrong_payment_is_refused(subscribed: Any, minor: int, reference: str) -> None:
    with pytest.raises(Invalid):
        pay(issued(subscribed), minor, reference)


def test_an_invoice_is_taken_back_by_a_credit_note(subscribed: Any) -> None:
    invoice = issued(subscribed)

    note = credit_invoice(invoice_id=invoice.id, reason="Wrong plan", actor=OP)

    number = f"HC{today().year}-00001"
    assert (note.number, note.total_minor, note.is_credit) == (number, -3000, True)
    assert [line.amount_minor for line in note.lines] == [-3000]
    void = accounts.get_invoice(invoice_id=invoice.id)
    assert (void.status, void.balance_minor, void.total_minor) == ("void", 0, 3000)
    with pytest.raises(Conflict):
        credit_invoice(invoice_id=invoice.id, reason="Again", actor=OP)
    with pytest.raises(Conflict):
        credit_invoice(invoice_id=note.id, reason="Again", actor=OP)
    with pytest.raises(Conflict):
        pay(invoice, 3000)


def test_a_month_that_was_taken_back_is_billed_again_only_when_asked(subscribed: Any) -> None:
    credit_invoice(invoice_id=issued(subscribed).id, reason="Wrong plan", actor=OP)

    assert bill(subscribed).outcome == "already"
    again = bill(subscribed, again=True)

    assert (again.outcome, again.number) == ("billed", f"H{today().year}-00002")


def test_taking_back_needs_a_reason_and_an_invoice(subscribed: Any) -> None:
    with pytest.raises(Invalid):
        credit_invoice(invoice_id=issued(subscribed).id, reason="  ", actor=OP)
    with pytest.raises(NotFound):
        credit_invoice(invoice_id=uuid7(), reason="x", actor=OP)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_platforminvoice SET total_minor = 1",
        "DELETE FROM tenants_platforminvoice",
        "UPDATE tenants_platforminvoiceline SET amount_minor = 1",
        "DELETE FROM tenants_platformpayment",
    ],
)
def test_the_database_refuses_to_change_what_was_posted(subscribed: Any, statement: str) -> None:
    pay(issued(subscribed), 10)

    with (
        in_public(),
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_every_step_is_in_the_operators_history(subscribed: Any) -> None:
    invoice = issued(subscribed)
    pay(invoice, 5)
    credit_invoice(invoice_id=invoice.id, reason="x", actor=OP)

    with in_public():
        actions = list(OperatorAction.objects.order_by("at").values_list("action", "actor"))
    assert [action for action, _actor in actions][-3:] == [
        "invoice.issued",
        "invoice.paid",
        "invoice.credited",
    ]
    assert {actor for _action, actor in actions[-3:]} == {OP}
