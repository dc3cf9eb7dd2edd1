"""Reconciliation in the portal: only exceptions, each with what it means and what to do."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.payments import models
from apps.payments.models import Discrepancy, Payout, PayoutLine, ReconciliationRun
from apps.payments.portal.exception_texts import MEANINGS
from apps.payments.services.reconcile import compare, schedule

PAGE = "/portal/payments/reconciliation/"


@pytest.fixture
def bursar(client_for):
    return client_for("bursar")


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def found(books):
    """One exception: a charge that is none of ours."""
    charge = books.charge(books.paid())
    shop = charge | {"id": "ch_shop", "metadata": {}, "payment_intent": "pi_shop"}
    books.store.put(books.key, "charge", shop)
    books.gateway.move(books.key, shop, 900, kind="charge")
    books.run()
    return Discrepancy.objects.get(state="open")


def test_every_class_says_what_it_means_and_what_to_do():
    assert set(MEANINGS) == set(compare.KINDS)
    assert all(m.title and m.sentence and m.action for m in MEANINGS.values())


def test_nothing_compared_and_nothing_open(bursar, account):
    page = text(bursar.get(PAGE))

    assert "Nothing has been compared yet" in page
    assert "Nothing is open" in page


def test_an_exception_with_its_sums_and_its_window(bursar, books):
    charge = books.charge(books.paid())
    books.change("charge", charge, amount_captured=24000)
    books.run()

    page = text(bursar.get(PAGE))

    assert "The gateway took another amount than was asked for or booked." in page
    assert "Mina Park" in page
    assert charge["id"] in page
    assert "$250.00" in page
    assert "$240.00" in page
    assert "1 line at the gateway compared" in page
    assert 'aria-current="page"' in bursar.get(PAGE).content.decode()


def test_an_exception_is_left_with_a_reason_that_is_kept(bursar, books):
    item = found(books)
    url = f"{PAGE}{item.pk}/accept/"

    refused = bursar.post(url, {}, follow=True)
    assert "Say why it is left as it is." in text(refused)
    assert Discrepancy.objects.get(pk=item.pk).state == "open"

    done = bursar.post(url, {f"{item.pk}-reason": "The shop uses the account"}, follow=True)

    assert "It is left as it is, with your reason." in text(done)
    assert "ch_shop" not in text(done)
    shown = text(bursar.get(PAGE + "?state=accepted"))
    assert "The shop uses the account" in shown
    assert "bursar@example.org" in shown


def test_the_list_is_searched(bursar, books):
    found(books)

    assert "ch_shop" in text(bursar.get(PAGE + "?q=ch_shop"))
    assert "No exception matches this search." in text(bursar.get(PAGE + "?q=nobody"))
    assert "ch_shop" in text(bursar.get(PAGE + "?state=all"))
    assert "ch_shop" in text(bursar.get(PAGE + "?state=nonsense"))


def test_asking_again_puts_it_right(bursar, books):
    payment_id = books.paid(heard=False)
    session = books.store.all(books.key, "session")[0]
    intent, status = session["payment_intent"], session["status"]
    books.change("session", session, payment_intent=None, status="expired")
    books.run()
    item = Discrepancy.objects.get()
    books.change("session", session, payment_intent=intent, status=status)

    answer = bursar.post(f"{PAGE}{item.pk}/ask/", follow=True)

    assert "The gateway was asked." in text(answer)
    assert models.Payment.objects.get(pk=payment_id).captured_minor == 25000
    schedule.look_after()
    assert Discrepancy.objects.get().state == "resolved"


def test_a_gateway_that_does_not_answer_is_told(bursar, books):
    charge = books.charge(books.paid())
    books.remove_lines(charge["id"])
    books.run()
    books.sandbox.app.faults.fail["checkout/sessions"] = [500] * 3

    answer = bursar.post(f"{PAGE}{Discrepancy.objects.get().pk}/ask/", follow=True)

    assert "The payment gateway does not answer" in text(answer)


def test_comparing_now_is_done_by_a_worker_with_progress(bursar, books):
    answer = bursar.post(f"{PAGE}now/", follow=True)

    assert "A worker takes it up in a few seconds." in text(answer)
    assert 'data-poll="2"' in answer.content.decode()
    ReconciliationRun.objects.update(state="running", done=3, total=8, seen_at=timezone.now())
    assert "3 / 8" in text(bursar.get(PAGE))
    ReconciliationRun.objects.update(state="queued")
    schedule.look_after()
    assert "data-poll" not in bursar.get(PAGE).content.decode()


def test_comparing_needs_an_account(bursar, school):
    models.GatewayAccount.objects.all().delete()

    answer = bursar.post(f"{PAGE}now/", follow=True)

    assert "There is no gateway account to compare with." in text(answer)


def test_a_failed_run_says_that_nothing_was_concluded(bursar, books):
    books.sandbox.app.faults.fail["balance_transactions"] = [500] * 3
    books.run()

    for url in (PAGE, f"{PAGE}runs/"):
        assert "The gateway had an internal error." in text(bursar.get(url))
    assert "nothing was concluded" in text(bursar.get(PAGE))


def test_runs_are_listed_with_who_asked(bursar, books):
    schedule.ask_for_runs(actor="bursar@example.org")
    schedule.look_after()

    page = text(bursar.get(f"{PAGE}runs/"))

    assert "bursar@example.org" in page
    assert "In the morning, by itself" in page


def test_a_page_of_a_payout_reads_its_own_lines_only(bursar, account):
    payout = Payout.objects.create(
        account=account,
        payout_id="po_1",
        status="paid",
        currency="USD",
        net_minor=230,
        arrives_on=timezone.now().date(),
        made_at=timezone.now(),
    )
    rows = [
        PayoutLine(
            payout=payout,
            transaction_id=f"txn_{number}",
            kind="charge",
            object_id=f"ch_{number}",
            gross_minor=1,
            fee_minor=0,
            net_minor=1,
            at=timezone.now(),
        )
        for number in range(230)
    ]
    PayoutLine.objects.bulk_create(rows)

    with CaptureQueriesContext(connection) as captured:
        page = bursar.get(f"/portal/payments/payouts/{payout.pk}/?page=2")

    assert len(page.context["lines"]) == 100
    reads = [q["sql"] for q in captured if 'FROM "payments_payoutline"' in q["sql"]]
    assert len(reads) == 2, "how many there are, and those of the page"
    assert ["LIMIT 100" in sql for sql in reads] == [False, True]


def test_a_payout_with_what_it_is_made_of(bursar, books):
    assert "No payouts yet" in text(bursar.get("/portal/payments/payouts/"))
    payment_id = books.paid()
    books.refund(payment_id, 5000)
    books.gateway.pay_out(books.key)
    books.run()
    payout = Payout.objects.get()

    listed = text(bursar.get("/portal/payments/payouts/"))
    shown = bursar.get(f"/portal/payments/payouts/{payout.pk}/")

    assert "$250.00" in listed
    assert "-$50.00" in listed
    assert "-$7.55" in listed
    assert "$192.45" in listed
    assert f"/portal/payments/{payment_id}/" in shown.content.decode()
    assert "Payout of $192.45" in text(shown)
    assert "$192.45" in text(bursar.get(f"/portal/payments/payouts/?q={payout.payout_id}"))
    assert "No payout has this number." in text(bursar.get("/portal/payments/payouts/?q=po_none"))


@pytest.mark.parametrize("role", ["office", "teacher", "guardian"])
def test_only_those_who_see_money_may_look(client_for, books, role):
    item = found(books)
    client = client_for(role)

    assert client.get(PAGE).status_code == 403
    assert client.post(f"{PAGE}now/").status_code == 403
    assert client.post(f"{PAGE}{item.pk}/accept/").status_code == 403
    assert client.get("/portal/payments/payouts/").status_code == 403
    assert Discrepancy.objects.get(pk=item.pk).state == "open"
