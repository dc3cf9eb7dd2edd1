"""Steps 6 and 7: a parent pays on the gateway's hosted page; every way it can end is right.

The gateway is the sandbox on its own port: real HTTP both ways, signed messages included.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.browserless import Page, Visitor, at_once
from tests.flows.families import (
    FAMILIES,
    LUNCH,
    OWED,
    TUITION,
    Billed,
    Family,
    amounts,
    dollars,
    invoice_ids,
    story,
)
from tests.flows.letters import Letters, link_in, text_of

pytestmark = pytest.mark.flow

Eventually = Callable[..., Any]


def assert_paid_once(family: Family, letters: Letters, eventually: Eventually) -> str:
    """One payment, one capture, one receipt, one mail, settled invoices; returns its id."""
    eventually(lambda: family.owed() == 0)
    paid = [row for row in family.payments() if row[2]]
    assert [(status, captured) for _id, status, captured, _r in paid] == [("captured", OWED)]
    payment_id = paid[0][0]
    assert story(family.school, payment_id).count("captured") == 1
    query = "SELECT amount_minor FROM fees_receipt WHERE payment_id = %s"
    assert family.school.rows(query, payment_id) == [(OWED,)]
    settled = "SELECT sum(amount_minor) FROM fees_allocation WHERE invoice_id = %s"
    for invoice_id in invoice_ids(family.school, f"Fam{family.number:02}"):
        assert family.school.rows(settled, invoice_id)[0][0] in (TUITION, LUNCH)
    mails = receipts(family, letters, eventually)
    assert len(mails) == 1
    assert OWED in amounts(text_of(mails[0]))
    return payment_id


def receipts(family: Family, letters: Letters, eventually: Eventually) -> list[Any]:
    def found() -> list[Any]:
        return [mail for mail in letters.to(family.email) if "/receipts/" in text_of(mail)]

    eventually(found)
    drained(family)
    return found()


def drained(family: Family) -> bool:
    """No event waits and no message of the gateway is unread."""
    waiting = family.school.rows(
        "SELECT (SELECT count(*) FROM outbox_event), "
        "(SELECT count(*) FROM payments_providerevent WHERE state = 'received')"
    )
    return waiting == [(0, 0)]


def test_the_whole_family_is_paid_with_one_button(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    hosted = family.start_paying()
    assert hosted.url.startswith(family.school.running.sandbox)
    assert "TEST" in hosted.text
    assert f"{OWED / 100:.2f} USD" in hosted.text
    back = family.visitor.press(hosted, "Pay 2")
    assert back.url.startswith(family.school.address)
    assert f"Paid: {dollars(OWED)}" in back.text

    receipt = family.visitor.open(back.link("/receipts/"))
    assert amounts(receipt.text)[-1] == OWED
    assert "Ada" in receipt.text
    pdf = family.visitor.open(receipt.link("receipt.pdf"))
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")

    assert_paid_once(family, letters, eventually)
    balance = family.balance()
    assert "All paid" in balance.text
    # The receipt's link in the mail opens that receipt, without a login, on any device.
    elsewhere = Visitor(family.school.address)
    mail = receipts(family, letters, eventually)[0]
    assert elsewhere.open(link_in(mail, "/receipts/")).text == receipt.text


def test_the_signed_message_is_kept_raw_and_processed(
    family: Family, eventually: Eventually
) -> None:
    family.visitor.press(family.start_paying(), "Pay 2")
    [(payment_id, *_)] = family.payments()

    def messages() -> list[Any]:
        query = "SELECT event_type, state, body FROM payments_providerevent WHERE payment_id = %s"
        found = family.school.rows(query, payment_id)
        done = {kind for kind, state, _body in found if state == "processed"}
        return found if {"checkout.session.completed", "payment_intent.succeeded"} <= done else []

    for kind, _state, body in eventually(messages):
        assert re.search(r'"object": ?"event"', body)
        assert f'"{kind}"' in body
    # The gateway sends everything twice: each is kept once.
    assert story(family.school, payment_id).count("captured") == 1


def test_pay_later_is_being_confirmed_until_the_bank_agrees(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    page = family.visitor.press(family.start_paying(), "the bank confirms")
    assert "being confirmed" in page.text
    assert family.owed() == OWED
    assert "Do not pay again" in page.text
    paid = eventually(lambda: "Paid:" in family.visitor.open(page.url).text)
    assert paid
    payment_id = assert_paid_once(family, letters, eventually)
    assert story(family.school, payment_id)[:2] == ["initiated", "session_created"]
    assert "processing" in story(family.school, payment_id)


def test_pay_later_that_the_bank_refuses_leaves_the_bill_open(
    family: Family, eventually: Eventually
) -> None:
    page = family.visitor.press(family.start_paying(), "the bank refuses")
    assert "being confirmed" in page.text
    eventually(lambda: "declined" in family.visitor.open(page.url).text)
    assert family.owed() == OWED
    [(payment_id, status, captured, _)] = family.payments()
    assert (status, captured) == ("declined", 0)
    # ... and nothing stands in the way of another try.
    again = family.start_paying()
    assert family.visitor.press(again, "Pay 2").text.count("Paid:") == 1
    assert "captured" not in story(family.school, payment_id)


def test_a_declined_card_can_be_followed_by_a_good_one(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    hosted = family.start_paying()
    declined = family.visitor.press(hosted, "Decline")
    assert "The card was declined" in declined.text
    assert family.owed() == OWED
    back = family.visitor.open(declined.link("Cancel and go back"))
    assert back.path.startswith("/family/payments/")
    assert "Paid:" not in back.text
    assert "declined" in back.text
    family.visitor.press(declined, "Pay 2")
    assert_paid_once(family, letters, eventually)


def test_cancel_takes_no_money_and_pay_works_again(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    hosted = family.start_paying()
    back = family.visitor.open(hosted.link("Cancel and go back"))
    assert "You have not paid yet" in back.text
    assert "No money was taken" in back.text
    given_up = family.visitor.press(back, "Cancel this payment")
    assert "was cancelled" in given_up.text
    assert family.owed() == OWED
    # The old hosted page is closed, so that a forgotten tab cannot pay what was cancelled.
    assert "no longer open" in family.visitor.open(hosted.url).text
    family.visitor.press(family.start_paying(), "Pay 2")
    assert_paid_once(family, letters, eventually)
    assert [row[1] for row in family.payments()] == ["cancelled", "captured"]


def test_paying_and_never_coming_back_is_settled_by_the_message_alone(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    hosted = family.start_paying()
    page = family.visitor.press(hosted, "Pay 2", follow=False)
    assert page.status == 303  # the browser is closed here
    assert_paid_once(family, letters, eventually)


def test_closing_the_browser_before_paying_changes_nothing(family: Family) -> None:
    first = family.start_paying()
    balance = family.balance()
    assert "You started a payment" in balance.text
    assert family.owed() == OWED
    # Pay again leads to the very page that was left.
    assert family.start_paying().url == first.url
    assert len(family.payments()) == 1


def test_a_double_click_on_pay_starts_one_payment(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    answers = family.visitor.press_twice(family.balance(), "Pay $")
    assert [page.status for page in answers] == [302, 302]
    assert len({page.headers["Location"] for page in answers}) == 1
    assert len(family.payments()) == 1
    hosted = family.visitor.open(answers[0].headers["Location"])
    family.visitor.press_twice(hosted, "Pay 2")
    assert_paid_once(family, letters, eventually)


def test_two_guardians_at_once_pay_once(
    billed: Billed, family: Family, letters: Letters, eventually: Eventually
) -> None:
    letter = eventually(lambda: letters.to(family.other_email))[0]
    other = Visitor(family.school.address)
    pages = [
        (family.visitor, family.balance()),
        (other, other.open(link_in(letter, "/family/l/"))),
    ]
    answers = at_once(*[lambda v=v, p=p: v.press(p, "Pay $", follow=False) for v, p in pages])
    assert sorted(page.status for page in answers) == [302, 409]
    winner = next(i for i, page in enumerate(answers) if page.status == 302)
    loser = pages[1 - winner][0]
    assert "Being paid now by another guardian" in answers[1 - winner].text
    assert "Being paid now by another guardian" in loser.open("/family/").text

    visitor = pages[winner][0]
    visitor.press(visitor.open(answers[winner].headers["Location"]), "Pay 2")
    eventually(lambda: family.owed() == 0)
    assert [(row[1], row[2]) for row in family.payments()] == [("captured", OWED)]
    # The other one now reads that all is paid; an old page's button takes nothing.
    late = loser.press(pages[1 - winner][1], "Pay $")
    assert "nothing left to pay" in late.text or "All paid" in late.text
    assert len(family.payments()) == 1


def test_a_part_can_be_paid_and_the_rest_later(family: Family, eventually: Eventually) -> None:
    balance = family.balance()
    hosted = family.visitor.press(balance, "Pay what I chose", amount="100.01")
    assert "100.01 USD" in hosted.text
    family.visitor.press(hosted, "Pay 1")
    eventually(lambda: family.owed() == OWED - 10_001)
    assert amounts(family.balance().text)[0] == OWED - 10_001
    too_much = family.visitor.press(family.balance(), "Pay what I chose", amount="9999")
    assert "more than is owed" in too_much.text
    for bad in ("-1", "0", "abc"):
        page = family.visitor.press(family.balance(), "Pay what I chose", amount=bad)
        assert page.path == "/family/", bad
    assert len(family.payments()) == 1


def test_another_familys_invoices_cannot_be_chosen(billed: Billed, onlooker: Family) -> None:
    foreign = invoice_ids(billed.school, f"Fam{FAMILIES}")
    page = onlooker.visitor.press(onlooker.balance(), "Pay what I chose", invoices=foreign)
    assert page.status == 404
    assert onlooker.payments() == []


def test_one_family_cannot_see_anothers_payment_or_receipt(
    onlooker: Family, family: Family
) -> None:
    family.visitor.press(family.start_paying(), "Pay 2")
    [(payment_id, *_)] = family.payments()
    onlooker.balance()
    for path in (f"/family/payments/{payment_id}/", f"/family/receipts/{payment_id}/",
                 f"/family/receipts/{payment_id}/receipt.pdf"):  # fmt: skip
        assert onlooker.visitor.open(path).status == 404
        assert Visitor(family.school.address).open(path).status == 403


def test_nothing_is_lost_while_the_worker_is_down(
    family: Family, letters: Letters, eventually: Eventually
) -> None:
    stack = family.school.running.stack
    stack.stop_one("worker")
    try:
        hosted = family.start_paying()
        answer: Page = family.visitor.press(hosted, "Pay 2", follow=False)
        assert answer.status == 303
        query = "SELECT count(*) FROM payments_providerevent WHERE state = 'received'"
        eventually(lambda: family.school.rows(query)[0][0] >= 2)
        assert family.owed() == OWED
        # The page asks the gateway itself, so it tells the truth without the worker.
        assert "Paid:" in family.visitor.open(answer.headers["Location"]).text
        assert [mail for mail in letters.to(family.email) if "/receipts/" in text_of(mail)] == []
    finally:
        stack.start_one("worker")
    eventually(lambda: receipts(family, letters, eventually), seconds=40)
    assert_paid_once(family, letters, eventually)
    eventually(lambda: drained(family), seconds=40)
