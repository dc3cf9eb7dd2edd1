"""Tasks, provisioning, and that one school's trouble is not the next one's."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.apps import apps
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models, provisioning, tasks
from apps.payments.contracts import MESSAGES_TASK, RECONCILE_TASK, TIDY_TASK
from apps.payments.services import janitor
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import start
from kernel.schools import in_public


def test_a_worker_processes_one_message(school, account, sandbox, anonymous):
    started = start()
    sandbox.press(started, "pay")
    deliver(anonymous(), sandbox.collect()[0])
    event = models.ProviderEvent.objects.get()

    state = tasks.process_provider_event(
        schema_name=school.schema_name, provider_event_id=str(event.pk), unknown="later release"
    )

    assert state == "processed"
    assert payments.get_payment(started.payment_id).status == "captured"


def _due(task):
    """The school's rows for this task, as seconds from now."""
    with in_public():
        rows = (
            apps.get_model("tenants", "DueWork")
            .objects.filter(school_id=1, task=task)
            .values_list("due_at", flat=True)
        )
        return sorted(round((due_at - timezone.now()).total_seconds()) for due_at in rows)


def test_a_payment_under_way_is_noted_for_the_janitor(school, account, sandbox):
    start()

    # once as it is begun, once as its page is known
    assert _due(TIDY_TASK) == [60, 60]


def test_the_janitor_looks_after_one_school_and_notes_what_comes_next(school, account, sandbox):
    paid, waiting = start(), start()
    sandbox.press(paid, "pay")
    models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))

    assert tasks.tidy_school(schema_name=school.schema_name) == 2

    assert payments.get_payment(paid.payment_id).status == "captured"
    # of the payment that waits: once as it was put off, once as the next that is due
    assert _due(TIDY_TASK) == [300, 300]
    assert payments.get_payment(waiting.payment_id).status == "pending"


def test_nothing_to_wait_for_leaves_no_row(school, account, sandbox):
    paid = start()
    sandbox.press(paid, "pay")
    models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))

    tasks.tidy_school(schema_name=school.schema_name)

    assert _due(TIDY_TASK) == []


def test_a_message_is_noted_until_it_has_been_dealt_with(school, account, sandbox, anonymous):
    started = start()
    sandbox.press(started, "pay")
    deliver(anonymous(), sandbox.collect()[0])
    assert _due(MESSAGES_TASK) == [10]
    models.ProviderEvent.objects.update(next_attempt_at=timezone.now())

    assert tasks.take_up_messages(schema_name=school.schema_name) == 1

    assert _due(MESSAGES_TASK) == []
    assert payments.get_payment(started.payment_id).status == "captured"


def test_an_archived_schools_messages_wait(school, account, sandbox, anonymous, monkeypatch):
    started = start()
    sandbox.press(started, "pay")
    deliver(anonymous(), sandbox.collect()[0])
    event = models.ProviderEvent.objects.get()
    monkeypatch.setattr(type(school), "works", False)

    tasks.process_provider_event(schema_name=school.schema_name, provider_event_id=str(event.pk))
    tasks.take_up_messages(schema_name=school.schema_name)
    tasks.tidy_school(schema_name=school.schema_name)

    event.refresh_from_db()
    assert event.state == models.ProviderEvent.RECEIVED
    assert payments.get_payment(started.payment_id).status == "pending"


def test_one_odd_payment_does_not_stop_the_others(account, sandbox, monkeypatch):
    odd, good = start(), start()
    sandbox.press(good, "pay")
    models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))
    real = janitor.tidy_payment

    def tidy(payment_id):
        if payment_id == odd.payment_id:
            raise ValueError("odd")
        real(payment_id)

    monkeypatch.setattr(janitor, "tidy_payment", tidy)

    assert janitor.tidy_payments() == 2
    assert payments.get_payment(good.payment_id).status == "captured"
    assert models.Payment.objects.get(pk=odd.payment_id).next_check_at > timezone.now()


def test_a_new_school_gets_its_own_practice_account(school, settings):
    models.GatewayAccount.objects.all().delete()
    settings.SANDBOX_URL = "http://127.0.0.1:1"

    for _again in range(2):
        provisioning.open_payment_sandbox(SimpleNamespace())

    account = models.GatewayAccount.objects.get()
    assert (account.mode, account.is_default) == ("sandbox", True)
    assert payments.can_take_payments() is True


def test_without_a_sandbox_a_new_school_has_no_account(school, settings):
    models.GatewayAccount.objects.all().delete()
    settings.SANDBOX_URL = ""

    provisioning.open_payment_sandbox(SimpleNamespace())

    assert models.GatewayAccount.objects.count() == 0
    assert payments.can_take_payments() is False


def test_each_morning_books_are_compared_and_the_next_morning_is_noted(school, account, sandbox):
    assert tasks.reconcile_school(schema_name=school.schema_name) == 1
    assert tasks.reconcile_school(schema_name=school.schema_name) == 0

    [seconds] = _due(RECONCILE_TASK)
    assert 0 < seconds <= 25 * 3600
    assert models.ReconciliationRun.objects.get().state == "done"
