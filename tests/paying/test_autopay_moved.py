"""The school takes payments into another account than the one that keeps a guardian's card."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.fees.models import Autopay, AutopayCharge
from apps.fees.services import autopay, autopay_run
from apps.fees.tests import factories as make
from apps.notifications.models import Message
from apps.payments import facade as payments
from apps.payments.models import GatewayAccount, new_webhook_key
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.schools import today
from tests.paying.cards import charges, keep_card


@pytest.fixture
def maria(account, room, family, monkeypatch):
    """Maria has turned automatic payment on; 450 dollars a child are due in two days. It is day."""
    family.guardian.email = "maria@example.org"
    family.guardian.save()
    make.bill(room, amount_minor=100)
    family.card = keep_card(family.guardian)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=family.card)
    make.bill(room, due_on=today() + timedelta(days=2))
    ten = timezone.now().replace(hour=17)
    monkeypatch.setattr(autopay_run, "_local_now", lambda: ten)
    return family


def take_into_another_account():
    old = GatewayAccount.objects.get(is_default=True)
    GatewayAccount.objects.update(is_default=False)
    new = GatewayAccount.objects.get(pk=old.pk)
    new.pk, new._state.adding, new.is_default = uuid7(), True, True
    new.webhook_key = new_webhook_key()
    new.save()
    return old


def test_the_guardian_is_told_and_sees_why_it_is_off(maria, parent, sandbox, drain):
    take_into_another_account()

    autopay_run.run()
    autopay_run.run()

    assert Autopay.objects.get().ended_why == "account"
    drain()
    [letter] = Message.objects.filter(kind="autopay_ended")
    assert letter.to_address == "maria@example.org"
    assert "where Visa •• 4242 is not kept" in letter.body_text
    assert "tick “Keep this card”" in letter.body_text
    assert "personal-link.invalid" in letter.body_text
    for page in ("/family/", "/family/cards/"):
        text = parent.get(page).content.decode()
        assert "Automatic payment is off" in text
        assert "The school takes payments into another account now" in text
    assert 'name="keep_card"' in parent.get("/family/").content.decode()
    assert charges(sandbox) == []


def test_a_charge_that_was_announced_before_is_not_made(maria, sandbox, monkeypatch):
    autopay_run.run()
    assert AutopayCharge.objects.get().state == "announced"
    take_into_another_account()
    AutopayCharge.objects.update(on=today())

    autopay_run.run()

    assert (AutopayCharge.objects.get().state, charges(sandbox)) == ("skipped", [])
    assert Autopay.objects.get().ended_why == "account"


def test_an_account_that_was_turned_off_is_another_one_too(maria, sandbox):
    old = take_into_another_account()
    GatewayAccount.objects.filter(pk=old.pk).update(turned_off_at=timezone.now())

    autopay_run.run()

    assert Autopay.objects.get().ended_why == "account"


def test_while_the_school_takes_no_payments_at_all_it_waits(maria, monkeypatch):
    take_into_another_account()
    monkeypatch.setattr(payments, "can_take_payments", lambda: False)

    autopay_run.run()

    assert autopay.standing_of(maria.guardian.pk)


def test_an_account_that_is_off_for_a_while_keeps_its_cards(maria, days, sandbox):
    days(0)
    autopay_run.run()
    days(2)
    GatewayAccount.objects.update(turned_off_at=timezone.now())
    autopay_run.run()
    assert (AutopayCharge.objects.get().state, charges(sandbox)) == ("announced", [])
    assert autopay.standing_of(maria.guardian.pk)

    GatewayAccount.objects.update(turned_off_at=None)
    autopay_run.run()

    assert [row["amount"] for row in charges(sandbox)] == [90000]


def test_a_card_that_is_gone_is_the_reason_whatever_the_accounts_are(maria, drain):
    payments.forget_saved_method(maria.card, payer_id=maria.guardian.pk)

    autopay_run.run()

    assert Autopay.objects.get().ended_why == "card_gone"


def test_the_old_card_cannot_turn_it_on_again_and_a_new_one_ends_the_remark(maria, room, parent):
    take_into_another_account()
    autopay_run.run()
    with pytest.raises(Conflict, match="save a card anew"):
        autopay.enrol(guardian_id=maria.guardian.pk, method_id=maria.card)

    new = keep_card(maria.guardian)
    autopay.enrol(guardian_id=maria.guardian.pk, method_id=new)

    assert "Automatic payment is off" not in parent.get("/family/").content.decode()


def test_what_the_guardian_turned_off_needs_no_remark(maria, parent):
    autopay.stop(guardian_id=maria.guardian.pk)

    assert "Automatic payment is off" not in parent.get("/family/cards/").content.decode()
