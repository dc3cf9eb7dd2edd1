"""What the family's page offers to pay, and what becomes of money that is no longer owed."""

from datetime import timedelta
from uuid import uuid4

import pytest
import requests
from django.utils import timezone

from apps.fees.selectors import family as families
from apps.fees.services import activities, allocation, billing, checkout, counter
from apps.fees.tests import factories as make
from apps.fees.tests.test_checkout import pay, start
from apps.payments import facade as payments
from apps.payments.models import Payment
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from kernel.errors import Invalid
from kernel.schools import today

pytestmark = pytest.mark.usefixtures("account")


def change(**values):
    tenants.change_settings(school_id=1, values={f"fees.{k}": v for k, v in values.items()})
    reopen()


def press_pay(parent, page, **more):
    """What the Pay button of this page sends."""
    offer = page.context["offer"]
    sent = {"token": page.context["token"], "choose": "1"}
    sent["invoices"] = [str(invoice.id) for invoice in offer.invoices]
    if offer.credit_minor:
        sent["use_credit"] = "1"
    return parent.post("/family/pay/", sent | more)


def body_of(answer):
    return answer.content.decode()


def press_hosted(step, action="pay"):
    requests.post(step.redirect_url, {"action": action}, allow_redirects=False, timeout=10)


# Credit first


def test_the_pay_button_uses_credit_first(room, family, parent):
    make.capture(family.guardian, 20000)
    make.bill(room)
    page = parent.get("/family/")
    assert "Pay $700.00" in body_of(page)
    assert "$200.00 of your credit is used first" in body_of(page)
    hosted = press_pay(parent, page)["Location"]
    assert Payment.objects.get(hosted_url=hosted).amount_minor == 70000
    assert families.credit_of(household_id=family.guardian.household_id) == 0


def test_credit_that_covers_all_needs_no_card(room, family, parent):
    make.capture(family.guardian, 100000)
    make.bill(room)
    page = parent.get("/family/")
    assert "Pay $900.00 with credit" in body_of(page)
    assert press_pay(parent, page)["Location"] == "/family/"
    assert make.owed(family.child) == []
    assert families.credit_of(household_id=family.guardian.household_id) == 10000


def test_credit_stays_where_the_school_keeps_it(room, family, parent):
    change(use_credit=False)
    make.capture(family.guardian, 20000)
    make.bill(room)
    page = parent.get("/family/")
    assert "Pay $900.00" in body_of(page)
    assert 'name="use_credit"' not in body_of(page)


# More than is owed


def test_more_than_is_owed_needs_the_school_to_allow_it(room, family):
    make.bill(room)
    with pytest.raises(Invalid, match="more than is owed"):
        start(family.guardian, amount_minor=95000)
    change(prepayments=True)
    pay(start(family.guardian, amount_minor=95000))
    [info] = payments.list_payments()
    assert [line.amount_minor for line in info.lines] == [45000, 45000, 5000]


def test_a_family_that_owes_nothing_pays_in_advance(family, parent):
    assert "Pay in advance" not in body_of(parent.get("/family/"))
    change(prepayments=True)
    page = parent.get("/family/")
    assert "Pay in advance" in body_of(page)
    sent = {"token": page.context["token"], "amount": "30"}
    hosted = parent.post("/family/pay/", sent)["Location"]
    requests.post(hosted, {"action": "pay"}, allow_redirects=False, timeout=10)
    info = payments.list_payments()[0]
    answer = body_of(parent.get(f"/family/payments/{info.id}/"))
    assert "$30.00 of it is kept as your credit, for what comes next" in answer
    assert "no longer owed" not in answer
    assert families.credit_of(household_id=family.guardian.household_id) == 3000


def test_two_guardians_prepay_at_once(family, second):
    change(prepayments=True)
    for guardian in (family.guardian, second):
        start(guardian, amount_minor=1000)
    assert Payment.objects.filter(is_open=True).count() == 2


# Another guardian


def test_what_another_guardian_pays_is_held_and_the_rest_can_be_paid(
    room,
    family,
    second,
    parent,
):
    make.bill(room)
    mine, theirs = (make.owed(child)[0] for child in family.children)
    start(second, invoice_ids=(theirs.id,))
    page = parent.get("/family/")
    text = body_of(page)
    assert "Being paid now by another guardian" in text
    assert "you can pay it from" in text
    assert "You can pay the rest now" in text
    assert f'value="{theirs.id}"' not in text
    assert "Pay $450.00" in text
    assert press_pay(parent, page).status_code == 302
    assert {payment.amount_minor for payment in Payment.objects.filter(is_open=True)} == {45000}
    assert Payment.objects.filter(is_open=True, lines__reference=str(mine.id)).count() == 1


def test_a_page_that_was_left_alone_holds_nobody_up(
    room,
    family,
    second,
    parent,
):
    make.capture(second, 10000)
    make.bill(room)
    left = start(second)
    Payment.objects.update(started_at=timezone.now() - timedelta(minutes=16))
    page = parent.get("/family/")
    assert "Being paid now" not in body_of(page)
    hosted = press_pay(parent, page)["Location"]
    assert Payment.objects.get(hosted_url=hosted).amount_minor == 80000
    assert not payments.get_payment(left.payment_id).is_open


def test_a_bank_that_is_still_working_holds_the_invoices(
    room,
    family,
    second,
    parent,
):
    make.bill(room)
    step = start(second)
    press_hosted(step, "later")
    payments.sync(step.payment_id)
    Payment.objects.update(started_at=timezone.now() - timedelta(hours=5))
    text = body_of(parent.get("/family/"))
    assert "the bank is still working on it" in text
    assert 'class="paybar"' not in text


def test_what_the_readers_own_bank_is_working_on_cannot_be_paid_again(room, family, parent):
    make.bill(room)
    mine, other = (make.owed(child)[0] for child in family.children)
    step = start(family.guardian, invoice_ids=(mine.id,))
    press_hosted(step, "later")
    payments.sync(step.payment_id)
    page = parent.get("/family/")
    text = body_of(page)
    assert "The bank is still working on it" in text
    assert "You can pay the rest now" in text
    assert "by another guardian" not in text
    assert f'value="{mine.id}"' not in text
    hosted = press_pay(parent, page)["Location"]
    assert [line.reference for line in Payment.objects.get(hosted_url=hosted).lines.all()] == [
        str(other.id)
    ]


# What changes while the parent is on the hosted page


def credit_words(parent, step):
    return body_of(parent.get(f"/family/payments/{step.payment_id}/"))


def test_paid_offline_meanwhile_the_open_page_is_closed(room, family, parent):
    make.bill(room)
    step = start(family.guardian)
    counter.record_payment(
        payer_id=family.guardian.pk,
        payer_name="Maria Lopez",
        student_id=family.child.pk,
        amount_minor=45000,
        method="cash",
        received_on=today(),
        note="",
        actor=make.ACTOR,
        key=str(uuid4()),
    )
    press_hosted(step)
    assert payments.sync(step.payment_id).captured_minor == 0
    assert "No money was taken" in credit_words(parent, step)
    assert families.credit_of(household_id=family.guardian.household_id) == 0


def test_money_for_what_was_paid_meanwhile_becomes_credit_and_the_page_says_so(
    room, family, parent
):
    make.bill(room)
    step = start(family.guardian)
    # Another payment settles one child's invoice, as an event of the counter in the past would.
    [invoice] = make.owed(family.child)
    make.capture(family.guardian, 45000, [(invoice.id, 45000)])
    pay(step)
    text = credit_words(parent, step)
    assert "$450.00 of it was no longer owed when it arrived" in text
    assert "kept as your credit" in text
    receipt = body_of(parent.get(f"/family/receipts/{step.payment_id}/"))
    assert "Kept as credit" in receipt
    assert families.credit_of(household_id=family.guardian.household_id) == 45000


def test_a_place_that_is_given_up_stays_charged_while_it_is_being_paid(family):
    signup = uuid4()
    activities.bill_activity(
        signup_id=signup,
        activity_title="Trip",
        student_id=family.child.pk,
        fee_minor=3000,
        currency="USD",
    )
    step = start(family.guardian)
    assert activities.unbill_activity(signup_id=signup) is False
    pay(step)
    allocation.catch_up([payments.get_payment(step.payment_id)])
    assert make.owed(family.child) == []


def test_a_run_that_is_reversed_after_the_page_was_closed_turns_late_money_into_credit(
    room,
    family,
    parent,
    sandbox,
):
    run_id = make.bill(room)
    step = start(family.guardian)
    press_hosted(step)
    # The gateway takes the money, but nobody hears: our side believes the page was closed.
    sandbox.app.faults.fail["/v1/checkout/sessions"] = [500] * 9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(billing, "moving_payments", lambda ids: [])
        patch.setattr(billing, "catch_up_references", lambda ids: 0)
        billing.reverse_run(run_id=run_id, actor=make.ACTOR)
    sandbox.app.faults.clear()
    payments.sync(step.payment_id)
    assert "$900.00 of it was no longer owed" in credit_words(parent, step)


# The return page


@pytest.mark.parametrize("query", ["", "?status=paid", "?session_id=cs_test_1&paid=1"])
def test_a_forged_return_never_claims_success(room, family, parent, query):
    make.bill(room)
    step = start(family.guardian)
    text = body_of(parent.get(f"/family/payments/{step.payment_id}/{query}"))
    assert "You have not paid yet" in text
    assert "Paid:" not in text
    assert checkout.own_payment(guardian_id=family.guardian.pk, payment_id=step.payment_id).is_open
