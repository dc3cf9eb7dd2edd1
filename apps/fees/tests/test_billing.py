"""Billing runs: reviewed, posted once, reversible while nothing is paid."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, transaction

from apps.fees.models import Allocation, BillingRun, Charge, Invoice
from apps.fees.selectors import invoices, runs
from apps.fees.services import billing
from apps.fees.services import catalogue as fees
from apps.fees.tests import factories as make
from apps.students import facade as students
from apps.students.tests.factories import StudentFactory
from kernel.errors import Conflict, Invalid
from kernel.schools import in_school, today


def test_posting_charges_every_student_and_tells_each_guardian_once(room, published):
    family = make.make_family(room, children=2)
    run_id = make.draft(make.make_fee(amount_minor=45000), room, due_on=date(2026, 12, 15))
    done = billing.post_run(run_id=run_id, actor=make.ACTOR)
    assert (done.invoices, done.families, done.total_minor, done.already) == (2, 1, 90000, False)
    [event] = published("fees.family_billed")
    assert event["guardian_id"] == str(family.guardian.pk)
    assert len(event["invoice_ids"]) == 2
    assert (event["total_minor"], event["currency"], event["due_on"]) == (
        90000,
        "USD",
        "2026-12-15",
    )
    [first] = make.owed(family.children[0])
    assert first.number.startswith(f"{today().year}-0000")
    [line] = first.lines
    assert line.why == (
        "Tuition is $450.00 for every student of class 3A, due on December 15, 2026."
    )


def test_posting_twice_charges_once(room, published):
    make.make_family(room)
    run_id = make.draft(make.make_fee(), room)
    billing.post_run(run_id=run_id, actor=make.ACTOR)
    assert billing.post_run(run_id=run_id, actor=make.ACTOR).already
    assert (Invoice.objects.count(), Charge.objects.count()) == (1, 1)
    assert len(published("fees.family_billed")) == 1


def test_another_run_of_the_same_fee_and_month_leaves_the_billed_out(room):
    make.make_family(room)
    fee_id = make.make_fee()
    first, second = make.draft(fee_id, room), make.draft(fee_id, room)
    billing.post_run(run_id=first, actor=make.ACTOR)
    preview = runs.preview_run(runs.get_run(run_id=second))
    assert preview.lines == ()
    assert [(row.reason, row.billed) for row in preview.exceptions] == [("already_billed", False)]
    with pytest.raises(Invalid) as refused:
        billing.post_run(run_id=second, actor=make.ACTOR)
    assert refused.value.code == "nobody_to_bill"
    assert Invoice.objects.count() == 1


def test_a_changed_list_must_be_looked_at_again(room):
    make.make_family(room)
    run_id = make.draft(make.make_fee(), room)
    seen = runs.preview_run(runs.get_run(run_id=run_id)).fingerprint
    make.make_family(room)
    with pytest.raises(Conflict) as refused:
        billing.post_run(run_id=run_id, actor=make.ACTOR, fingerprint=seen)
    assert refused.value.code == "preview_changed"
    assert Invoice.objects.count() == 0


def test_the_preview_names_what_is_odd_and_what_changed(room):
    known = make.make_family(room)
    fee_id = make.make_fee()
    last = make.draft(fee_id, room, due_on=today() - timedelta(days=60))
    billing.post_run(run_id=last, actor=make.ACTOR)
    make.make_family(room, email="")
    StudentFactory(school_class=room, first_name="Alone")
    preview = runs.preview_run(runs.get_run(run_id=make.draft(fee_id, room)))
    assert {row.reason for row in preview.exceptions} == {"no_email", "no_guardian"}
    assert all(row.billed for row in preview.exceptions)
    assert preview.difference is not None
    assert (preview.difference.count_change, preview.difference.total_change_minor) == (2, 90000)
    assert len(preview.difference.added) == 2
    assert known.child.pk in {line.student_id for line in preview.lines}


def test_a_run_is_reversed_by_contra_entries(room):
    family = make.make_family(room)
    run_id = make.bill(room)
    billing.reverse_run(run_id=run_id, actor=make.ACTOR)
    assert billing.reverse_run(run_id=run_id, actor=make.ACTOR).already
    assert sorted(Charge.objects.values_list("amount_minor", flat=True)) == [-45000, 45000]
    assert make.owed(family.child) == []
    assert invoices.filtered(status="void").count() == 1


def test_a_run_with_a_payment_is_not_reversed(room):
    family = make.make_family(room)
    run_id = make.bill(room)
    make.capture(family.guardian, 1, [(make.owed(family.child)[0].id, 1)])
    with pytest.raises(Conflict) as refused:
        billing.reverse_run(run_id=run_id, actor=make.ACTOR)
    assert refused.value.code == "run_paid"
    assert Charge.objects.count() == 1


def test_money_that_comes_in_during_a_reversal_stops_it(room, monkeypatch):
    """Paid, but not in the books yet: neither an open payment nor an allocation shows it."""
    family = make.make_family(room)
    run_id = make.bill(room)
    monkeypatch.setattr(billing, "catch_up_references", lambda ids: 0)
    make.pay(family, [(make.owed(family.child)[0].id, 1000)])
    with pytest.raises(Conflict) as refused:
        billing.reverse_run(run_id=run_id, actor=make.ACTOR)
    assert refused.value.code == "run_being_paid"
    assert Charge.objects.count() == 1


def test_after_a_reversal_the_fee_can_be_billed_again(room):
    family = make.make_family(room)
    fee_id = make.make_fee()
    first = make.draft(fee_id, room)
    billing.post_run(run_id=first, actor=make.ACTOR)
    billing.reverse_run(run_id=first, actor=make.ACTOR)
    billing.post_run(run_id=make.draft(fee_id, room), actor=make.ACTOR)
    assert [invoice.balance_minor for invoice in make.owed(family.child)] == [45000]


def test_a_changed_fee_leaves_posted_charges_alone(room):
    family = make.make_family(room)
    fee_id = make.make_fee()
    billing.post_run(run_id=make.draft(fee_id, room), actor=make.ACTOR)
    category_id = fees.catalogue.get_fee(fee_id=fee_id).category_id
    fees.change_fee(
        fee_id=fee_id, category_id=category_id, name="Dearer", amount_minor=1, actor=make.ACTOR
    )
    [invoice] = make.owed(family.child)
    assert (invoice.charged_minor, invoice.title) == (45000, "Tuition")
    assert Charge.objects.get().rule_version == 1


@pytest.mark.parametrize("model", [Charge, Allocation])
def test_the_database_refuses_to_change_the_books(room, model):
    family = make.make_family(room)
    make.bill(room)
    make.capture(family.guardian, 100)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        model.objects.update(amount_minor=1)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        model.objects.all()._raw_delete("default")
    assert model.objects.count() == 1


def test_an_import_of_billed_students_cannot_be_undone(room):
    from apps.fees.services.guards import invoices_stand

    family = make.make_family(room)
    assert invoices_stand([family.child.pk]) == []
    make.bill(room)
    assert invoices_stand([family.child.pk]) == ["1 of the students has been billed."]


def test_two_bursars_posting_at_once_charge_once(committed_school):
    room = make.make_class()
    make.make_family(room, children=3)
    fee_id = make.make_fee()
    same, other = make.draft(fee_id, room), make.draft(fee_id, room)
    outcomes = _at_once([same, same, other, other])
    assert Invoice.objects.count() == 3
    assert sum(charge.amount_minor for charge in Charge.objects.all()) == 135000
    assert BillingRun.objects.filter(state="posted").count() == 1
    assert len(outcomes) == 4


def _at_once(run_ids):
    barrier, outcomes = Barrier(len(run_ids)), []

    def post(run_id):
        try:
            with in_school("t_000001"):
                barrier.wait()
                outcomes.append(billing.post_run(run_id=run_id, actor=make.ACTOR))
        except (Invalid, Conflict) as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [Thread(target=post, args=[run_id]) for run_id in run_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


def test_three_hundred_students_are_posted_in_a_few_statements(room, django_assert_max_num_queries):
    for _ in range(40):
        make.make_family(room)
    run_id = make.draft(make.make_fee(), room)
    with django_assert_max_num_queries(70):  # 40 of them publish one event each
        billing.post_run(run_id=run_id, actor=make.ACTOR)
    assert len(students.students_in_classes([room.pk])) == 40
