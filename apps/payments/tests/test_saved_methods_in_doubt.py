"""Charges of a saved card that get no answer, meet others, or run at once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.events import facade as event_store
from apps.payments import facade as payments
from apps.payments import models
from apps.payments.providers.stripe import StripeProvider
from apps.payments.services import charging, janitor, sync
from apps.payments.tests.factories import JUN, LineFactory, start
from apps.payments.tests.saved_cards import charge, intents, keep_card, outcome
from apps.payments.tests.test_concurrency import at_once

# No answer


def test_an_answer_that_is_lost_is_found_and_not_charged_again(account, sandbox):
    saved = keep_card(sandbox)
    sandbox.app.faults.lose_answers["/v1/payment_intents"] = 3
    info = charge(saved)
    assert (info.status, info.is_open) == ("unknown", True)
    assert len(intents(sandbox)) == 1
    models.Payment.objects.filter(pk=info.id).update(next_check_at=timezone.now())
    janitor.tidy_payments()
    assert payments.get_payment(info.id).status == "captured"
    assert len(intents(sandbox)) == 1


def test_a_crash_after_the_charge_is_healed_by_the_janitor(account, sandbox, monkeypatch):
    saved = keep_card(sandbox)

    class Killed(BaseException):
        pass

    def die(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(charging.sync, "commit_session", die)
        with pytest.raises(Killed):
            charge(saved)
    payment = models.Payment.objects.get(is_open=True)
    assert (payment.status, len(intents(sandbox))) == ("initiated", 1)
    payment.next_check_at = timezone.now()
    payment.save()
    janitor.tidy_payments()
    assert payments.get_payment(payment.pk).status == "captured"
    assert len(intents(sandbox)) == 1


def test_a_charge_that_never_arrived_is_given_up_and_never_sent_later(account, sandbox):
    saved = keep_card(sandbox)
    sandbox.app.faults.hang_seconds = 0
    sandbox.app.faults.fail["/v1/payment_intents"] = [500] * 3
    info = charge(saved)
    assert info.status == "unknown"
    sandbox.app.faults.clear()
    # While the call may still be running, nothing is said.
    assert payments.sync(info.id).is_open
    models.Payment.objects.filter(pk=info.id).update(
        started_at=timezone.now() - sync.CHARGE_BUDGET - timedelta(seconds=1)
    )
    assert payments.sync(info.id).status == "expired"
    assert intents(sandbox) == []
    assert not models.OpenClaim.objects.exists()


def test_a_gateway_that_is_not_reached_charges_nothing(account, sandbox, settings):
    saved = keep_card(sandbox)
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    info = charge(saved)
    assert (info.status, info.is_open) == ("cancelled", False)


def test_closing_a_charge_that_is_running_leaves_it_open(account, sandbox, monkeypatch):
    saved = keep_card(sandbox)
    seen = []

    def peep(self: Any, request: Any) -> Any:
        seen.append(payments.cancel(UUID(request.payment_id)).is_open)
        return original(self, request)

    original = StripeProvider.charge
    monkeypatch.setattr(StripeProvider, "charge", peep)
    assert charge(saved).status == "captured"
    assert seen == [True]


# Beside others


def test_an_open_page_of_somebody_else_keeps_the_card_from_being_charged(account, sandbox):
    saved = keep_card(sandbox)
    line = LineFactory()
    start(payer_id=JUN, lines=[line])
    with pytest.raises(payments.PaymentInProgress):
        charge(saved, lines=[line])
    assert intents(sandbox) == []


def test_the_payers_own_page_makes_room_only_when_asked(account, sandbox):
    saved = keep_card(sandbox)
    line = LineFactory()
    page = start(lines=[line])
    with pytest.raises(payments.PaymentInProgress):
        charge(saved, lines=[line], make_room=False)
    assert charge(saved, lines=[line]).status == "captured"
    assert payments.get_payment(page.payment_id).status == "cancelled"
    assert sandbox.press(page, "pay").status_code == 200  # a closed page
    assert payments.sync(page.payment_id).captured_minor == 0


# At once, with real commits


@pytest.mark.django_db(transaction=True)
def test_charges_and_a_page_at_once_take_the_money_once(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    saved = keep_card(sandbox)
    lines = [LineFactory()]

    def manual() -> str:
        return "page" if start(payer_id=JUN, lines=lines).redirect_url else ""

    def automatic() -> str:
        return charge(saved, lines=lines, make_room=False, idempotency_key="autopay:1").status

    results = at_once(committed_school.schema_name, [automatic, manual, automatic, manual])
    counted = Counter(results)
    if counted["page"]:
        assert intents(sandbox) == []
        assert counted["captured"] == 0
    else:
        assert counted["captured"] >= 1
        assert len(intents(sandbox)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_refused_card_is_asked_once_however_many_workers_run(committed_school, sandbox):
    models.GatewayAccount.objects.all().delete()
    payments.create_sandbox_account()
    saved = keep_card(sandbox)
    outcome(sandbox, saved, "declined")
    lines = [LineFactory()]

    def automatic() -> str:
        return charge(saved, lines=lines, make_room=False, idempotency_key="autopay:1").status

    results = at_once(committed_school.schema_name, [automatic] * 4)
    assert "declined" in results
    assert len(intents(sandbox, "requires_payment_method")) == 1


def test_no_token_of_a_card_is_in_a_story(account, sandbox):
    info = charge(keep_card(sandbox))
    token = models.SavedMethod.objects.get().method_id
    told = " ".join(repr(stored.event) for stored in event_store.load(info.id))
    assert "Captured" in told
    assert token not in told
