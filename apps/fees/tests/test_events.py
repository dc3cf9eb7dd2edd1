"""Stored events of every version can be read for ever; activities become invoices."""

from uuid import uuid4

import pytest

from apps.fees import events
from apps.fees.models import Invoice
from apps.fees.services import activities
from apps.fees.services.activities import bill_activity, unbill_activity
from apps.fees.tests import factories as make
from kernel.errors import Invalid

CLASSES = {
    (cls.name, cls.version): cls
    for cls in vars(events).values()
    if getattr(cls, "__module__", "") == events.__name__
}


def test_every_event_has_a_frozen_sample():
    assert set(CLASSES) == set(events.SAMPLES)


def test_a_place_in_an_activity_is_billed_once(room, published):
    family = make.make_family(room)
    signup = {
        "signup_id": uuid4(),
        "activity_title": "Chess club",
        "student_id": family.child.pk,
        "fee_minor": 2500,
        "currency": "USD",
    }
    assert bill_activity(**signup)
    assert bill_activity(**signup) is None
    [invoice] = make.owed(family.child)
    assert (invoice.title, invoice.balance_minor) == ("Chess club", 2500)
    assert "has a place in “Chess club”, which costs $25.00." in invoice.lines[0].why
    [event] = published("fees.family_billed")
    assert event["billing_run_id"] is None


def test_free_activities_and_strange_currencies(room):
    family = make.make_family(room)
    base = {"signup_id": uuid4(), "activity_title": "Choir", "student_id": family.child.pk}
    assert bill_activity(**base, fee_minor=0, currency="USD") is None
    with pytest.raises(Invalid):
        bill_activity(**base, fee_minor=100, currency="EUR")
    assert Invoice.objects.count() == 0


def test_an_unpaid_place_that_is_given_up_is_taken_back_once(room):
    family = make.make_family(room)
    signup_id = uuid4()
    bill_activity(
        signup_id=signup_id,
        activity_title="Chess club",
        student_id=family.child.pk,
        fee_minor=2500,
        currency="USD",
    )
    assert unbill_activity(signup_id=signup_id) is True
    assert unbill_activity(signup_id=signup_id) is False
    assert make.owed(family.child) == []
    amounts = Invoice.objects.get().charges.order_by("created_at").values_list("amount_minor")
    assert sorted(amounts) == [(-2500,), (2500,)]


def test_money_on_its_way_into_the_books_keeps_the_charge(room, monkeypatch):
    family = make.make_family(room)
    signup_id = uuid4()
    bill_activity(
        signup_id=signup_id,
        activity_title="Chess club",
        student_id=family.child.pk,
        fee_minor=2500,
        currency="USD",
    )
    monkeypatch.setattr(activities, "catch_up_references", lambda ids: 0)
    make.pay(family, [(Invoice.objects.get().pk, 2500)])
    assert unbill_activity(signup_id=signup_id) is False
    assert Invoice.objects.get().charges.count() == 1


def test_a_paid_place_that_is_given_up_waits_for_the_office(room):
    family = make.make_family(room)
    signup_id = uuid4()
    bill_activity(
        signup_id=signup_id,
        activity_title="Chess club",
        student_id=family.child.pk,
        fee_minor=2500,
        currency="USD",
    )
    make.pay(family, [(Invoice.objects.get().pk, 1000)])
    assert unbill_activity(signup_id=signup_id) is False
    assert Invoice.objects.get().charges.count() == 1
    assert unbill_activity(signup_id=uuid4()) is False
