"""Tasks, provisioning, and that one school's trouble is not the next one's."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models, provisioning, tasks
from apps.payments.services import janitor
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import start


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


def test_the_janitor_looks_after_every_school(school, account, sandbox, in_other_school):
    lincoln = start()
    sandbox.press(lincoln, "pay")
    with in_other_school():
        models.GatewayAccount.objects.all().delete()
        payments.create_sandbox_account()
        martin = start(currency="EUR")
        sandbox.press(martin, "pay")
        models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))
    models.Payment.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))

    assert tasks.janitor() == 2

    assert payments.get_payment(lincoln.payment_id).status == "captured"
    with in_other_school():
        assert payments.get_payment(martin.payment_id).status == "captured"


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


def test_the_sweep_of_messages_runs_in_every_school(school):
    assert tasks.sweep_provider_events() == 0


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
