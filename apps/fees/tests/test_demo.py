"""The demonstration data are books like any others."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from apps.fees import demo
from apps.fees.models import Allocation, Autopay, Charge, Credit, RefundDecision
from apps.fees.selectors.totals import money_totals
from apps.fees.tests import factories as make
from apps.payments import demo as gateway
from apps.payments import facade as payments
from apps.payments.tests.conftest import account, sandbox  # noqa: F401
from apps.tenants.tests.factories import reopen


def total(model):
    return model.objects.aggregate(total=Sum("amount_minor"))["total"] or 0


def test_two_terms_of_fees(school, drain):
    rooms = [make.make_class(name) for name in ("1A", "2A", "3A")]
    for number in range(12):
        make.make_family(rooms[number % 3], children=1 + number % 2)
    demo.load_fees(7)
    drain()
    paid = payments.list_payments(limit=500)
    kept = sum(info.captured_minor - info.refunded_minor for info in paid)
    assert len(paid) > 8
    assert total(Allocation) + total(Credit) == kept
    assert money_totals().outstanding_minor == total(Charge) - total(Allocation) > 0
    decisions = RefundDecision.objects.values_list("state", flat=True)
    assert set(decisions) == {"booked"}


@pytest.mark.parametrize("booked", [True, False])
def test_a_large_refund_waits_for_a_second_person(school, drain, booked):
    rooms = [make.make_class(name) for name in ("1A", "2A")]
    for number in range(12):
        make.make_family(rooms[number % 2], children=1)
    demo.load_fees(7)
    if booked:
        drain()
    demo.limit_refunds()
    reopen()

    demo.ask_for_refund()

    drain()
    paid = [info.id for info in payments.list_payments(limit=500)]
    [approval] = payments.waiting_approvals(paid)
    assert approval.amount_minor == 20000
    assert approval.requested_by == f"bursar@{school.slug}.example"
    assert money_totals().outstanding_minor == total(Charge) - total(Allocation)


@pytest.fixture
def billed(school):
    """The demo's parent and two more families that owe 450 dollars each and 12 for lunch."""
    room = make.make_class()
    addresses = ("a@families.example", f"parent@{school.slug}.example", "b@families.example")
    families = [make.make_family(room, children=1, email=address) for address in addresses]
    make.bill(room)
    make.bill(room, amount_minor=1200)
    return families


@pytest.mark.usefixtures("account")
def test_the_parent_has_a_card_charged_automatically(billed, drain):
    parent = billed[1]

    assert demo.turn_on_automatic_payment()
    drain()

    [card] = payments.saved_methods(parent.guardian.pk)
    row = Autopay.objects.get(ended_at=None)
    assert (row.guardian_id, row.method_id, row.card) == (parent.guardian.pk, card.id, card.name)
    assert "I allow Lincoln Elementary to charge this card" in row.consent_text
    left = [each.balance_minor for each in make.owed(parent.child)]
    assert left == [45000], "the smaller one is paid, the other waits to be charged"


@pytest.mark.usefixtures("account")
def test_a_bank_wants_a_payment_back_and_waits_for_an_answer(billed, drain):
    assert demo.dispute_a_payment()
    drain()

    [info] = payments.list_payments()
    [dispute] = payments.disputes_of([info.id])
    assert (dispute.status, dispute.amount_minor, info.status) == ("open", 1200, "disputed")
    assert timedelta(days=5) < dispute.due_by - timezone.now() < timedelta(days=7)
    assert info.payer_email == "b@families.example"


@pytest.mark.usefixtures("account")
def test_what_is_paid_and_not_yet_in_the_books_is_paid_by_nobody_again(billed):
    for family in (billed[1], billed[2]):
        lines = [(each.id, each.balance_minor) for each in make.owed(family.child)]
        make.pay(family, lines)

    assert demo.turn_on_automatic_payment()
    assert Autopay.objects.get().guardian_id == billed[0].guardian.pk


@pytest.mark.usefixtures("account")
def test_loading_the_demo_again_adds_neither_card_nor_dispute(billed, drain):
    assert demo.turn_on_automatic_payment()
    assert demo.dispute_a_payment()
    drain()
    made = len(payments.list_payments())

    assert not demo.turn_on_automatic_payment()
    assert not demo.dispute_a_payment()
    assert (len(payments.list_payments()), Autopay.objects.count()) == (made, 1) == (2, 1)


@pytest.mark.usefixtures("account")
def test_a_demo_that_broke_off_after_the_payment_keeps_no_second_card(billed, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(demo.autopay, "enrol", None)
        with pytest.raises(TypeError):
            demo.turn_on_automatic_payment()

    assert demo.turn_on_automatic_payment()
    assert len(payments.list_payments()) == len(payments.saved_methods(billed[1].guardian.pk)) == 1


@pytest.mark.usefixtures("billed")
def test_without_the_practice_gateway_there_is_no_card_and_no_dispute(settings, monkeypatch):
    monkeypatch.setattr(gateway, "SECONDS", 0.1)
    settings.SANDBOX_URL = "http://127.0.0.1:1"

    assert not demo.turn_on_automatic_payment()
    assert not demo.dispute_a_payment()
    assert len(payments.list_payments()) == 0
