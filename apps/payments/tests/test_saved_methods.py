"""Cards that the gateway keeps, and charges of them: the real package against the sandbox."""

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
from apps.payments.contracts import PaymentInfo
from apps.payments.preferences import FAMILY_ATTEMPTS, FAMILY_DECLINES
from apps.payments.providers.base import SavesMethods
from apps.payments.providers.stripe import StripeProvider
from apps.payments.services import accounts, charging, janitor, methods, sync, webhooks
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import JUN, MINA, LineFactory, order, start
from apps.payments.tests.test_concurrency import at_once
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7

CONSENT = "I allow Lincoln to keep this card, so that I can pay with it again."


def keep_card(sandbox: Any, **changes: Any) -> UUID:
    """Pay on the hosted page with consent; returns the card that is kept then."""
    started = start(consent=CONSENT, **changes)
    sandbox.press(started, "pay")
    assert payments.sync(started.payment_id).status == "captured"
    return payments.saved_methods(changes.get("payer_id", MINA))[0].id


def outcome(sandbox: Any, saved: UUID, name: str) -> None:
    """What the bank says to charges of this card from now on."""
    row = models.SavedMethod.objects.get(pk=saved)
    sandbox.app.gateway.set_charge_outcome(sandbox.account(), row.method_id, name)


def charge(saved: UUID, **changes: Any) -> PaymentInfo:
    wanted = order(**changes)
    wanted.pop("cancel_path")
    also = {"make_room": True, "still_wanted": lambda: True, "method_id": saved}
    return payments.charge_saved_method(**(wanted | also | changes))


def intents(sandbox: Any, status: str = "succeeded") -> list[dict[str, Any]]:
    """Money that the gateway took without a page."""
    found = sandbox.app.store.all(sandbox.account(), "payment_intent")
    alone = [row for row in found if row["status"] == status and not row["setup_future_usage"]]
    return [row for row in alone if row["payment_method"]]


def story(payment_id: UUID) -> list[str]:
    return [type(stored.event).__name__ for stored in event_store.load(payment_id)]


# Keeping a card


def test_a_card_is_kept_only_when_the_payer_agreed(account, sandbox):
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    assert payments.saved_methods(MINA) == []
    assert sandbox.app.store.all(sandbox.account(), "payment_method") == []


def test_consent_is_kept_word_for_word_with_its_time(account, sandbox):
    before = timezone.now()
    keep_card(sandbox)
    [info] = payments.saved_methods(MINA)
    assert (info.name, info.expires) == ("Visa •• 4242", "12/2034")
    row = models.SavedMethod.objects.get()
    assert row.consent_text == CONSENT
    assert before <= row.consented_at <= timezone.now()
    assert payments.saved_methods(JUN) == []


def test_agreeing_without_paying_keeps_nothing(account, sandbox):
    started = start(consent=CONSENT)
    sandbox.press(started, "decline")
    payments.sync(started.payment_id)
    payments.cancel(started.payment_id)
    assert payments.saved_methods(MINA) == []
    with pytest.raises(NotFound):
        charge(models.SavedMethod.objects.get().pk)


def test_the_second_card_is_kept_with_the_same_customer(account, sandbox):
    keep_card(sandbox)
    keep_card(sandbox)
    assert models.SavedMethod.objects.values("customer_id").distinct().count() == 1
    assert len(payments.saved_methods(MINA)) == 2


def test_ticking_consent_later_opens_another_page(account, sandbox):
    line = LineFactory()
    first = start(lines=[line])
    second = start(lines=[line], consent=CONSENT)
    assert second.redirect_url != first.redirect_url
    assert not payments.get_payment(first.payment_id).is_open


def test_a_gateway_that_keeps_no_cards_says_so(account, monkeypatch):
    assert payments.can_save_methods()

    class WithoutCards:
        """A gateway with a hosted page and nothing else."""

    monkeypatch.setattr(accounts, "provider_for", lambda account: WithoutCards())
    assert not payments.can_save_methods()
    with pytest.raises(Invalid):
        start(consent=CONSENT)


def test_the_adapter_of_stripe_has_the_capability():
    assert issubclass(StripeProvider, SavesMethods)


# Charging it


def test_a_kept_card_is_charged_and_booked_like_any_payment(account, sandbox, heard):
    saved = keep_card(sandbox)
    info = charge(saved, lines=[LineFactory(amount_minor=12345)])
    assert (info.status, info.captured_minor, info.charges_method) == ("captured", 12345, True)
    assert story(info.id) == ["Initiated", "SessionCreated", "Captured"]
    assert [event["amount_minor"] for event in heard("payments.payment_captured")] == [25000, 12345]
    assert not models.OpenClaim.objects.exists()


def test_the_same_key_charges_once(account, sandbox):
    saved = keep_card(sandbox)
    wanted = {"lines": [LineFactory()], "idempotency_key": "family:1"}
    assert charge(saved, **wanted).id == charge(saved, **wanted).id
    assert len(intents(sandbox)) == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("declined", "card_declined"),
        ("authentication_required", "authentication_required"),
        ("expired", "expired_card"),
    ],
)
def test_a_refusal_ends_the_payment_and_says_why(account, sandbox, said, code):
    saved = keep_card(sandbox)
    outcome(sandbox, saved, said)
    line = LineFactory()
    info = charge(saved, lines=[line], idempotency_key="once")
    assert (info.status, info.is_open, info.captured_minor) == ("declined", False, 0)
    assert payments.refusal_code(info.id) == code
    # The same request is not tried again, another one may be; the reference is free.
    outcome(sandbox, saved, "succeeded")
    assert charge(saved, lines=[line], idempotency_key="once").status == "declined"
    assert charge(saved, lines=[line]).status == "captured"


def test_a_refund_of_a_charge_goes_back_the_way_it_came(account, sandbox):
    info = charge(keep_card(sandbox))
    refund = payments.request_refund(
        payment_id=info.id, amount_minor=500, reason="r", actor="a", idempotency_key="r1"
    )
    assert refund.status == "succeeded"
    [made] = sandbox.app.store.all(sandbox.account(), "refund")
    assert (made["amount"], made["payment_intent"]) == (500, intents(sandbox)[0]["id"])


def test_messages_of_the_gateway_about_a_charge_find_it(account, sandbox, client_for, anonymous):
    info = charge(keep_card(sandbox))
    browser = anonymous()
    assert {deliver(browser, message).status_code for message in sandbox.collect()} == {200}
    for event_id in models.ProviderEvent.objects.values_list("pk", flat=True):
        webhooks.process(event_id)
    about = models.ProviderEvent.objects.filter(payment_id=info.id)
    assert about.filter(event_type="payment_intent.succeeded").exists()
    assert story(info.id).count("Captured") == 1


def test_what_is_no_longer_wanted_is_not_charged(account, sandbox):
    saved = keep_card(sandbox)
    with pytest.raises(Conflict, match="has changed"):
        charge(saved, still_wanted=lambda: False)
    assert intents(sandbox) == []
    assert not models.OpenClaim.objects.exists()


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


# Removing it


def test_a_removed_card_is_charged_no_more_here_and_there(account, sandbox):
    saved = keep_card(sandbox)
    token = models.SavedMethod.objects.get().method_id
    payments.forget_saved_method(saved, payer_id=MINA)
    assert payments.saved_methods(MINA) == []
    with pytest.raises(NotFound):
        charge(saved)
    kept = sandbox.app.store.get(sandbox.account(), "payment_method", token)
    assert kept["customer"] is None


def test_a_card_is_removed_here_also_when_the_gateway_is_away(account, sandbox, settings):
    saved = keep_card(sandbox)
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    payments.forget_saved_method(saved, payer_id=MINA)
    assert not methods.standing(MINA).exists()


def test_nobody_removes_or_charges_anothers_card(account, sandbox):
    saved = keep_card(sandbox)
    with pytest.raises(NotFound):
        payments.forget_saved_method(saved, payer_id=JUN)
    with pytest.raises(NotFound):
        charge(saved, payer_id=JUN)


def test_a_card_of_an_account_that_is_turned_off_is_not_offered(account, sandbox):
    keep_card(sandbox)
    models.GatewayAccount.objects.update(turned_off_at=timezone.now())
    assert payments.saved_methods(MINA) == []


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


# The same care as on the page


def test_somebody_who_is_held_charges_no_card(account, sandbox):
    saved, family = keep_card(sandbox), uuid7()
    for _number in range(FAMILY_ATTEMPTS.value):
        start(family_id=family)
    with pytest.raises(payments.PaymentsPaused):
        charge(saved, family_id=family)
    assert intents(sandbox) == []
    assert charge(saved, family_id=uuid7()).status == "captured"


def test_refused_charges_are_counted_like_refusals_on_the_page(account, sandbox):
    saved, family = keep_card(sandbox), uuid7()
    outcome(sandbox, saved, "declined")
    for _number in range(FAMILY_DECLINES.value):
        assert charge(saved, family_id=family).status == "declined"
    assert models.FraudHold.objects.get().seen["declines"] == FAMILY_DECLINES.value
    with pytest.raises(payments.PaymentsPaused):
        charge(saved, family_id=family)


def test_a_card_pays_only_money_of_its_own_account(account, sandbox):
    saved = keep_card(sandbox)
    other = models.GatewayAccount.objects.get()
    other.pk, other._state.adding = uuid7(), True
    other.is_default, other.webhook_key = False, models.new_webhook_key()
    other.save()
    with pytest.raises(Invalid, match="cannot pay what you chose"):
        charge(saved, account_id=other.pk)
    assert payments.saved_methods_for(MINA, other.pk) == []
    assert [card.id for card in payments.saved_methods_for(MINA, None)] == [saved]
    assert intents(sandbox) == []
