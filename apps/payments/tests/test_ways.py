"""Card or PayPal: what a payer can choose among, and changing one's mind while a page is open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import account_care, accounts
from apps.payments.tests.factories import JUN, LineFactory, order, start
from kernel.errors import Invalid

CLIENT_ID, SECRET = "AeA1QIZXiflr1-client-id", "EL1tVxAjhT7cJimnz5-Nsx9k2reTKSVfErNQF-CmrwJg"


@pytest.fixture
def both(account, sandbox):
    """Lincoln takes cards, and offers PayPal beside them."""
    info = accounts.create_sandbox_account(provider="paypal")
    return account, accounts.get_account(info.id)


def test_one_account_is_no_choice(account):
    assert payments.pay_methods() == ("card",)


def test_the_account_in_use_comes_first(both):
    _card, paypal = both
    assert payments.pay_methods() == ("card", "paypal")

    accounts.make_default(account_id=paypal.pk, actor="bursar")
    assert payments.pay_methods() == ("paypal",)


def test_what_is_not_offered_is_no_choice(both, settings):
    _card, paypal = both
    accounts.offer_account(account_id=paypal.pk, offered=False, actor="bursar")
    assert payments.pay_methods() == ("card",)
    accounts.offer_account(account_id=paypal.pk, offered=True, actor="bursar")
    models.GatewayAccount.objects.filter(pk=paypal.pk).update(secret_key="")
    assert payments.pay_methods() == ("card",)
    settings.SANDBOX_URL = ""
    assert payments.pay_methods() == ()


def test_an_account_that_is_off_is_no_choice(both):
    account_care.turn_off(account_id=both[1].pk, actor="bursar")

    assert payments.pay_methods() == ("card",)


def test_practice_money_never_stands_beside_real_money(both):
    models.GatewayAccount.objects.filter(is_default=True).update(mode="live")

    assert payments.pay_methods() == ("card",)


def test_paypal_is_no_choice_for_a_currency_it_does_not_take(both, school):
    school.currency = "ZAR"

    assert payments.pay_methods() == ("card",)


def test_the_payer_chooses(both, sandbox):
    card, paypal = start(), start(method="paypal")

    assert "/c/pay/" in card.redirect_url
    assert "/paypal/checkoutnow" in paypal.redirect_url
    assert payments.get_payment(paypal.payment_id).method == "paypal"


def test_a_way_that_is_not_offered_starts_nothing(account):
    for method in ("paypal", "bitcoin"):
        with pytest.raises(Invalid) as refusal:
            start(method=method)
        assert refusal.value.code == "no_such_method"
    assert models.Payment.objects.count() == 0


def test_changing_ones_mind_closes_the_first_page(both, sandbox):
    line = LineFactory()
    card = start(lines=[line])

    paypal = start(lines=[line], method="paypal")

    assert payments.get_payment(card.payment_id).status == "cancelled"
    assert "no longer open" in sandbox.press(card, "pay").text
    assert (paypal.reused, models.OpenClaim.objects.get().payment_id) == (
        False,
        paypal.payment_id,
    )
    # And back again: what PayPal's page then agrees to is not taken.
    again = start(lines=[line], method="card")
    sandbox.press(paypal, "pay")
    assert payments.sync(paypal.payment_id).status == "cancelled"
    sandbox.press(again, "pay")
    assert payments.sync(again.payment_id).status == "captured"


def test_the_same_way_again_is_the_same_page(both):
    line = LineFactory()
    first = start(lines=[line], method="paypal")

    assert start(lines=[line], method="paypal").redirect_url == first.redirect_url
    # Whoever does not choose goes on where he was.
    assert start(lines=[line]).payment_id == first.payment_id


def test_what_was_paid_one_way_is_not_paid_another(both, sandbox):
    line = LineFactory()
    card = start(lines=[line])
    sandbox.press(card, "pay")

    with pytest.raises(payments.AlreadyPaid):
        start(lines=[line], method="paypal")


def test_what_was_approved_at_paypal_is_taken_not_charged_again(both, sandbox):
    line = LineFactory()
    paypal = start(lines=[line], method="paypal")
    sandbox.press(paypal, "pay")

    with pytest.raises(payments.AlreadyPaid):
        start(lines=[line], method="card")
    assert payments.get_payment(paypal.payment_id).status == "captured"


def test_what_waits_for_a_bank_is_not_paid_another_way(both, sandbox):
    line = LineFactory()
    sandbox.press(start(lines=[line], method="paypal"), "later")

    for payer in (None, JUN):
        with pytest.raises(payments.PaymentInProgress):
            start(lines=[line], method="card", **({"payer_id": payer} if payer else {}))


def test_a_key_names_one_way(both):
    wanted = order(method="paypal")
    payments.start_payment(wanted)

    with pytest.raises(payments.KeyReused):
        payments.start_payment(replace(wanted, method="card"))


# The portal


def test_connecting_paypal_and_offering_it(client_for, account):
    client = client_for("admin")
    form = {"provider": "paypal", "label": "School PayPal", "mode": "test"}
    add = reverse("payments:account_add")

    refused = client.post(add, form | {"secret_key": SECRET})
    assert refused.status_code == 422
    assert SECRET not in refused.content.decode()
    client.post(add, form | {"client_id": CLIENT_ID, "secret_key": SECRET})
    connected = models.GatewayAccount.objects.get(label="School PayPal")
    assert (connected.provider, connected.client_id) == ("paypal", CLIENT_ID)
    assert (connected.is_default, connected.is_offered) == (False, False)

    offer = reverse("payments:account_offer", args=[connected.pk])
    shown = client.post(offer, {"on": "1"}, follow=True).content.decode()
    assert "families may choose it" in shown
    assert CLIENT_ID not in shown
    assert SECRET not in shown
    assert payments.pay_methods() == ("card", "paypal")
    client.post(offer)
    assert payments.pay_methods() == ("card",)


def test_a_practice_account_of_each_gateway(client_for, account):
    client = client_for("admin")
    sandbox = reverse("payments:open_sandbox")

    assert "Practice with PayPal" in client.get(reverse("payments:accounts")).content.decode()
    client.post(sandbox, {"provider": "paypal"})
    client.post(sandbox, {"provider": "paypal"})

    assert client.post(sandbox, {"provider": "nobody"}).status_code == 404
    assert sorted(models.GatewayAccount.objects.values_list("provider", flat=True)) == [
        "paypal",
        "stripe",
    ]
    page = client.get(reverse("payments:accounts")).content.decode()
    assert "Practice with" not in page


@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian"])
def test_others_offer_nothing(client_for, both, role):
    _card, paypal = both

    answer = client_for(role).post(reverse("payments:account_offer", args=[paypal.pk]))

    assert answer.status_code == 403
    assert payments.pay_methods() == ("card", "paypal")
