"""The demonstration data are books like any others."""

from django.db.models import Sum

from apps.fees import demo
from apps.fees.models import Allocation, Charge, Credit, RefundDecision
from apps.fees.selectors.totals import money_totals
from apps.fees.tests import factories as make
from apps.payments import facade as payments
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


def test_a_large_refund_waits_for_a_second_person(school, drain):
    rooms = [make.make_class(name) for name in ("1A", "2A")]
    for number in range(12):
        make.make_family(rooms[number % 2], children=1)
    demo.load_fees(7)
    drain()
    before = money_totals()
    demo.limit_refunds()
    reopen()

    demo.ask_for_refund()

    paid = [info.id for info in payments.list_payments(limit=500)]
    [approval] = payments.waiting_approvals(paid)
    assert approval.amount_minor == 20000
    assert approval.requested_by == f"bursar@{school.slug}.example"
    assert money_totals() == before
