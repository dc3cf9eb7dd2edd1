"""Transfers of families are suggested, confirmed and split by hand."""

from __future__ import annotations

import pytest

from apps.fees.services import bank
from apps.fees.tests import factories as make
from apps.payments.models import LineTie, Payment
from kernel.errors import Invalid
from tests.bank.lines import (
    LINES,
    balance,
    box,
    imported,
    line,
    name_of,
    number_of,
    row,
    suggested,
    text,
    ticked,
)


def test_a_number_of_an_invoice_and_its_sum_is_a_sure_suggestion(bursar, family, drain):
    number = number_of(family.child)
    imported(row("450.00", name="M LOPEZ", text=f"Payment {number} thanks"))
    [suggestion] = suggested().values()
    assert (suggestion.sure, [i.number for i in suggestion.invoices]) == ("exact", [number])
    page = bursar.get(LINES)
    assert "checked" in page.content.decode()
    assert number in text(page)

    done = bursar.post(f"{LINES}confirm/", {"line": box(line().pk)}, follow=True)

    assert "1 line recorded." in text(done)
    drain()
    assert (balance(family.child), balance(family.children[1])) == (0, 45000)
    payment = Payment.objects.get()
    assert (payment.method, payment.captured_minor) == ("transfer", 45000)
    assert payment.payer_id == family.guardian.pk
    assert (line().state, LineTie.objects.get().payment_id) == ("matched", payment.pk)


def test_one_transfer_for_two_children(family, drain):
    numbers = [number_of(child).replace("-", "") for child in family.children]
    imported(row("900.00", text=" and ".join(numbers)))

    assert bank.confirm(ticked(line().pk), actor="bursar") == (1, [])

    drain()
    assert [balance(child) for child in family.children] == [0, 0]
    assert sorted(LineTie.objects.values_list("amount_minor", flat=True)) == [45000, 45000]


def test_another_sum_is_suggested_and_not_ticked(bursar, family, drain):
    imported(row("500.00", text=number_of(family.child)))

    assert suggested()[line().pk].sure == "named"
    assert "checked" not in bursar.get(LINES).content.decode()
    bank.confirm(ticked(line().pk), actor="bursar")
    drain()

    assert balance(family.child) == 0
    assert Payment.objects.get().captured_minor == 50000


def test_a_name_and_the_very_sum_are_suggested(family):
    imported(row("450.00", text=f"School fees of {name_of(family.child)}"))

    [invoice] = suggested()[line().pk].invoices
    assert invoice.student_id == family.child.pk


@pytest.mark.parametrize(
    ("amount", "words"), [("450.00", "Rent"), ("-450.00", "2026-00001"), ("450.00", "9999-99999")]
)
def test_nothing_is_suggested_for_what_says_nothing(family, amount, words):
    imported(row(amount, text=words))

    assert suggested() == {}


def test_what_is_paid_meanwhile_is_no_suggestion_any_more(family, drain):
    imported(row("450.00", text=number_of(family.child)))
    invoice = make.owed(family.child)[0]
    make.pay(family, [(invoice.id, invoice.balance_minor)])
    drain()

    done, problems = bank.confirm(ticked(line().pk), actor="bursar")

    assert (done, len(problems), line().state) == (0, 1, "open")


def test_a_line_is_split_by_hand(bursar, family, drain):
    imported(row("600.00", text="School"))
    first, second = family.children
    url = f"{LINES}{line().pk}/?q={first.last_name}"
    assert name_of(first) in text(bursar.get(url))
    wrong = bursar.post(url, {f"amount-{first.pk}": "100", f"amount-{second.pk}": "100"})
    assert (wrong.status_code, "do not make up the amount" in text(wrong)) == (422, True)
    bad = bursar.post(url, {f"amount-{first.pk}": "much"})
    assert (bad.status_code, "is not an amount" in text(bad)) == (422, True)

    bursar.post(url, {f"amount-{first.pk}": "450", f"amount-{second.pk}": "150.00"})

    drain()
    assert [balance(child) for child in family.children] == [0, 30000]


@pytest.mark.parametrize(
    ("amounts", "why"),
    [
        ([45000, 45001], "do not make up"),
        ([90000, 0], "more than zero"),
        ([100000, -10000], "more than zero"),
        ([], "more than zero"),
    ],
)
def test_parts_that_make_no_sense_are_refused(family, amounts, why):
    imported(row("900.00"))
    parts = [
        bank.Part(student_id=child.pk, amount_minor=amount)
        for child, amount in zip(family.children, amounts, strict=False)
    ]

    with pytest.raises(Invalid, match=why):
        bank.record(line().pk, parts, actor="bursar")
    assert (line().plan, Payment.objects.count()) == (None, 0)
