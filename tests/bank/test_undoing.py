"""What was decided about a line is undone by contra entries."""

from __future__ import annotations

from unittest.mock import patch

from apps.fees.selectors import receipts
from apps.fees.services import bank, documents, links
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import LineTie, Payment
from tests.bank.lines import (
    LINES,
    balance,
    confirmed,
    imported,
    line,
    number_of,
    row,
    text,
    ticked,
)


def test_a_line_is_left_out_with_a_reason_and_opened_again(bursar, school):
    imported(row("12.00", text="Interest"))
    url = f"{LINES}{line().pk}"
    assert "Say why" in text(bursar.post(f"{url}/ignore/", {}, follow=True))

    bursar.post(f"{url}/ignore/", {"reason": "Interest of the bank"})

    assert (line().state, line().reason) == ("ignored", "Interest of the bank")
    assert "Interest of the bank" in text(bursar.get(f"{LINES}?state=ignored"))
    bursar.post(f"{url}/undo/")
    assert line().state == "open"


def test_a_match_is_undone_by_contra_and_can_be_made_otherwise(bursar, family, drain):
    imported(row("450.00", text=number_of(family.child)))
    bank.confirm(ticked(line().pk), actor="bursar")
    drain()
    first = Payment.objects.get()

    bursar.post(f"{LINES}{line().pk}/undo/")
    drain()

    assert (line().state, line().plan) == ("open", None)
    assert balance(family.child) == 45000
    first.refresh_from_db()
    assert (first.captured_minor, first.refunded_minor) == (45000, 45000)
    part = [bank.Part(student_id=family.children[1].pk, amount_minor=45000)]
    bank.record(line().pk, part, actor="bursar")
    drain()
    assert [balance(child) for child in family.children] == [45000, 0]
    assert LineTie.objects.filter(undone_at=None).count() == 1


def test_a_match_of_which_a_part_was_given_back_stays(bursar, family, drain):
    """The whole line would be open again, and the part that is gone be recorded once more."""
    imported(row("450.00", text=number_of(family.child)))
    confirmed()
    payments.request_refund(
        payment_id=Payment.objects.get().pk,
        amount_minor=5000,
        reason="Too much",
        actor="bursar",
        idempotency_key="a part",
    )

    answer = bursar.post(f"{LINES}{line().pk}/undo/", follow=True)

    assert "A part of this payment was given back already" in text(answer)
    assert (line().state, models.Refund.objects.count()) == ("matched", 1)


def test_an_undone_match_is_owed_again_at_once(bursar, family, drain):
    imported(row("450.00", text=number_of(family.child)))
    confirmed()
    drain()

    bursar.post(f"{LINES}{line().pk}/undo/")

    assert balance(family.child) == 45000, "before any worker comes"


def test_a_family_is_told_that_a_match_was_a_mistake_and_of_no_money(family, drain):
    imported(row("450.00", text=number_of(family.child)))
    confirmed()
    drain()

    bank.undo(line().pk, actor="bursar")
    drain()

    letter = Message.objects.get(kind="refund")
    assert "a payment of $450.00 was recorded for you by mistake" in letter.subject
    for words in (letter.body_text, letter.body_html):
        assert "Nothing was taken from you or sent to you" in words
        assert "we sent" not in words
        assert "your bank" not in words


def test_the_receipt_and_the_account_say_reversed(bursar, anonymous, family, drain):
    imported(row("450.00", text=number_of(family.child)))
    confirmed()
    drain()
    payment = Payment.objects.get()
    before = receipts.get_receipt(payment_id=payment.pk)
    assert (before.is_void, before.refunds) == (False, ())

    bank.undo(line().pk, actor="bursar")
    drain()

    receipt = receipts.get_receipt(payment_id=payment.pk)
    [gone] = receipt.refunds
    assert (receipt.is_void, gone.reversed, gone.amount_minor) == (True, True, 45000)
    assert gone.text == "Matched to the bank statement by mistake"
    page = text(bursar.get(f"/portal/fees/students/{family.child.pk}/"))
    assert f"Payment of {number_of(family.child)} reversed" in page
    assert "Refund of" not in page
    family_page = anonymous()
    family_page.get(links.family_link_path(guardian_id=family.guardian.pk))
    shown = text(family_page.get(f"/family/receipts/{payment.pk}/"))
    assert "Reversed: Matched to the bank statement by mistake" in shown
    assert "this receipt is no proof of payment" in shown
    assert "reversed" in text(family_page.get("/family/history/"))
    shown = text(family_page.get(f"/family/payments/{payment.pk}/"))
    assert "Your payment of $450.00 was taken back" in shown
    assert "$900.00 is left to pay" in shown
    assert "Thank you" not in shown
    assert "Taken back: Matched" in text(bursar.get("/portal/fees/reports/refunds/"))
    assert "Taken back: Matched" in read(bursar.get("/portal/fees/reports/refunds/file/"))
    words = receipt_words(receipt)
    assert "Reversed: Matched to the bank statement by mistake" in words
    assert "this receipt is no proof of payment" in words
    assert "Thank you" not in words


def read(response):
    return b"".join(response.streaming_content).decode()


def receipt_words(receipt):
    """What the PDF is made of."""
    with patch("apps.fees.services.documents.render") as render:
        documents.receipt_pdf(receipt)
    return repr(render.call_args.args[0])
