"""Invoices that are due in parts: planned on the fee, seen by families, paid oldest part first."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fees.aggregate import parse_shares, schedule
from apps.fees.contracts import Part, open_parts
from apps.fees.models import Fee, Instalment
from apps.fees.selectors import invoices, runs, totals
from apps.fees.services import billing, checkout
from apps.fees.services.allocation import use_credit
from apps.fees.services.plans import checked_shares
from apps.fees.tests import factories as make
from apps.payments import facade as payments
from apps.payments.contracts import StartedPayment
from kernel.errors import Conflict, Invalid
from kernel.schools import today


@pytest.fixture
def asked(monkeypatch):
    """Lines of the payments that were started, without a gateway."""
    found = []

    def start(order):
        found.append([(line.reference, line.amount_minor) for line in order.lines])
        return StartedPayment(payment_id=uuid4(), redirect_url="https://pay.example", reused=True)

    monkeypatch.setattr(payments, "start_payment", start)
    monkeypatch.setattr(payments, "can_take_payments", lambda: True)
    return found


def bill_in_parts(room, *, amount=100000, shares="40, 30, 30", first=None):
    """A fee in instalments, the first due on that day; returns the run."""
    name = f"Plan {Fee.objects.count() + 1}"
    fee_id = make.make_fee(name=name, amount_minor=amount)
    Fee.objects.filter(pk=fee_id).update(shares=checked_shares(shares))
    run_id = make.draft(fee_id, room, due_on=first or today() + timedelta(days=10))
    billing.post_run(run_id=run_id, actor=make.ACTOR)
    return run_id


def start(guardian, **values):
    usual = {"invoice_ids": None, "amount_minor": None, "use_credit": False, "token": uuid4()}
    wish = checkout.Wish(**usual | values)
    return checkout.start_family_payment(guardian_id=guardian.pk, wish=wish)


# The plan


@pytest.mark.parametrize("text", ["", "50,50", " 40, 30 ,30 ", "34 %, 33 %, 33 %"])
def test_shares_that_make_up_the_whole(text):
    assert sum(parse_shares(checked_shares(text))) in (0, 100)


@pytest.mark.parametrize(
    "text", ["100", "50, 40", "60, 60", "-10, 110", "0, 100", "half, half", "5," * 19 + "5", ","]
)
def test_shares_that_do_not(text):
    with pytest.raises(Invalid, match="100"):
        checked_shares(text)


def test_the_same_day_of_every_month_or_its_last_one():
    parts = schedule(amount_minor=100, shares=(50, 25, 25), first_due=date(2027, 1, 31), months=1)
    assert [part.due_on for part in parts] == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
    ]


@given(
    amount=st.integers(1, 10**9),
    shares=st.lists(st.integers(1, 50), min_size=2, max_size=12).map(lambda cuts: (*cuts, 700)),
    paid=st.integers(0, 10**9),
)
def test_parts_add_up_and_what_is_paid_counts_for_the_first(amount, shares, paid):
    whole = sum(shares)
    percents = [share * 100 // whole for share in shares]
    percents[-1] += 100 - sum(percents)
    parts = schedule(
        amount_minor=amount,
        shares=[share for share in percents if share],
        first_due=date(2027, 1, 1),
        months=1,
    )
    assert sum(part.amount_minor for part in parts) == amount
    balance = max(amount - paid, 0)
    left = open_parts(balance, due_on=date(2027, 1, 1), instalments=parts)
    assert sum(part.amount_minor for part in left) == balance
    assert [part.due_on for part in left] == sorted(part.due_on for part in left)
    # Only the first open part may be partly paid.
    for part in left[1:]:
        assert part in parts


def test_a_charge_beyond_the_plan_is_due_with_the_invoice():
    plan = (
        Part(due_on=date(2027, 1, 1), amount_minor=60),
        Part(due_on=date(2027, 2, 1), amount_minor=40),
    )
    left = open_parts(110, due_on=date(2027, 1, 1), instalments=plan)
    assert sum(part.amount_minor for part in left) == 110
    assert left[0] == Part(due_on=date(2027, 1, 1), amount_minor=10)


def test_the_bursar_sets_a_plan_and_sees_it_before_posting(room, family, client_for):
    bursar = client_for("bursar")
    category = str(Fee.objects.get(pk=make.make_fee(name="Old")).category_id)
    sent = {
        "name": "Year",
        "category": category,
        "amount": "1000.00",
        "due_rule": "days",
        "due_days": "10",
        "shares": "50, 40",
        "months_between": "2",
    }
    refused = bursar.post("/portal/fees/new/", sent)
    assert refused.status_code == 422
    assert "percents that make up 100" in refused.content.decode()
    assert bursar.post("/portal/fees/new/", sent | {"shares": "60,40"}).status_code == 302
    fee = Fee.objects.get(name="Year")
    assert (fee.shares, fee.months_between) == ("60, 40", 2)
    assert 'value="60, 40"' in bursar.get(f"/portal/fees/{fee.pk}/edit/").content.decode()
    run_id = make.draft(fee.pk, room)
    page = bursar.get(f"/portal/fees/runs/{run_id}/").content.decode()
    assert "$600.00" in page
    assert "$400.00" in page
    seen = runs.preview_run(runs.get_run(run_id=run_id)).fingerprint
    Fee.objects.filter(pk=fee.pk).update(shares="50, 50")
    with pytest.raises(Conflict, match="has changed"):
        billing.post_run(run_id=run_id, actor=make.ACTOR, fingerprint=seen)


def test_posting_writes_the_parts_of_every_invoice(room, family):
    bill_in_parts(room, amount=100001)
    [invoice] = make.owed(family.child)
    assert [part.amount_minor for part in invoice.instalments] == [40000, 30000, 30001]
    assert Instalment.objects.count() == 6
    assert [row.left_after_minor for row in Instalment.objects.filter(invoice_id=invoice.id)] == [
        60001,
        30001,
        0,
    ]


# What is late


def test_only_the_part_whose_day_has_passed_is_overdue(room, family):
    bill_in_parts(room, first=today() - timedelta(days=5))
    [invoice] = make.owed(family.child)
    assert invoice.status == "overdue"
    assert totals.money_totals().overdue_minor == 2 * 40000
    assert invoices.filtered(status="overdue").count() == 2
    make.capture(family.guardian, 40000, [(invoice.id, 40000)])
    [invoice] = make.owed(family.child)
    assert (invoice.status, invoice.balance_minor) == ("part_paid", 60000)
    assert invoice.next_due_on > today()
    assert totals.money_totals().overdue_minor == 40000
    assert invoices.filtered(status="overdue").count() == 1


def test_reminders_find_the_next_part(room, family):
    first = today() - timedelta(days=40)
    bill_in_parts(room, first=first)
    assert len(invoices.open_invoices_due(days=[first])) == 2
    for child in family.children:
        [invoice] = make.owed(child)
        make.capture(family.guardian, 40000, [(invoice.id, 40000)])
    assert invoices.open_invoices_due(days=[first]) == []
    second = make.owed(family.child)[0].next_due_on
    found = invoices.open_invoices_due(days=[second])
    assert [row.due_minor(second) for row in found] == [30000, 30000]


# What families pay


def test_the_page_tells_now_from_later_and_pays_either(room, family, parent, asked):
    bill_in_parts(room)
    page = parent.get("/family/")
    text = page.content.decode()
    assert "$800.00 now, $1,200.00 with later instalments" in text
    assert "Pay $800.00" in text
    offer = page.context["offer"]
    sent = {"token": page.context["token"], "choose": "1", "due_only": "1"}
    sent["invoices"] = [str(invoice.id) for invoice in offer.invoices]
    parent.post("/family/pay/", sent)
    assert [amount for _ref, amount in asked[-1]] == [40000, 40000]
    del sent["due_only"]
    parent.post("/family/pay/", sent | {"token": page.context["all_token"]})
    assert [amount for _ref, amount in asked[-1]] == [100000, 100000]


def test_credit_that_pays_the_first_part_does_not_draw_the_second_in(room, family, asked):
    make.capture(family.guardian, 50000)
    bill_in_parts(room)
    start(family.guardian, use_credit=True, due_only=True)
    assert sum(amount for _ref, amount in asked[-1]) == 30000


@pytest.mark.parametrize(("credit", "by_card"), [(30000, 50000), (50000, 30000)])
def test_a_form_that_used_credit_and_is_sent_again_asks_for_the_same(
    room, family, asked, credit, by_card
):
    make.capture(family.guardian, credit)
    bill_in_parts(room)
    form = {"use_credit": True, "due_only": True, "token": uuid4()}

    steps = [start(family.guardian, **form) for _time in range(2)]

    assert [sum(amount for _ref, amount in lines) for lines in asked] == [by_card] * 2
    assert asked[0] == asked[1]
    assert [step.credit_used_minor for step in steps] == [credit] * 2


def test_a_form_that_credit_paid_and_is_sent_again_opens_no_page_for_the_next_part(
    room, family, asked
):
    make.capture(family.guardian, 80000)
    bill_in_parts(room)
    form = {"use_credit": True, "due_only": True, "token": uuid4()}

    steps = [start(family.guardian, **form) for _time in range(2)]

    assert (asked, [step.redirect_url for step in steps]) == ([], ["", ""])


def test_what_is_late_and_what_is_next_are_asked_for_together_only_when_both_are_due(
    room, family, asked
):
    bill_in_parts(room, first=today() - timedelta(days=40))
    start(family.guardian, due_only=True)
    assert sum(amount for _ref, amount in asked[-1]) == 2 * 70000


def test_money_goes_to_the_oldest_part_of_all_invoices(room, family):
    bill_in_parts(room, amount=100000, first=today() + timedelta(days=5))
    make.bill(room, amount_minor=20000, due_on=today() + timedelta(days=10))
    make.capture(family.guardian, 110000)
    # 2 x 400 of the plans are due first, then 2 x 200 of the other fee; 100 less than all of it.
    balances = {invoice.title: invoice.balance_minor for invoice in make.owed(family.children[0])}
    assert balances[next(t for t in balances if t.startswith("Plan"))] == 60000
    paid = 240000 - sum(i.balance_minor for c in family.children for i in make.owed(c))
    assert paid == 110000
    later = [i for c in family.children for i in make.owed(c) if i.title.startswith("Plan")]
    assert [invoice.balance_minor for invoice in later] == [60000, 60000]


def test_a_part_payment_is_spread_over_parts_in_the_same_order(room, family, asked):
    bill_in_parts(room, amount=100000, first=today() + timedelta(days=5))
    start(family.guardian, amount_minor=90000)
    assert sorted(amount for _ref, amount in asked[-1]) == [40000, 50000]


def test_credit_is_used_for_the_oldest_part(room, family):
    make.capture(family.guardian, 80000)
    bill_in_parts(room, amount=100000)
    ids = [invoice.id for child in family.children for invoice in make.owed(child)]
    use_credit(
        household_id=family.guardian.household_id,
        invoice_ids=ids,
        most_minor=80000,
        token=uuid4(),
    )
    left = [invoice.balance_minor for child in family.children for invoice in make.owed(child)]
    assert left == [60000, 60000]


def test_a_reversed_run_leaves_nothing_due(room, family):
    run_id = bill_in_parts(room, first=today() - timedelta(days=5))
    billing.reverse_run(run_id=run_id, actor=make.ACTOR)
    assert make.owed(family.child) == []
    assert totals.money_totals().overdue_minor == 0


def test_staff_see_the_plan_of_an_invoice(room, family, client_for):
    bill_in_parts(room)
    [invoice] = make.owed(family.child)
    page = client_for("bursar").get(f"/portal/fees/invoices/{invoice.id}/").content.decode()
    assert "Instalments" in page
    assert page.count("$300.00") >= 2
