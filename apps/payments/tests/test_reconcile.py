"""Whole runs against the sandbox gateway: each fault is planted in its books or in ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.payments import demo, models
from apps.payments import facade as payments
from apps.payments.models import Discrepancy, Payout, ReconciliationRun
from apps.payments.providers import base
from apps.payments.services import mismatches, sync
from apps.payments.services.reconcile import compare, results, running, schedule, windows
from apps.payments.tests.factories import LineFactory, counter, start
from kernel.errors import Conflict, Invalid


@pytest.fixture
def books(account, sandbox):
    return Books(account, sandbox)


class Books:
    """The sandbox's books of the account, to change behind everybody's back."""

    def __init__(self, account, sandbox):
        self.account, self.sandbox, self.store = account, sandbox, sandbox.app.store

    @property
    def key(self):
        return self.sandbox.account()

    @property
    def gateway(self):
        return self.sandbox.app.gateway

    def paid(self, amount_minor=25000, *, heard=True):
        started = start(lines=[LineFactory(amount_minor=amount_minor)])
        self.sandbox.press(started, "pay")
        if heard:
            payments.sync(started.payment_id)
        return started.payment_id

    def charge(self, payment_id):
        charges = self.store.all(self.key, "charge")
        return next(c for c in charges if c["metadata"]["payment_id"] == str(payment_id))

    def change(self, kind, body, **values):
        self.store.put(self.key, kind, body | values)

    def remove_lines(self, object_id):
        for line in self.store.all(self.key, "balance_transaction"):
            if line["source"] == object_id:
                self.store.remove(self.key, line["id"])

    def refund(self, payment_id, amount_minor=1000):
        info = payments.request_refund(
            payment_id=payment_id,
            amount_minor=amount_minor,
            reason="Trip",
            actor="bursar",
            idempotency_key=f"{payment_id}:{amount_minor}",
        )
        return models.Refund.objects.get(pk=info.id)

    def run(self):
        span = windows.until_now(timezone.now())
        return running.perform(schedule.run_for(self.account, span).pk)

    def open(self):
        rows = Discrepancy.objects.filter(state=Discrepancy.OPEN)
        return sorted((row.kind, row.object_id) for row in rows)


def test_healthy_books(books):
    payment_id = books.paid()
    books.paid(700)
    books.refund(payment_id)
    payments.record_offline_payment(**counter())
    start()

    run = books.run()

    assert (run.state, run.transactions, run.payments, run.found) == ("done", 3, 2, 0)
    assert run.figures == {"USD": {"charged": 25700, "refunded": -1000, "fees": -805, "net": 23895}}
    assert books.open() == []


def test_a_day_with_no_activity(books):
    run = books.run()

    assert (run.state, run.transactions, run.payments, run.found) == ("done", 0, 0, 0)
    assert run.figures == {}


def test_money_we_had_not_heard_of_is_booked_by_the_run_itself(books, heard):
    payment_id = books.paid(heard=False)

    run = books.run()

    assert (run.found, books.open()) == (0, [])
    assert payments.get_payment(payment_id).status == "captured"
    assert len(heard("payments.payment_captured")) == 1


def test_money_that_cannot_be_booked_is_told(books):
    """The page does not know of it (another payment was put on it by hand)."""
    payment_id = books.paid(heard=False)
    charge = books.charge(payment_id)
    session = books.store.all(books.key, "session")[0]
    books.change("session", session, payment_intent=None, status="expired")

    books.run()

    assert books.open() == [(compare.PAID_AT_GATEWAY_NOT_LOCAL, charge["id"])]
    [row] = Discrepancy.objects.all()
    assert (row.payment_id, row.theirs_minor, row.ours_minor) == (payment_id, 25000, 25000)


def test_paid_here_and_not_in_their_books(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    books.remove_lines(charge["id"])

    books.run()

    assert books.open() == [(compare.LOCAL_PAID_MISSING_AT_GATEWAY, charge["id"])]


def test_a_page_that_the_gateway_has_forgotten_is_a_finding_and_no_failure(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    books.remove_lines(charge["id"])
    books.store.remove(books.key, models.Payment.objects.get().session_id)

    run = books.run()

    assert run.state == "done"
    assert books.open() == [(compare.LOCAL_PAID_MISSING_AT_GATEWAY, charge["id"])]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"amount": 24999, "amount_captured": 24999}, compare.AMOUNT_MISMATCH),
        ({"currency": "eur"}, compare.CURRENCY_MISMATCH),
    ],
)
def test_another_sum_or_currency(books, changes, kind):
    charge = books.charge(books.paid())
    books.change("charge", charge, **changes)

    books.run()

    assert books.open() == [(kind, charge["id"])]
    [row] = Discrepancy.objects.all()
    assert (row.ours_minor, row.ours_currency) == (25000, "USD")
    assert (row.theirs_minor, row.theirs_currency) == (
        changes.get("amount", 25000),
        changes.get("currency", "usd").upper(),
    )


def test_more_than_was_asked_for_waits_for_a_person_and_then_is_gone(books):
    books.gateway.behaviour.capture_difference = 5
    payment_id = books.paid()
    books.run()
    charge = books.charge(payment_id)
    assert books.open() == [(compare.AMOUNT_MISMATCH, charge["id"])]

    books.gateway.create_refund(books.key, {"charge": charge["id"]})
    mismatches.resolve(
        payment_id=payment_id,
        capture_id=charge["id"],
        decision="close",
        why="Refunded in the dashboard",
        actor="bursar",
    )
    books.run()

    assert books.open() == []
    assert Discrepancy.objects.get().state == Discrepancy.RESOLVED


def test_a_settlement_in_another_currency_is_no_mismatch(books):
    books.gateway.behaviour.settlement = ("eur", 0.9)
    books.refund(books.paid())

    run = books.run()

    assert (run.found, set(run.figures)) == (0, {"EUR"})


def test_a_charge_that_the_bank_takes_back(books):
    charge = books.charge(books.paid())
    books.gateway.move(books.key, charge, -25000, kind="charge_failure")

    books.run()

    assert books.open() == [(compare.STATUS_MISMATCH, charge["id"])]


def test_a_second_capture_of_the_same_payment(books):
    charge = books.charge(books.paid())
    again = charge | {"id": "ch_again"}
    books.store.put(books.key, "charge", again)
    books.gateway.move(books.key, again, 25000, kind="charge")

    books.run()

    assert books.open() == [(compare.SECOND_CAPTURE, "ch_again")]


def test_a_charge_that_is_none_of_ours(books):
    charge = books.charge(books.paid())
    shop = charge | {"id": "ch_shop", "metadata": {}, "payment_intent": "pi_shop"}
    books.store.put(books.key, "charge", shop)
    books.gateway.move(books.key, shop, 900, kind="charge")

    books.run()

    assert books.open() == [(compare.UNKNOWN_AT_LOCAL, "ch_shop")]


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


def test_a_key_that_is_refused_ends_the_run(books, monkeypatch):
    books.paid(heard=False)
    refused = base.Invalid("The key was revoked", code="authentication")
    monkeypatch.setattr(sync, "look", raises(refused))

    run = books.run()

    assert (run.state, run.error, books.open()) == ("failed", "The key was revoked", [])


def raises(error):
    def look(_payment_id):
        raise error

    return look


def test_what_a_person_decides_while_a_run_writes_stands(books, monkeypatch):
    charge = books.charge(books.paid())
    books.gateway.move(books.key, charge, -25000, kind="charge_failure")
    books.run()
    item = Discrepancy.objects.get()

    class Clock:
        """Between reading what is open and closing it."""

        @staticmethod
        def now():
            Discrepancy.objects.filter(pk=item.pk).update(state=Discrepancy.ACCEPTED)
            return timezone.now()

    run = item.first_seen
    monkeypatch.setattr(results, "timezone", Clock)
    results._resolve(run, set(), running._window(run))

    item.refresh_from_db()
    assert item.state == Discrepancy.ACCEPTED
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        found = [compare.Found(kind=item.kind, object_id=item.object_id, at=item.at)]
        results._known(run, found)
    assert "FOR UPDATE" in captured[0]["sql"]


def test_a_dispute_nobody_knows_of(books):
    charge = books.charge(books.paid())
    books.store.put(books.key, "charge", charge | {"id": "ch_shop", "metadata": {}})
    dispute = books.gateway.open_dispute(books.key, "ch_shop", amount=900)

    books.run()

    assert books.open() == [(compare.UNKNOWN_DISPUTE, dispute["id"])]


def test_the_same_charge_twice_in_their_books(books):
    charge = books.charge(books.paid())
    books.gateway.move(books.key, charge, 25000, kind="charge")

    books.run()

    assert books.open() == [(compare.DUPLICATE_ROW, charge["id"])]


def test_demonstration_payments_are_known_to_no_gateway(books):
    demo.demo_card_payment(
        payer_id=models.uuid7(),
        payer_name="Mina",
        payer_email="",
        lines=[LineFactory()],
        currency="USD",
        paid_at=timezone.now() - timedelta(hours=1),
    )

    assert books.run().found == 0


def test_a_payment_whose_payer_was_erased_is_still_ours(books):
    books.paid()
    models.Payment.objects.update(request={}, payer_email="")

    run = books.run()

    assert (run.payments, run.found) == (1, 0)


def test_another_accounts_payments_are_left_alone(books):
    payment_id = books.paid()
    charge = books.charge(payment_id)
    other = models.GatewayAccount.objects.create(
        provider="stripe", mode="sandbox", label="Trips", secret_key="sk_test_" + "o" * 32
    )
    models.Payment.objects.update(account=other)

    books.run()

    assert books.open() == [(compare.UNKNOWN_AT_LOCAL, charge["id"])]


def test_a_fetch_that_fails_concludes_nothing(books):
    books.paid()
    books.sandbox.app.faults.fail["balance_transactions"] = [500] * 3

    run = books.run()

    assert (run.state, books.open()) == ("failed", [])
    assert "internal error" in run.error
    assert run.finished_at


def test_a_payment_that_the_gateway_does_not_answer_about_stays_a_finding(books):
    """Its lines were read: the other payments need not wait for it."""
    books.paid(heard=False)
    books.sandbox.app.faults.fail["checkout/sessions"] = [500] * 3

    assert books.run().state == "done"
    assert [kind for kind, _object in books.open()] == [compare.PAID_AT_GATEWAY_NOT_LOCAL]


def test_the_same_window_is_one_run_and_one_exception(books):
    charge = books.charge(books.paid())
    books.remove_lines(charge["id"])

    first, second = books.run(), books.run()

    assert first.pk == second.pk
    assert (ReconciliationRun.objects.count(), Discrepancy.objects.count()) == (1, 1)


def test_an_exception_that_is_gone_is_resolved_and_opens_again_when_it_is_back(books):
    charge = books.charge(books.paid())
    line = books.store.all(books.key, "balance_transaction")[0]
    books.store.remove(books.key, line["id"])
    books.run()
    books.store.put(books.key, "balance_transaction", line)
    books.run()
    assert Discrepancy.objects.get().state == Discrepancy.RESOLVED

    books.remove_lines(charge["id"])
    books.run()

    assert Discrepancy.objects.get().state == Discrepancy.OPEN


def test_what_was_accepted_stays_accepted_while_it_is_the_same(books):
    charge = books.charge(books.paid())
    books.change("charge", charge, amount_captured=24000)
    books.run()
    row = Discrepancy.objects.get()
    with pytest.raises(Invalid, match="Say why"):
        results.accept(row.pk, reason="  ", actor="bursar")
    results.accept(row.pk, reason="Agreed with the bank", actor="bursar@example.org")
    with pytest.raises(Conflict):
        results.accept(row.pk, reason="Again", actor="bursar")

    assert books.run().found == 0
    row.refresh_from_db()
    assert (row.state, row.decided_by) == ("accepted", "bursar@example.org")

    books.change("charge", charge, amount_captured=23000)
    assert books.run().found == 1


def test_what_has_been_open_for_long_is_looked_at_again(books):
    """Five days ago a charge was missing; today its line is there."""
    payment_id = books.paid()
    charge, before = books.charge(payment_id), timezone.now() - timedelta(days=5)
    line = books.store.all(books.key, "balance_transaction")[0]
    models.Payment.objects.update(captured_at=before)
    books.store.remove(books.key, line["id"])
    run = schedule.run_for(books.account, windows.until_now(before + timedelta(hours=1)))
    running.perform(run.pk)
    assert books.open() == [(compare.LOCAL_PAID_MISSING_AT_GATEWAY, charge["id"])]

    line["created"] = int(before.timestamp())
    books.store.put(books.key, "balance_transaction", line)
    books.run()

    assert books.open() == []


def test_a_run_that_another_worker_is_at_is_left_to_it(books):
    run = schedule.run_for(books.account, windows.until_now(timezone.now()))
    ReconciliationRun.objects.update(state="running", seen_at=timezone.now())
    assert running.perform(run.pk).state == "running"

    ReconciliationRun.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert running.perform(run.pk).state == "done"


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


def test_the_number_of_queries_does_not_grow_with_the_payments(books):
    """Five hundred payments are compared with the statements of five."""
    counts = {}
    books.run()
    for size in (5, 500):
        _make_paid(books, size - models.Payment.objects.count())
        with CaptureQueriesContext(connection) as captured:
            run = books.run()
        assert (run.state, run.payments, run.transactions, run.found) == ("done", size, size, 0)
        counts[size] = len([q for q in captured if "payments_reconciliationrun" not in q["sql"]])

    assert counts[500] == counts[5] <= 12


def _make_paid(books, count):
    template = models.Payment.objects.filter(pk=books.paid(heard=True)).get()
    charge = books.charge(template.pk)
    rows = []
    with books.store.work():
        for _each in range(count - 1):
            key = models.uuid7()
            values = {"id": f"ch_{key.hex}", "metadata": {"payment_id": str(key)}}
            body = charge | values
            books.store.put(books.key, "charge", body)
            books.gateway.move(books.key, body, 25000, kind="charge")
            rows.append(_copy(template, key, body["id"]))
    models.Payment.objects.bulk_create(rows)


def _copy(template, key, capture_id):
    fields = {f.attname: getattr(template, f.attname) for f in models.Payment._meta.concrete_fields}
    own = {"id": key, "capture_id": capture_id, "session_id": f"cs_{key.hex}"}
    return models.Payment(**(fields | own | {"idempotency_key": str(key)}))


# When -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        ("2026-11-29T13:00", "America/Chicago", "2026-11-29"),  # seven in the morning there
        ("2026-11-29T12:59", "America/Chicago", "2026-11-28"),
        ("2026-11-29T05:59", "Europe/Madrid", "2026-11-28"),
        ("2026-11-29T06:00", "Europe/Madrid", "2026-11-29"),
        # the clocks go back in the night, and forward
        ("2026-11-01T12:59", "America/Chicago", "2026-10-31"),
        ("2026-11-01T13:00", "America/Chicago", "2026-11-01"),
        ("2026-03-29T05:00", "Europe/Madrid", "2026-03-29"),
        ("2026-03-29T04:59", "Europe/Madrid", "2026-03-28"),
        # its morning is the evening before in UTC
        ("2026-11-28T18:00", "Pacific/Auckland", "2026-11-28"),
        ("2026-11-28T17:59", "Pacific/Auckland", "2026-11-27"),
    ],
)
def test_the_nightly_window_ends_with_the_utc_day_before_the_schools_morning(now, zone, until):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    since, end = windows.nightly(moment, time_zone=zone)

    assert end == datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert end - since == timedelta(days=3)
    assert moment < windows.next_morning(moment, time_zone=zone) <= moment + timedelta(hours=25)


def test_windows_of_following_nights_overlap_and_leave_no_gap():
    now = datetime(2026, 10, 20, 15, tzinfo=UTC)
    spans = [
        windows.nightly(now + timedelta(days=day), time_zone="America/Chicago") for day in range(30)
    ]

    assert all(later[0] == earlier[0] + timedelta(days=1) for earlier, later in pairwise(spans))


def test_the_morning_run_is_done_once(books):
    assert schedule.look_after() == 1
    assert schedule.look_after() == 0
    [run] = ReconciliationRun.objects.all()
    assert (run.state, run.asked_by) == ("done", "")
    assert schedule.next_due() == windows.next_morning(timezone.now(), time_zone="America/Chicago")


def test_a_morning_run_that_failed_is_tried_again_after_an_hour(books):
    books.sandbox.app.faults.fail["balance_transactions"] = [500] * 3
    assert schedule.look_after() == 0
    assert schedule.look_after() == 0
    due = schedule.next_due() - timezone.now()
    assert timedelta(minutes=59) < due <= timedelta(hours=1)

    ReconciliationRun.objects.update(finished_at=timezone.now() - timedelta(minutes=61))
    assert schedule.look_after() == 1


def test_whoever_asks_twice_gets_the_run_that_is_waiting(books):
    [run] = schedule.ask_for_runs(actor="bursar@example.org")
    [again] = schedule.ask_for_runs(actor="admin@example.org")

    assert (run.pk, run.state, run.asked_by) == (again.pk, "queued", "bursar@example.org")
    assert schedule.next_due() < timezone.now() + timedelta(minutes=5)
    assert schedule.look_after() == 2  # it, and this morning's


def test_a_school_without_an_account_has_nothing_to_do(school):
    models.GatewayAccount.objects.all().delete()

    assert (schedule.look_after(), schedule.next_due()) == (0, None)
    assert schedule.ask_for_runs(actor="bursar") == []


def test_a_restored_copy_asks_nobody(books):
    models.GatewayAccount.objects.update(secret_key="")

    assert (schedule.look_after(), schedule.next_due()) == (0, None)
