"""Refunds, disputes and payouts in whole runs against the sandbox gateway."""

from __future__ import annotations

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.models import Discrepancy, Payout
from apps.payments.services import sync
from apps.payments.services.reconcile import compare


def test_a_refund_in_the_dashboard_until_it_is_booked(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    refund = books.gateway.create_refund(books.key, {"charge": charge["id"], "amount": "700"})

    books.run()

    assert books.open() == [(compare.EXTERNAL_REFUND, refund["id"])]
    [row] = Discrepancy.objects.all()
    assert (row.payment_id, row.refund.amount_minor) == (payment_id, 700)

    payments.book_external_refund(refund_id=row.refund_id, actor="bursar")
    assert books.run().found == 0


def test_a_refund_of_another_amount(books):
    refund = books.refund(books.paid())
    body = books.store.all(books.key, "refund")[0]
    books.change("refund", body, amount=900)

    books.run()

    assert books.open() == [(compare.REFUND_AMOUNT_MISMATCH, refund.provider_refund_id)]


def test_a_refund_that_is_not_in_their_books(books):
    refund = books.refund(books.paid())
    books.remove_lines(refund.provider_refund_id)

    books.run()

    assert books.open() == [(compare.LOCAL_REFUND_MISSING, refund.provider_refund_id)]


def test_a_refund_that_failed_is_learnt_by_the_run(books, heard):
    refund = books.refund(books.paid())
    books.gateway.finish_refund(books.key, refund.provider_refund_id, "failed", "expired_card")

    assert books.run().found == 0

    refund.refresh_from_db()
    assert (refund.status, len(heard("payments.refund_failed"))) == ("failed", 1)


def test_a_refund_whose_failure_only_the_books_know(books):
    refund = books.refund(books.paid())
    body = books.store.all(books.key, "refund")[0]
    books.gateway.move(books.key, body, 1000, kind="refund_failure")

    books.run()

    assert books.open() == [(compare.STATUS_MISMATCH, refund.provider_refund_id)]


def test_a_dispute_is_imported_by_the_run_itself(books):
    charge = books.charge(books.paid())
    books.gateway.open_dispute(books.key, charge["id"])

    assert books.run().found == 0

    assert models.Dispute.objects.get().amount_minor == 25000


def test_an_inquiry_of_which_a_dispute_was_made_unheard_is_found_by_the_run(books):
    payment_id = books.paid()
    made = books.gateway.open_dispute(books.key, books.charge(payment_id)["id"], inquiry=True)
    sync.look(payment_id)
    books.gateway.escalate_inquiry(books.key, made["id"])

    assert books.run().found == 0

    assert set(models.Dispute.objects.values_list("status", flat=True)) == {
        "inquiry_closed",
        "open",
    }


def test_a_dispute_nobody_knows_of(books):
    charge = books.charge(books.paid())
    books.store.put(books.key, "charge", charge | {"id": "ch_shop", "metadata": {}})
    dispute = books.gateway.open_dispute(books.key, "ch_shop", amount=900)

    books.run()

    assert books.open() == [(compare.UNKNOWN_DISPUTE, dispute["id"])]


def test_payouts_are_netted_and_tied_to_payments(books):
    payment_id = books.paid()
    books.refund(payment_id, 5000)
    [body] = books.gateway.pay_out(books.key)

    books.run()
    books.run()

    payout = Payout.objects.get()
    assert (payout.payout_id, payout.status) == (body["id"], "paid")
    assert (payout.gross_minor, payout.refunds_minor, payout.fees_minor) == (25000, -5000, -755)
    assert (payout.net_minor, payout.line_count) == (19245, 2)
    assert {line.payment_id for line in payout.lines.all()} == {payment_id}

    books.gateway.fail_payout(books.key, body["id"])
    books.run()
    assert Payout.objects.get().status == "failed"
