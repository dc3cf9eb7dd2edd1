"""What a payer adds for the processing cost: booked by itself, in no invoice and in no credit."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.db import DatabaseError, transaction

from apps.events import facade as event_store
from apps.fees.models import Cover, DisputeLoss, Receipt
from apps.fees.restoring import add_up
from apps.fees.selectors import ledger, receipts, totals
from apps.fees.selectors.takings import takings
from apps.fees.services import documents
from apps.fees.tests import factories as make
from apps.payments import events, models, projections
from apps.payments import facade as payments
from apps.payments.contracts import REAL_MONEY
from apps.payments.services import accounts, journal
from kernel.errors import Invalid
from kernel.schools import today
from tests.payments.covers import balance, booked, books_are_in_order, refund, start
from tests.payments.covers import paid as paid

# Captured


def test_the_cover_is_neither_paid_onto_an_invoice_nor_credit(
    paid: Any, family: make.Family
) -> None:
    payment_id, invoice = paid
    info = payments.get_payment(payment_id)

    assert (info.amount_minor, info.captured_minor, info.cover_minor) == (46340, 46340, 1340)
    assert booked(payment_id) == (45000, 0, 1340)
    assert balance(invoice) == 0
    assert journal.state_of(payment_id).covered_minor == 1340
    assert add_up().totals["covers_minor"] == 1340
    assert totals.money_totals().collected_month_minor == 46340
    assert books_are_in_order(payment_id)


def test_without_its_cover_the_books_would_not_agree(paid: Any) -> None:
    payment_id, _invoice = paid
    Receipt.objects.filter(payment_id=payment_id).update(amount_minor=45000)
    [problem] = add_up().problems
    assert "is not what was given" in problem


def test_the_story_tells_the_same_again(paid: Any) -> None:
    payment_id, _invoice = paid
    stored = list(event_store.load(payment_id))
    history = event_store.History(version=stored[-1].version, events=[row.event for row in stored])
    [row] = projections.project(payment_id, history)["payments_payment"]
    columns = ("pk", *projections.PAYMENT.columns)
    assert row == models.Payment.objects.values_list(*columns).get(pk=payment_id)
    assert stored[0].event.cover_minor == 1340


def test_a_story_from_before_has_no_cover() -> None:
    payload = {"payer_id": str(uuid4()), "lines": [], "amount_minor": 5, "currency": "USD"}
    payload |= {"provider": "stripe", "mode": "test", "method": "card"}
    from apps.events.services.registry import registry

    old = registry().decode("payments.initiated", 2, payload | {"at": "2026-01-01T00:00:00+00:00"})
    assert isinstance(old, events.Initiated)
    assert old.cover_minor == 0


def test_the_receipt_and_its_pdf_show_it_on_a_line_of_its_own(
    paid: Any, family: make.Family, client_for: Any
) -> None:
    payment_id, _invoice = paid
    receipt = receipts.get_receipt(payment_id=payment_id)
    assert [(line.text, line.amount_minor) for line in receipt.lines][-1:] == [
        ("Processing cost", 1340)
    ]
    assert (receipt.amount_minor, receipt.cover_minor, receipt.credit_minor) == (46340, 1340, 0)
    assert documents.receipt_pdf(receipt).startswith(b"%PDF")
    [entry] = ledger.student_ledger(student_id=family.child.pk).payments
    assert (entry.student_minor, entry.cover_minor, entry.refunded_minor) == (45000, 1340, 0)
    bursar = client_for("bursar")
    page = bursar.get(f"/portal/fees/students/{family.child.pk}/").content.decode()
    assert "+ $13.40 processing cost" in page
    detail = bursar.get(f"/portal/payments/{payment_id}/").content.decode()
    assert "Covers the processing cost" in detail
    assert "$13.40 covers the processing cost" in detail
    assert "The processing cost that the payer added goes back last." in detail


def test_what_an_invoice_no_longer_wants_is_credit_and_the_cover_stays_cover(
    account: Any, sandbox: Any, family: make.Family, room: Any, drain: Any
) -> None:
    make.bill(room)
    [invoice] = make.owed(family.child)
    started = start(family, [(invoice.id, 45000)])
    make.capture(family.guardian, 90000)
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    drain()
    assert booked(started.payment_id) == (0, 45000, 1340)


def test_posted_covers_are_never_changed(paid: Any) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Cover.objects.update(amount_minor=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        Cover.objects.all().delete()


@pytest.mark.parametrize("cover", [-1, 10**12])
def test_a_cover_that_no_payment_may_have(
    account: Any, family: make.Family, room: Any, cover: int
) -> None:
    make.bill(room)
    [invoice] = make.owed(family.child)
    with pytest.raises(Invalid):
        start(family, [(invoice.id, 45000)], cover=cover)
    assert not models.Payment.objects.exists()


def test_another_cover_is_another_payment(account: Any, family: make.Family, room: Any) -> None:
    make.bill(room)
    [invoice] = make.owed(family.child)
    first = start(family, [(invoice.id, 45000)])
    same = start(family, [(invoice.id, 45000)])
    other = start(family, [(invoice.id, 45000)], cover=0)
    assert (same.payment_id, same.reused) == (first.payment_id, True)
    assert other.payment_id != first.payment_id
    assert payments.get_payment(first.payment_id).status == "cancelled"


# The gateways


def test_stripe_is_asked_for_all_of_it_on_two_lines(paid: Any, sandbox: Any) -> None:
    [session] = sandbox.app.store.all(sandbox.account(), "session")
    assert session["amount_total"] == 46340
    request = models.Payment.objects.get().request
    assert [(line["description"], line["amount_minor"]) for line in request["lines"]] == [
        ("Fees", 45000),
        ("Processing cost", 1340),
    ]


def test_paypal_captures_all_of_it(
    school: Any, sandbox: Any, family: make.Family, room: Any, drain: Any
) -> None:
    models.GatewayAccount.objects.all().delete()
    accounts.create_sandbox_account(provider="paypal")
    make.bill(room)
    [invoice] = make.owed(family.child)
    started = start(family, [(invoice.id, 45000)])
    sandbox.press(started, "pay")
    info = payments.sync(started.payment_id)
    drain()
    rows = sandbox.app.store.rows("SELECT body FROM object WHERE kind = 'paypal.capture'")
    assert [json.loads(row[0])["amount"]["value"] for row in rows] == ["463.40"]
    assert (info.captured_minor, info.method) == (46340, "paypal")
    assert booked(started.payment_id) == (45000, 0, 1340)


# Disputes


def test_a_dispute_lost_and_then_won(paid: Any, sandbox: Any, drain: Any) -> None:
    payment_id, invoice = paid
    session = models.Payment.objects.get(pk=payment_id).session_id
    made = _control(sandbox, "dispute", session=session)
    _control(sandbox, "close_dispute", dispute=made["id"], status="lost")
    payments.sync(payment_id)
    drain()
    assert (booked(payment_id), balance(invoice)) == ((0, 0, 0), 45000)
    assert DisputeLoss.objects.get().state == "waiting"
    assert books_are_in_order(payment_id)
    _control(sandbox, "close_dispute", dispute=made["id"], status="won")
    payments.sync(payment_id)
    drain()
    assert (booked(payment_id), balance(invoice)) == ((45000, 0, 1340), 0)
    assert books_are_in_order(payment_id)


def _control(sandbox: Any, name: str, **wanted: Any) -> Any:
    return requests.post(f"{sandbox.url}/_control/{name}", json=wanted, timeout=5).json()


# Reports


def test_takings_show_it_in_a_column_and_as_a_category_of_its_own(
    paid: Any, family: make.Family, client_for: Any, drain: Any
) -> None:
    payment_id, _invoice = paid
    refund(family, payment_id, 46340)
    drain()
    found = takings(since=today(), until=today(), which=REAL_MONEY)
    assert (found.total.taken_minor, found.total.cover_minor) == (46340, 1340)
    for cuts in (found.by_day, found.by_method, found.by_category, found.by_account):
        assert sum(cut.cover_minor for cut in cuts) == 1340
        assert sum(cut.net_minor for cut in cuts) == 0
    sums = {cut.label: (cut.taken_minor, cut.returned_minor) for cut in found.by_category}
    assert sums == {"Tuition": (45000, 45000), "Processing cost": (1340, 1340)}
    bursar = client_for("bursar")
    page = bursar.get("/portal/fees/reports/?period=month").content.decode()
    assert "Of it processing cost" in page
    assert "Added by payers; it is in what was taken" in page
    url = "/portal/fees/reports/takings/file/?format=csv&cut="
    payments_file = b"".join(bursar.get(f"{url}payments").streaming_content).decode()
    assert "Of it processing cost" in payments_file
    assert "13.40" in payments_file.splitlines()[1]
    methods_file = b"".join(bursar.get(f"{url}method").streaming_content).decode()
    assert methods_file.splitlines()[1].endswith("13.40")


def test_the_api_tells_it(paid: Any, client_for: Any) -> None:
    payment_id, _invoice = paid
    answer = client_for("bursar").get(f"/api/v1/payments/{payment_id}/").json()
    assert (answer["amount_minor"], answer["cover_minor"]) == (46340, 1340)
