"""Where money goes. Always: allocations + credit = captured - refunded."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.fees.models import Allocation, Credit, Receipt, RefundDecision
from apps.fees.selectors import family as families
from apps.fees.selectors import invoices, ledger
from apps.fees.selectors.totals import money_totals
from apps.fees.services import allocation, counter, parts, refunds
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from kernel.errors import Conflict, Invalid
from kernel.schools import today


def total(model, **where):
    return model.objects.filter(**where).aggregate(total=Sum("amount_minor"))["total"] or 0


def test_a_payment_event_settles_the_invoice_and_writes_one_receipt(room, family, drain, published):
    make.bill(room)
    lines = [(make.owed(child)[0].id, 45000) for child in family.children]
    payment_id = make.pay(family, lines)
    drain()
    assert families.family_balance(guardian_id=family.guardian.pk).total_minor == 0
    receipt = Receipt.objects.get()
    assert (receipt.payment_id, receipt.amount_minor) == (payment_id, 90000)
    assert receipt.number == f"R{today().year}-00001"
    assert allocation.catch_up([payments.get_payment(payment_id)]) == 0


def test_settling_is_published_once_per_invoice(room, family, published):
    make.bill(room)
    [invoice] = make.owed(family.child)
    make.capture(family.guardian, 20000, [(invoice.id, 20000)])
    assert published("fees.invoice_settled") == []
    make.capture(family.guardian, 25000, [(invoice.id, 25000)])
    assert published("fees.invoice_settled") == [
        {"invoice_id": str(invoice.id), "student_id": str(family.child.pk)}
    ]


def test_money_in_advance_from_somebody_else_is_the_familys_credit(room, family):
    counter.record_payment(
        payer_id=family.child.pk,
        payer_name="A grandmother",
        student_id=family.child.pk,
        amount_minor=5000,
        method="cash",
        received_on=today(),
        note="",
        actor=make.ACTOR,
        key="counter:1",
    )
    assert families.credit_of(household_id=family.guardian.household_id) == 5000


def test_two_guardians_pay_the_same_invoice_the_second_becomes_credit(room):
    family = make.make_family(room)
    make.bill(room)
    [invoice] = make.owed(family.child)
    make.capture(family.guardian, 45000, [(invoice.id, 45000)])
    second = make.capture(family.guardian, 45000, [(invoice.id, 45000)])
    assert total(Allocation, invoice_id=invoice.id) == 45000
    assert total(Credit, payment_id=second) == 45000
    assert families.credit_of(household_id=family.guardian.household_id) == 45000


def test_what_the_chosen_invoice_does_not_want_goes_to_the_oldest(room):
    family = make.make_family(room)
    make.bill(room, amount_minor=1000, due_on=today() + timedelta(days=5))
    make.bill(room, amount_minor=3000, due_on=today() + timedelta(days=40))
    early, late = make.owed(family.child)
    make.capture(family.guardian, 3500, [(late.id, 3500)])
    assert invoices.balances_of(invoice_ids=[early.id, late.id]) == {early.id: 500, late.id: 0}


def test_credit_is_used_once_for_one_form(room):
    family = make.make_family(room)
    make.bill(room, amount_minor=1000)
    [invoice] = make.owed(family.child)
    make.capture(family.guardian, 1600, [(invoice.id, 1600)])
    make.bill(room, amount_minor=500)
    [second] = make.owed(family.child)
    token = uuid4()
    wish = {
        "household_id": family.guardian.household_id,
        "invoice_ids": [second.id],
        "most_minor": 500,
        "token": token,
    }
    assert allocation.use_credit(**wish) == 500
    assert allocation.use_credit(**wish) == 500
    assert families.credit_of(household_id=family.guardian.household_id) == 100
    assert make.owed(family.child) == []


@pytest.mark.parametrize(
    ("effect", "left_to_pay", "charged"), [("owe_again", 20000, 45000), ("credit_note", 0, 25000)]
)
def test_a_partial_refund_agrees_everywhere_to_the_cent(
    room, parent, client_for, drain, effect, left_to_pay, charged, family
):
    make.bill(room)
    [invoice] = make.owed(family.child)
    [other] = make.owed(family.children[1])
    payment_id = make.pay(family, [(invoice.id, 45000), (other.id, 45000)])
    drain()
    bursar = client_for("bursar")
    url = f"/portal/fees/students/{family.child.pk}/refund/{payment_id}/"
    form = bursar.get(url).context["form"]
    assert form["amount"].value() == "450.00"
    sent = {"amount": "200.00", "reason": "Moved away", "effect": effect, "key": str(uuid4())}
    asked = bursar.post(url, sent)
    assert "Refund $200.00?" in asked.content.decode()
    assert total(Allocation) == 90000
    sent |= {"confirmed": "1", f"part-{invoice.id}": "200.00"}
    done = bursar.post(url, sent)
    assert done.status_code == 302
    bursar.post(url, sent)  # the double click
    drain()
    info = invoices.get_invoice(invoice_id=invoice.id)
    book = ledger.student_ledger(student_id=family.child.pk)
    page = parent.get("/family/").context["balance"]
    assert (info.charged_minor, info.paid_minor) == (charged, 25000)
    assert info.balance_minor == book.balance_minor == page.total_minor == left_to_pay
    assert book.entries[-1].balance_minor == left_to_pay
    assert payments.get_payment(payment_id).refunded_minor == 20000
    assert total(Allocation) + total(Credit) == 70000
    receipt = parent.get(f"/family/receipts/{payment_id}/").context["receipt"]
    assert (receipt.amount_minor, receipt.refunded_minor) == (90000, 20000)


def test_a_refund_is_proposed_from_the_student_first_and_never_beyond_the_payment(
    room, family, drain
):
    make.bill(room)
    lines = [(make.owed(child)[0].id, 45000) for child in family.children]
    payment_id = make.pay(family, lines)
    drain()
    ada = family.child.pk

    def proposed(amount):
        rows = parts.propose(
            payment_id=payment_id, student_id=ada, amount_minor=amount, effect="owe_again"
        )
        return {row.invoice_id: row.amount_minor for row in rows}

    (mine, _), (siblings, _) = lines
    assert proposed(45000) == {mine: 45000, siblings: 0}
    assert proposed(45001) == {mine: 45000, siblings: 1}
    with pytest.raises(Invalid, match=r"At most \$900\.00") as refused:
        proposed(90001)
    assert refused.value.field == "amount"


@pytest.mark.parametrize("wrong", [(20000, 20001), (45001, 0), (-1, 40001), (40000, 1)])
def test_parts_must_come_to_the_amount_and_to_no_more_than_was_given(room, family, drain, wrong):
    make.bill(room)
    lines = [(make.owed(child)[0].id, 45000) for child in family.children]
    payment_id = make.pay(family, lines)
    drain()
    chosen = {invoice_id: part for (invoice_id, _), part in zip(lines, wrong, strict=True)}

    with pytest.raises(Invalid) as refused:
        parts.check(payment_id=payment_id, amount_minor=40000, parts=chosen)
    assert refused.value.field == "parts"


def test_a_refund_without_a_decision_makes_the_family_owe_again(room):
    family = make.make_family(room)
    make.bill(room)
    [invoice] = make.owed(family.child)
    payment_id = make.capture(family.guardian, 45000, [(invoice.id, 45000)])
    refund = _refund(payment_id, 5000)
    assert refunds.book_refund(refund)
    assert not refunds.book_refund(refund)
    assert [row.balance_minor for row in make.owed(family.child)] == [5000]


def test_a_refund_that_comes_back_pays_the_invoice_again(room):
    family = make.make_family(room)
    make.bill(room)
    [invoice] = make.owed(family.child)
    payment_id = make.capture(family.guardian, 45000, [(invoice.id, 45000)])
    refund = _refund(payment_id, 5000)
    refunds.book_refund(refund)
    again = {"refund_id": refund.refund_id, "payment_id": payment_id, "amount_minor": 5000}
    assert refunds.refund_failed(**again)
    assert not refunds.refund_failed(**again)
    assert make.owed(family.child) == []
    assert total(Allocation, payment_id=payment_id) == 45000


def test_a_form_key_is_not_used_for_another_refund(room, family, drain):
    make.bill(room)
    [invoice] = make.owed(family.child)
    payment_id = make.pay(family, [(invoice.id, 45000)])
    drain()
    order = {
        "payment_id": payment_id,
        "student_id": family.child.pk,
        "reason": "x",
        "effect": "owe_again",
        "actor": make.ACTOR,
        "key": "one",
    }
    refunds.refund_payment(**order, amount_minor=100)
    with pytest.raises(Conflict):
        refunds.refund_payment(**order, amount_minor=200)
    assert RefundDecision.objects.count() == 1


def _refund(payment_id, amount):
    return refunds.Refunded(
        refund_id=uuid4(),
        payment_id=payment_id,
        amount_minor=amount,
        reason="Sorry",
        completed_at=timezone.now(),
    )


STEPS = st.lists(
    st.tuples(st.sampled_from(["bill", "pay", "refund", "credit"]), st.integers(1, 5000)),
    max_size=12,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_the_sums_hold_after_any_story(room, family, steps):
    with transaction.atomic():
        captured, refunded = {}, {}
        for verb, amount in steps:
            _act(room, family, verb, amount, captured, refunded)
        for payment_id, amount in captured.items():
            kept = total(Allocation, payment_id=payment_id) + total(Credit, payment_id=payment_id)
            assert kept == amount - refunded.get(payment_id, 0)
        infos = [row for child in family.children for row in _all_invoices(child)]
        assert all(0 <= row.paid_minor <= row.charged_minor for row in infos)
        owed = sum(row.balance_minor for row in infos)
        page = families.family_balance(guardian_id=family.guardian.pk)
        books = sum(ledger.student_ledger(student_id=c.pk).balance_minor for c in family.children)
        assert owed == page.total_minor == books == money_totals().outstanding_minor
        assert page.credit_minor >= 0
        transaction.set_rollback(True)


def _all_invoices(child):
    return invoices.infos(list(invoices.filtered(student_id=child.pk)))


def _act(room, family, verb, amount, captured, refunded):
    owed = [row for child in family.children for row in make.owed(child)]
    if verb == "bill":
        make.bill(room, amount_minor=amount)
    elif verb == "pay":
        lines = [(owed[0].id, amount)] if owed else []
        captured[make.capture(family.guardian, amount, lines)] = amount
    elif verb == "refund" and captured:
        payment_id, paid = sorted(captured.items())[amount % len(captured)]
        back = min(amount, paid - refunded.get(payment_id, 0))
        if back:
            refunds.book_refund(_refund(payment_id, back))
            refunded[payment_id] = refunded.get(payment_id, 0) + back
    elif verb == "credit" and owed:
        allocation.use_credit(
            household_id=family.guardian.household_id,
            invoice_ids=[row.id for row in owed],
            most_minor=amount,
            token=uuid4(),
        )
