"""Payments that a bank took back: the books, the decision, and that nobody is dunned meanwhile."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import Sum
from django.utils import timezone

from apps.fees import facade as fees
from apps.fees.models import Allocation, Charge, Credit, DisputeLoss
from apps.fees.selectors import books, invoices, ledger, receipts
from apps.fees.selectors import family as families
from apps.fees.services import disputes, refunds
from apps.fees.services.split import split_outgoing
from apps.fees.tests import factories as make
from kernel.errors import Conflict, Invalid, NotFound
from kernel.schools import today


def total(model, **where):
    return model.objects.filter(**where).aggregate(total=Sum("amount_minor"))["total"] or 0


def kept(payment_id):
    return total(Allocation, payment_id=payment_id) + total(Credit, payment_id=payment_id)


def decided(payment_id, amount, dispute_id=None):
    return disputes.Decided(
        dispute_id=dispute_id or uuid4(),
        payment_id=payment_id,
        amount_minor=amount,
        currency="USD",
        at=timezone.now(),
    )


@pytest.fixture
def family(room):
    return make.make_family(room)


@pytest.fixture
def paid(room, family):
    """An invoice of 450 paid with 500: 50 are credit."""
    make.bill(room, due_on=today())
    [invoice] = make.owed(family.child)
    return invoice, make.capture(family.guardian, 50000, [(invoice.id, 45000)])


def test_a_lost_dispute_opens_the_invoice_again_once(paid, family, room):
    invoice, payment_id = paid
    lost = decided(payment_id, 50000)

    assert disputes.book_loss(lost)
    assert not disputes.book_loss(lost)

    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 45000
    assert kept(payment_id) == 0
    assert families.credit_of(household_id=family.guardian.household_id) == 0
    entry = ledger.student_ledger(student_id=family.child.pk).entries[-1]
    assert (entry.kind, entry.amount_minor) == ("dispute_lost", 45000)
    receipt = receipts.get_receipt(payment_id=payment_id)
    assert receipt.refunded_minor == 50000
    assert [line.text for line in receipt.refunds] == ["Taken back by the payer’s bank"]
    assert books.problems() == []


def test_a_part_takes_unused_credit_first(paid):
    invoice, payment_id = paid
    disputes.book_loss(decided(payment_id, 6000))

    assert total(Credit, payment_id=payment_id) == 0
    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 1000


def test_nobody_is_reminded_until_staff_has_decided(paid, family):
    invoice, payment_id = paid
    lost = decided(payment_id, 45000)
    disputes.book_loss(lost)
    assert fees.open_invoices_due([today()]) == []

    disputes.decide(dispute_id=lost.dispute_id, decision="owed", actor=make.ACTOR)

    assert [row.id for row in fees.open_invoices_due([today()])] == [invoice.id]
    with pytest.raises(Conflict):
        disputes.decide(dispute_id=lost.dispute_id, decision="waived", actor=make.ACTOR)


def test_a_loss_is_written_off_as_far_as_it_is_still_open(paid, family):
    invoice, payment_id = paid
    lost = decided(payment_id, 50000)
    disputes.book_loss(lost)
    make.capture(family.guardian, 15000, [(invoice.id, 15000)])

    disputes.decide(dispute_id=lost.dispute_id, decision="waived", actor=make.ACTOR)

    info = invoices.get_invoice(invoice_id=invoice.id)
    assert (info.charged_minor, info.paid_minor, info.balance_minor) == (15000, 15000, 0)
    assert Charge.objects.get(rule="write_off_for_dispute").created_by == make.ACTOR


def test_a_bank_that_turns_round_pays_the_invoice_again(paid, family, published):
    invoice, payment_id = paid
    lost = decided(payment_id, 50000)
    disputes.book_loss(lost)
    before = len(published("fees.invoice_settled"))

    assert disputes.book_win(lost)
    assert not disputes.book_win(lost)

    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 0
    assert kept(payment_id) == 50000
    assert total(Credit, payment_id=payment_id) == 5000
    assert len(published("fees.invoice_settled")) == before + 1
    assert DisputeLoss.objects.get().state == "returned"
    assert receipts.get_receipt(payment_id=payment_id).refunds == ()


def test_what_was_written_off_is_owed_again_when_the_money_comes_back(paid, family):
    invoice, payment_id = paid
    lost = decided(payment_id, 50000)
    disputes.book_loss(lost)
    disputes.decide(dispute_id=lost.dispute_id, decision="waived", actor=make.ACTOR)

    disputes.book_win(lost)

    info = invoices.get_invoice(invoice_id=invoice.id)
    assert (info.charged_minor, info.paid_minor) == (45000, 45000)
    assert families.credit_of(household_id=family.guardian.household_id) == 5000


def test_a_win_without_a_loss_books_nothing(paid):
    _invoice, payment_id = paid
    assert not disputes.book_win(decided(payment_id, 50000))
    assert not disputes.book_win(decided(uuid4(), 50000))
    assert kept(payment_id) == 50000


def test_refunded_and_then_taken_by_the_bank_the_family_owes_both(paid):
    invoice, payment_id = paid
    refunds.book_refund(
        refunds.Refunded(
            refund_id=uuid4(),
            payment_id=payment_id,
            amount_minor=20000,
            reason="Sorry",
            completed_at=timezone.now(),
        )
    )
    lost = decided(payment_id, 50000)
    disputes.book_loss(lost)

    assert kept(payment_id) == -20000
    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 45000 + 20000
    disputes.book_win(lost)
    assert kept(payment_id) == 30000


def test_credit_that_was_refunded_and_taken_is_below_zero(room, family):
    payment_id = make.capture(family.guardian, 3000)
    refunds.book_refund(
        refunds.Refunded(
            refund_id=uuid4(),
            payment_id=payment_id,
            amount_minor=1000,
            reason="Sorry",
            completed_at=timezone.now(),
        )
    )
    disputes.book_loss(decided(payment_id, 3000))

    assert total(Credit, payment_id=payment_id) == -1000
    assert books.problems() == []
    assert DisputeLoss.objects.get().state == "owed"


def test_a_refund_on_its_way_when_the_bank_took_everything_is_owed_too(paid):
    invoice, payment_id = paid
    disputes.book_loss(decided(payment_id, 50000))

    assert refunds.book_refund(
        refunds.Refunded(
            refund_id=uuid4(),
            payment_id=payment_id,
            amount_minor=20000,
            reason="Sorry",
            completed_at=timezone.now(),
        )
    )

    assert kept(payment_id) == -20000
    assert invoices.get_invoice(invoice_id=invoice.id).balance_minor == 65000


@pytest.mark.parametrize("amount", range(0, 130, 7))
def test_what_a_bank_took_is_divided_without_rest(amount):
    a, b = uuid4(), uuid4()
    taken, credit = split_outgoing(amount=amount, given=[(a, 40), (b, 30)], credit=20, fallback=a)
    assert sum(taken.values()) + credit == amount
    assert credit <= 20


def test_decisions_that_cannot_be(paid):
    with pytest.raises(NotFound):
        disputes.decide(dispute_id=uuid4(), decision="owed", actor=make.ACTOR)
    with pytest.raises(Invalid):
        disputes.decide(dispute_id=uuid4(), decision="returned", actor=make.ACTOR)


def test_the_page_of_lost_disputes(paid, client_for, anonymous):
    invoice, payment_id = paid
    bursar = client_for("bursar")
    assert "Nothing to decide" in bursar.get("/portal/fees/disputes/").content.decode()
    lost = decided(payment_id, 50000)
    disputes.book_loss(lost)
    url = f"/portal/fees/disputes/{lost.dispute_id}/decide/"

    text = bursar.get("/portal/fees/disputes/").content.decode()
    assert invoice.number in text
    assert "Write off $500.00?" in text
    assert "Lost disputes" in bursar.get("/portal/fees/invoices/").content.decode()
    office = client_for("office")
    assert "Write off" not in office.get("/portal/fees/disputes/").content.decode()
    assert office.post(url, {"decision": "waived"}).status_code == 403
    assert bursar.post(url, {"decision": "nonsense"}).status_code == 422
    assert bursar.post(url, {"decision": "waived"}).status_code == 302
    assert bursar.post(url, {"decision": "owed"}).status_code == 302  # too late, and said
    assert DisputeLoss.objects.get().state == "waived"


def test_the_ledger_says_what_waits(paid, family, client_for):
    _invoice, payment_id = paid
    disputes.book_loss(decided(payment_id, 45000))

    page = client_for("bursar").get(f"/portal/fees/students/{family.child.pk}/")

    assert "nobody is reminded of it until you decide" in page.content.decode()
    assert fees.open_invoices_due([today() + timedelta(days=1)]) == []
