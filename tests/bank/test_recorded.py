"""Payments that were recorded before their line came."""

from __future__ import annotations

import pytest

from apps.fees.services import bank
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.models import LineTie, Payment, StatementLine
from kernel.errors import Conflict, Invalid
from tests.bank.lines import (
    LINES,
    imported,
    line,
    number_of,
    row,
    text,
    ticked,
)


def at_the_counter(family, amount=45000):
    invoice = make.owed(family.child)[0]
    payment_id = make.pay(family, [(invoice.id, amount)], method="transfer")
    return Payment.objects.get(pk=payment_id)


def test_what_was_entered_at_the_counter_is_tied_and_not_recorded_again(bursar, family, drain):
    number = number_of(family.child)
    paid = at_the_counter(family, 20000)
    drain()
    imported(row("200.00", text=number))

    assert bank.confirm(ticked(line().pk), actor="bursar")[0] == 0
    page = bursar.get(f"{LINES}{line().pk}/")
    assert "Recorded already?" in text(page)
    done = bursar.post(f"{LINES}{line().pk}/recorded/{paid.pk}/", follow=True)

    assert "Nothing was recorded anew" in text(done)
    assert Payment.objects.count() == 1
    assert (line().state, LineTie.objects.get().kind) == ("matched", "recorded")


def test_undoing_such_a_tie_reverses_nothing(family, drain):
    paid = at_the_counter(family, 20000)
    drain()
    imported(row("200.00", text="Fees"))
    payments.tie_recorded_payment(line().pk, paid.pk, actor="bursar")

    bank.undo(line().pk, actor="bursar")

    paid.refresh_from_db()
    assert (line().state, paid.refunded_minor) == ("open", 0)


def test_a_payment_is_one_line_only_and_of_its_amount(family, drain):
    paid = at_the_counter(family, 20000)
    drain()
    imported(row("200.00", text="Fees"), row("200.00", text="Fees again"), row("9.00", text="Tea"))
    first, second = StatementLine.objects.filter(amount_minor=20000).order_by("id")
    other = StatementLine.objects.get(amount_minor=900)
    payments.tie_recorded_payment(first.pk, paid.pk, actor="bursar")

    with pytest.raises(Conflict):
        payments.tie_recorded_payment(second.pk, paid.pk, actor="bursar")
    payments_left = payments.recorded_like_bank_line(second.pk)
    assert list(payments_left) == []
    with pytest.raises((Invalid, Conflict)):
        payments.tie_recorded_payment(other.pk, paid.pk, actor="bursar")


def test_what_was_shown_is_what_is_recorded(family):
    imported(row("450.00", text=number_of(family.child)))

    done, [problem] = bank.confirm({line().pk: [family.child.pk]}, actor="bursar")

    assert (done, Payment.objects.count()) == (0, 0)
    assert "has changed" in problem
