"""What becomes of runs and of what they found: failed, done again, decided by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.payments import models
from apps.payments.models import Discrepancy, ReconciliationRun
from apps.payments.providers import base
from apps.payments.services import sync
from apps.payments.services.reconcile import compare, results, running, schedule, windows
from kernel.errors import Conflict, Invalid


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
