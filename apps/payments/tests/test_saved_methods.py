"""Cards that the gateway keeps, and charges of them: the real package against the sandbox."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.preferences import FAMILY_ATTEMPTS, FAMILY_DECLINES
from apps.payments.providers.base import SavesMethods
from apps.payments.providers.stripe import StripeProvider
from apps.payments.services import accounts, methods, webhooks
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import JUN, MINA, LineFactory, start
from apps.payments.tests.saved_cards import CONSENT, charge, intents, keep_card, outcome, story
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7

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


def test_the_story_of_a_charge_speaks_of_the_card_and_of_no_page(account, sandbox, client_for):
    saved = keep_card(sandbox)
    charged = charge(saved).id
    with pytest.raises(Conflict):
        charge(saved, idempotency_key="late", still_wanted=lambda: False)
    dropped = payments.payment_of_key("late").id
    bursar = client_for("bursar")

    for payment_id, words in (
        (charged, "The gateway charges the saved card"),
        (dropped, "The card was not charged."),
    ):
        page = bursar.get(reverse("payments:detail", args=[payment_id])).content.decode()
        assert words in page
        assert "ayment page" not in page


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
