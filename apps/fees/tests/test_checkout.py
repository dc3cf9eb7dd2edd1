"""Paying at the real sandbox gateway while something else happens to the same invoices."""

from uuid import uuid4

import pytest
import requests
from django.db.models import Sum

from apps.fees.models import Allocation, Charge, Credit
from apps.fees.selectors import family as families
from apps.fees.services import allocation, billing, checkout, refunds
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.tests.conftest import account, sandbox  # noqa: F401
from apps.students.tests.factories import GuardianFactory
from kernel.errors import Conflict, Invalid

pytestmark = pytest.mark.usefixtures("account")


def wish(**values):
    usual = {"invoice_ids": None, "amount_minor": None, "use_credit": False, "token": uuid4()}
    return checkout.Wish(**usual | values)


def start(guardian, **values):
    return checkout.start_family_payment(guardian_id=guardian.pk, wish=wish(**values))


def pay(step):
    requests.post(step.redirect_url, {"action": "pay"}, allow_redirects=False, timeout=10)
    assert payments.sync(step.payment_id).status == "captured"


@pytest.fixture
def second(family):
    """Another guardian of the same children."""
    guardian = GuardianFactory(household=family.guardian.household, name="Jo Lopez")
    for child in family.children:
        child.guardianships.create(guardian=guardian, relationship="parent", contact_order=2)
    return guardian


@pytest.fixture
def meanwhile(monkeypatch):
    """meanwhile(act): between the look at what is owed and the claim on it, `act` happens."""

    def arrange(act):
        claim = payments.start_payment

        def late(order):
            monkeypatch.setattr(payments, "start_payment", claim)
            act()
            return claim(order)

        monkeypatch.setattr(payments, "start_payment", late)

    return arrange


def total(model):
    return model.objects.aggregate(total=Sum("amount_minor"))["total"] or 0


def test_what_another_guardian_paid_a_moment_ago_is_not_asked_for_again(
    room, family, second, meanwhile
):
    make.bill(room)
    meanwhile(lambda: pay(start(family.guardian)))
    with pytest.raises(Conflict, match="has changed"):
        start(second)
    ids = [str(i) for i in Allocation.objects.values_list("invoice_id", flat=True)]
    assert payments.open_payments(ids) == []
    assert total(Credit) == 0


def test_a_run_that_is_reversed_before_the_claim_is_not_paid(room, family, meanwhile):
    run_id = make.bill(room)
    meanwhile(lambda: billing.reverse_run(run_id=run_id, actor=make.ACTOR))
    with pytest.raises(Conflict, match="has changed"):
        start(family.guardian)


def test_money_that_is_not_in_the_books_yet_keeps_a_run_from_being_reversed(
    room, family, monkeypatch
):
    run_id = make.bill(room)
    step = start(family.guardian)
    # The gateway's news arrives after the run has caught up with payments.
    monkeypatch.setattr(billing, "catch_up_references", lambda ids: pay(step))
    with pytest.raises(Conflict, match="right now"):
        billing.reverse_run(run_id=run_id, actor=make.ACTOR)
    assert total(Charge) == 90000


def test_credit_is_not_spent_on_what_another_guardian_is_paying(room, family, second):
    make.capture(second, 90000)
    make.bill(room)
    step = start(family.guardian)
    with pytest.raises(payments.PaymentInProgress):
        start(second, use_credit=True)
    pay(step)
    assert families.credit_of(household_id=second.household_id) == 90000


def test_credit_closes_the_page_that_asks_for_the_whole_amount(room, family):
    make.capture(family.guardian, 90000)
    make.bill(room)
    left_open = start(family.guardian)
    assert start(family.guardian, use_credit=True).credit_used_minor == 90000
    assert payments.get_payment(left_open.payment_id).status == "cancelled"


def test_a_double_click_with_credit_keeps_its_page(room, family):
    make.capture(family.guardian, 20000)
    make.bill(room)
    token = uuid4()
    first, again = (start(family.guardian, use_credit=True, token=token) for _ in range(2))
    assert (again.payment_id, again.redirect_url) == (first.payment_id, first.redirect_url)
    assert payments.get_payment(first.payment_id).amount_minor == 70000


def test_a_guardian_who_comes_second_is_told_and_sees_no_stranger_payment(
    room, family, second, parent
):
    make.bill(room)
    other = start(second)
    requests.post(other.redirect_url, {"action": "pay"}, allow_redirects=False, timeout=10)
    answer = parent.post("/family/pay/", {"token": uuid4()}, follow=True)
    assert answer.status_code == 200
    assert "just been paid" in answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/family/"


def test_a_refund_on_its_way_is_not_given_twice_at_a_siblings_cost(room, family, monkeypatch):
    make.bill(room)
    step = start(family.guardian)
    pay(step)
    allocation.catch_up([payments.get_payment(step.payment_id)])
    monkeypatch.setattr("apps.payments.services.refunds.send", lambda refund_id: None)
    wanted = {
        "payment_id": step.payment_id,
        "student_id": family.child.pk,
        "amount_minor": 45000,
        "effect": "credit_note",
        "reason": "Left",
        "actor": make.ACTOR,
    }
    first = refunds.refund_payment(**wanted, key="first")
    with pytest.raises(Invalid, match="At most"):
        refunds.refund_payment(**wanted, key="second")
    assert refunds.refund_payment(**wanted, key="first").id == first.id
