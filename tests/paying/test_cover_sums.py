"""What the page with the sums says is what is charged, however it was chosen."""

from __future__ import annotations

from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from apps.fees.services import checkout
from apps.fees.services.wishes import Wish, plan_payment
from apps.fees.tests import factories as make
from apps.fees.tests.test_instalments import bill_in_parts
from apps.payments.models import GatewayAccount, Payment
from tests.paying.covers import CARD, change, hidden, money, pay_on_page
from tests.paying.test_accounts import owed, trips

__all__ = ["owed", "trips"]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("amount", "credit", "due_only", "chosen"),
    product([None, 50000, 150000], [0, 2000, 70000], [False, True], [False, True]),
)
def test_the_plan_is_what_is_started(
    room: Any, family: Any, amount: int | None, credit: int, due_only: bool, chosen: bool
) -> None:
    """Two children with an invoice in instalments each, and one that is due at once."""
    change(cover="always", prepayments=True, **CARD)
    if credit:
        make.capture(family.guardian, credit)
    bill_in_parts(room)
    make.bill(room)
    found = [invoice.id for child in family.children for invoice in make.owed(child)]
    wish = Wish(
        invoice_ids=tuple(found[1:]) if chosen else None,
        amount_minor=amount,
        use_credit=bool(credit),
        token=uuid4(),
        due_only=due_only,
    )
    plan = plan_payment(guardian_id=family.guardian.pk, wish=wish)
    step = checkout.start_family_payment(
        guardian_id=family.guardian.pk, wish=wish, expected_minor=plan.covered_minor
    )
    again = plan_payment(guardian_id=family.guardian.pk, wish=wish)

    assert step.credit_used_minor == plan.credit_minor == again.credit_minor
    assert again.covered_minor == plan.covered_minor
    if step.payment_id is None:
        assert plan.card_minor == 0
        return
    row = Payment.objects.get(pk=step.payment_id)
    assert (row.amount_minor, row.cover_minor) == (plan.covered_minor, plan.cover_minor)
    started = [(line.reference, line.amount_minor) for line in row.lines.all()]
    assert started == [(line.reference, line.amount_minor) for line in plan.lines]


def test_money_of_two_accounts_bears_its_cost_in_each(
    owed: Any, trips: Any, account: Any, parent: Any
) -> None:
    change(cover="always", **CARD)
    for sums, taken_by in (
        (["$900.00", "$27.19", "$927.19"], account),
        (["$30.00", "$1.21", "$31.21"], trips),
    ):
        asked = parent.post("/family/pay/", {"token": str(uuid4())})
        assert money(asked) == sums
        row = pay_on_page(parent, parent.post("/family/pay/", hidden(asked)))
        parent.get(f"/family/payments/{row.pk}/")
        assert GatewayAccount.objects.get(payments=row) == taken_by
