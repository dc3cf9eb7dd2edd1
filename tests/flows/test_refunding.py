"""Step 8: the bursar sees the money, gives a part back, and all books agree to the cent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.browserless import Page
from tests.flows.families import LUNCH, OWED, TUITION, Billed, Family, amounts, dollars, story
from tests.flows.letters import Letters, text_of

pytestmark = pytest.mark.flow

Eventually = Callable[..., Any]
BACK = 1_234


@pytest.fixture
def paid(family: Family, eventually: Eventually) -> Family:
    family.visitor.press(family.start_paying(), "Pay 2")
    eventually(lambda: family.owed() == 0)
    return family


def ledger(billed: Billed, family: Family, child: str = "Ada") -> Page:
    return billed.bursar.open(f"/portal/fees/students/{family.student_id(child)}/")


def refund(billed: Billed, family: Family, amount: str, effect: str) -> list[Page]:
    """Refund from the ledger of the first child; the last step is clicked twice."""
    form = billed.bursar.open(ledger(billed, family).link("/refund/"))
    choice = form.form("Go on").choice("effect", effect)
    confirm = billed.bursar.press(form, "Go on", amount=amount, reason="Moved away", effect=choice)
    if confirm.status != 200 or "Go on" in confirm.text:
        return [confirm]
    return billed.bursar.press_twice(confirm, "Refund $")


def test_the_bursar_sees_the_payment_in_ledger_and_list(billed: Billed, paid: Family) -> None:
    page = ledger(billed, paid)
    assert dollars(OWED) in page.text
    assert dollars(TUITION + LUNCH) in page.text
    assert f"Parent {paid.number:02}" in page.text
    listed = billed.bursar.open(f"/portal/payments/?q=Parent+{paid.number:02}")
    assert dollars(OWED) in listed.text


def test_a_partial_refund_with_a_credit_note_agrees_everywhere(
    billed: Billed, paid: Family, letters: Letters, eventually: Eventually
) -> None:
    answers = refund(billed, paid, "12.34", "reduced")
    assert [answer.status for answer in answers] == [302, 302]
    [(payment_id, status, captured, back)] = eventually(
        lambda: paid.payments() if paid.payments()[0][3] else None
    )
    assert (status, captured, back) == ("partially_refunded", OWED, BACK)
    assert story(billed.school, payment_id).count("refund_requested") == 1
    assert story(billed.school, payment_id).count("refund_succeeded") == 1

    def booked() -> bool:
        query = "SELECT sum(amount_minor) FROM fees_allocation WHERE payment_id = %s"
        return billed.school.rows(query, payment_id) == [(OWED - BACK,)]

    eventually(booked)
    # Invoice, ledger and family page say the same.
    page = ledger(billed, paid)
    assert dollars(BACK) in page.text
    assert f"Left to pay {dollars(0)}" in page.text
    assert f"Charged {dollars(TUITION + LUNCH - BACK)}" in page.text
    assert f"Paid {dollars(TUITION + LUNCH - BACK)}" in page.text
    assert paid.owed() == 0
    assert "All paid" in paid.balance().text
    receipt = paid.visitor.open(f"/family/receipts/{payment_id}/")
    assert amounts(receipt.text)[-2:] == [OWED, -BACK]
    mails = eventually(
        lambda: [mail for mail in letters.to(paid.email) if BACK in amounts(text_of(mail))]
    )
    assert len(mails) == 1


def test_a_refund_that_leaves_the_invoice_owed_raises_the_balance(
    billed: Billed, paid: Family, eventually: Eventually
) -> None:
    refund(billed, paid, "12.34", "owes the amount again")
    eventually(lambda: paid.owed() == BACK)
    assert amounts(paid.balance().text)[0] == BACK
    page = ledger(billed, paid)
    assert f"Left to pay {dollars(BACK)}" in page.text
    invoice = next(
        text
        for text in (billed.bursar.open(link).text for link in set(page.links("/invoices/0")))
        if dollars(BACK) in text
    )
    assert dollars(BACK) in invoice
    # What is owed again can be paid again.
    hosted = paid.visitor.press(paid.balance(), "Pay $")
    assert "12.34 USD" in hosted.text
    paid.visitor.press(hosted, "Pay 1")
    eventually(lambda: paid.owed() == 0)


@pytest.mark.parametrize("amount", ["283.34", "0", "-1", "abc", ""])
def test_more_than_was_paid_cannot_go_back(billed: Billed, refundable: Family, amount: str) -> None:
    [answer] = refund(billed, refundable, amount, "reduced")
    assert answer.status == 422
    assert [row[3] for row in refundable.payments()] == [0]


@pytest.fixture(scope="module")
def refundable(billed: Billed, eventually: Eventually) -> Family:
    family = billed.next_family()
    family.visitor.press(family.start_paying(), "Pay 2")
    eventually(lambda: family.owed() == 0)
    return family


def test_office_staff_may_not_refund(billed: Billed, refundable: Family) -> None:
    [(payment_id, *_)] = refundable.payments()
    path = f"/portal/fees/students/{refundable.student_id()}/refund/{payment_id}/"
    for role in ("office", "teacher"):
        assert billed.school.person(role).open(path).status == 403


def test_the_books_of_the_whole_school_are_square(billed: Billed, eventually: Eventually) -> None:
    """For every payment: allocations + credit = captured - refunded."""
    query = """
        SELECT p.id, p.captured_minor - p.refunded_minor,
            (SELECT coalesce(sum(amount_minor), 0) FROM fees_allocation a
              WHERE a.payment_id = p.id)
            + (SELECT coalesce(sum(amount_minor), 0) FROM fees_credit c WHERE c.payment_id = p.id)
        FROM payments_payment p
    """
    eventually(lambda: all(kept == booked for _id, kept, booked in billed.school.rows(query)))
    dead = billed.school.rows("SELECT consumer, error FROM dead_letter")
    assert dead == []
