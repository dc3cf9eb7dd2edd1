"""Refunds above the school's limit: two persons, no way around, and money moves once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models, tasks
from apps.payments.services import approvals, janitor, refunds, returning
from apps.payments.tests.factories import LineFactory, counter, order, start
from apps.payments.tests.test_concurrency import at_once
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.schools import current_school

ANNA, BEN = "anna@example.org", "ben@example.org"


def set_limit(minor: int) -> None:
    tenants.change_settings(
        school_id=current_school().id, values={"payments.refund_limit_minor": minor}
    )
    reopen()


@pytest.fixture
def paid(account, sandbox):
    """250.00 by card at a school where one person refunds up to 100.00."""
    set_limit(10000)
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    return started.payment_id


def ask(payment_id, amount_minor, *, actor=ANNA, key=None):
    return payments.request_refund(
        payment_id=payment_id,
        amount_minor=amount_minor,
        reason="Trip cancelled",
        actor=actor,
        idempotency_key=key or str(uuid4()),
    )


def refunded(sandbox):
    return len(sandbox.app.store.all(sandbox.account(), "refund"))


def test_up_to_the_limit_one_person_is_enough(paid, sandbox):
    assert ask(paid, 10000).status == "succeeded"


def test_above_it_nothing_moves_until_somebody_else_approves(paid, sandbox, heard):
    asked = ask(paid, 10001, key="one")
    again = ask(paid, 10001, key="one")

    assert (asked.status, again.id) == ("waiting_approval", asked.id)
    assert (refunded(sandbox), payments.get_payment(paid).refunds) == (0, ())
    assert [row.id for row in payments.waiting_approvals([paid])] == [asked.id]

    done = refunds.approve(approval_id=asked.id, actor=BEN)
    twice = refunds.approve(approval_id=asked.id, actor=BEN)

    assert (done.id, done.status, twice.id) == (asked.id, "succeeded", asked.id)
    assert refunded(sandbox) == len(heard("payments.refund_completed")) == 1
    assert ask(paid, 10001, key="one").status == "succeeded"
    assert payments.waiting_approvals([paid]) == []
    row = models.RefundApproval.objects.get()
    assert (row.requested_by, row.decided_by) == (ANNA, BEN)


def test_many_small_refunds_are_no_way_around(paid, sandbox):
    statuses = [ask(paid, 4000, actor=actor).status for actor in (ANNA, BEN, ANNA, BEN)]

    assert statuses == ["succeeded", "succeeded", "waiting_approval", "waiting_approval"]
    assert payments.get_payment(paid).refunded_minor == 8000


def test_who_asked_can_neither_approve_nor_decline(paid, sandbox):
    asked = ask(paid, 20000)

    for decide in (refunds.approve, approvals.decline):
        for name in (ANNA, " Anna@Example.org "):
            with pytest.raises(Forbidden):
                decide(approval_id=asked.id, actor=name)
    assert refunded(sandbox) == 0


def test_a_declined_refund_is_over_and_told(paid, sandbox, heard):
    asked = ask(paid, 20000, key="one")

    said = approvals.decline(approval_id=asked.id, actor=BEN, note="Not agreed")

    assert (said.status, said.failure) == ("failed", "Declined by ben@example.org. Not agreed")
    [told] = heard("payments.refund_failed")
    assert (told["refund_id"], told["amount_minor"]) == (str(asked.id), 20000)
    assert ask(paid, 20000, key="one").status == "failed"
    with pytest.raises(Conflict):
        refunds.approve(approval_id=asked.id, actor=BEN)
    assert refunded(sandbox) == 0


def test_only_who_asked_takes_it_back(paid):
    asked = ask(paid, 20000)

    with pytest.raises(Forbidden):
        approvals.withdraw(approval_id=asked.id, actor=BEN)
    assert approvals.withdraw(approval_id=asked.id, actor=ANNA).status == "failed"
    with pytest.raises(Conflict):
        approvals.decline(approval_id=asked.id, actor=BEN)


def test_what_nobody_decides_about_ends_by_itself(paid, heard):
    asked = ask(paid, 20000)
    late = timezone.now() - timedelta(minutes=1)
    models.RefundApproval.objects.filter(pk=asked.id).update(expires_at=late)

    with pytest.raises(Conflict):
        refunds.approve(approval_id=asked.id, actor=BEN)
    janitor.tidy_payments()
    janitor.tidy_payments()

    assert models.RefundApproval.objects.get().state == "expired"
    assert len(heard("payments.refund_failed")) == 1


def test_the_school_is_looked_into_when_a_request_ends(paid):
    asked = ask(paid, 20000)
    models.Payment.objects.update(next_check_at=None)
    ends = models.RefundApproval.objects.get(pk=asked.id).expires_at

    assert tasks.selectors.next_check_due() == ends


def test_more_than_is_left_by_then_is_not_released(paid, sandbox):
    first, second = ask(paid, 20000), ask(paid, 20000)
    refunds.approve(approval_id=first.id, actor=BEN)

    with pytest.raises(Invalid):
        refunds.approve(approval_id=second.id, actor=BEN)

    assert refunded(sandbox) == 1
    assert models.RefundApproval.objects.get(pk=second.id).state == "waiting"


def test_cash_above_the_limit_waits_as_well(school):
    set_limit(10000)
    payment_id = payments.record_offline_payment(**counter())
    asked = ask(payment_id, 25000)

    assert asked.status == "waiting_approval"
    assert refunds.approve(approval_id=asked.id, actor=BEN).status == "succeeded"
    assert payments.get_payment(payment_id).status == "refunded"


def test_what_the_banks_statement_proves_needs_nobody_else(school):
    """A returned cheque is gone already: a person only writes it down."""
    set_limit(10000)
    payment_id = payments.record_offline_payment(**counter(method="cheque"))

    back = returning.take_back(payment_id, reason="Returned", actor=ANNA, idempotency_key="bank:1")

    assert back.status == "succeeded"


def test_a_key_is_not_used_for_another_refund(paid):
    ask(paid, 20000, key="one")
    with pytest.raises(payments.KeyReused):
        ask(paid, 19999, key="one")


def test_an_unknown_request(school):
    for decide in (refunds.approve, approvals.decline, approvals.withdraw):
        with pytest.raises(NotFound):
            decide(approval_id=uuid4(), actor=BEN)


def test_the_api_knows_the_limit(paid, api_for, sandbox):
    client = api_for("bursar")

    answer = client.post(
        f"/api/v1/payments/{paid}/refunds/",
        {"amount_minor": 20000, "reason": "Trip cancelled"},
        format="json",
        headers={"Idempotency-Key": "key-number-one"},
    )

    assert (answer.status_code, answer.json()["status"]) == (202, "waiting_approval")
    assert refunded(sandbox) == 0


def test_two_people_and_the_pages_between_them(paid, client_for, sandbox):
    bursar, admin = client_for("bursar"), client_for("admin")
    form = {"amount": "200.00", "reason": "Trip cancelled", "key": str(uuid4())}
    bursar.post(reverse("payments:refund", args=[paid]), form)
    asked = models.RefundApproval.objects.get()
    approve = reverse("payments:approve", args=[asked.pk])

    mine = bursar.get(reverse("payments:approvals")).content.decode()
    theirs = admin.get(reverse("payments:approvals")).content.decode()
    detail = admin.get(reverse("payments:detail", args=[paid])).content.decode()
    assert "Take it back" in mine
    assert "Approve and refund" not in mine
    assert "Refund $200.00 to Mina Park?" in theirs
    assert "Refund $200.00 to Mina Park?" in detail
    bursar.post(approve)
    assert refunded(sandbox) == 0
    for role in ("office", "teacher", "guardian"):
        assert client_for(role).post(approve).status_code == 403

    assert admin.post(approve).status_code == 302
    assert admin.post(approve).status_code == 302
    assert refunded(sandbox) == 1
    page = admin.get(reverse("payments:detail", args=[paid])).content.decode()
    assert "Refund of $200.00 made" in page
    assert "admin@example.org" in page


def test_declining_on_the_page_needs_a_reason(paid, client_for):
    asked = ask(paid, 20000)
    admin, url = client_for("admin"), reverse("payments:decline", args=[asked.id])

    admin.post(url, {"note": ""})
    assert models.RefundApproval.objects.get().state == "waiting"
    admin.post(url, {"note": "Not agreed"})
    assert models.RefundApproval.objects.get().note == "Not agreed"
    text = admin.get(reverse("payments:approvals"), {"show": "waiting"}).content.decode()
    assert "No request matches" in text


def test_without_requests_the_queue_says_so(client_for):
    text = client_for("bursar").get(reverse("payments:approvals")).content.decode()
    assert "Nothing to approve" in text


@pytest.mark.django_db(transaction=True)
def test_two_staff_at_once_stay_within_the_limit(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    set_limit(1000)
    started = payments.start_payment(order(lines=[LineFactory(amount_minor=5000)]))
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)

    def refund(number):
        who = (ANNA, BEN)[number % 2]
        return lambda: ask(started.payment_id, 400, actor=who).status

    results = at_once(committed_school.schema_name, [refund(n) for n in range(6)])

    assert Counter(results) == {"succeeded": 2, "waiting_approval": 4}
    assert payments.get_payment(started.payment_id).refunded_minor == 800


@pytest.mark.django_db(transaction=True)
def test_approving_at_once_moves_money_once(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    set_limit(1000)
    started = payments.start_payment(order(lines=[LineFactory(amount_minor=5000)]))
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    asked = ask(started.payment_id, 3000)

    def approve(name):
        return lambda: refunds.approve(approval_id=asked.id, actor=name).id

    names = ("ben@example.org", "carla@example.org", "dora@example.org")
    results = at_once(committed_school.schema_name, [approve(name) for name in names])

    assert set(results) == {asked.id}
    assert refunded(sandbox) == 1
