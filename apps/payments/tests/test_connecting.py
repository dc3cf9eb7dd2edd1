"""Gateway accounts as services: what may be connected, where it is spoken to, what is offered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.services import account_care, accounts
from apps.payments.tests.factories import start
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7

STRIPE_KEY = "sk_test_" + "a1B2" * 8


def connect(**changes):
    values = {"label": "Card", "mode": "test", "secret_key": STRIPE_KEY, "actor": "bursar"}
    return accounts.connect_account(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "sandbox"}, "mode"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": "offline"}, "provider"),
        ({"mode": "live"}, "secret_key"),
        ({"secret_key": "sk_test_short"}, "secret_key"),
    ],
)
def test_what_cannot_be_right_is_refused(school, changes, field):
    before = models.GatewayAccount.objects.count()

    with pytest.raises(Invalid) as refusal:
        connect(**changes)

    assert refusal.value.field == field
    assert models.GatewayAccount.objects.count() == before


def test_connecting_moves_no_payments(school):
    info = connect()

    assert (info.provider, info.is_default, info.is_offered) == ("stripe", False, False)


def test_an_account_is_offered_and_taken_back(school):
    info = connect()

    def offer(offered: bool, account_id=info.id):
        return accounts.offer_account(account_id=account_id, offered=offered, actor="bursar")

    assert offer(True).is_offered is True
    assert offer(False).is_offered is False
    with pytest.raises(NotFound):
        offer(True, uuid7())


def test_an_account_that_is_off_is_not_offered(school):
    info = connect()
    accounts.offer_account(account_id=info.id, offered=True, actor="bursar")

    assert account_care.turn_off(account_id=info.id, actor="bursar").is_offered is False
    with pytest.raises(Conflict):
        accounts.offer_account(account_id=info.id, offered=True, actor="bursar")


def test_a_stand_in_takes_the_place_of_the_gateway(school, settings):
    account = accounts.get_account(connect().id)

    assert accounts.credentials_of(account).api_base == ""
    settings.STRIPE_API_BASE = "http://127.0.0.1:9/stand-in/"
    here = accounts.credentials_of(account)
    settings.STRIPE_API_BASE = "https://stand-in.example"
    there = accounts.credentials_of(account)

    assert (here.api_base, here.loopback) == ("http://127.0.0.1:9/stand-in", True)
    assert (there.api_base, there.loopback, there.live) == (
        "https://stand-in.example",
        False,
        False,
    )
    assert STRIPE_KEY not in repr(here)


def test_both_parts_of_a_key_are_encrypted_at_rest(school):
    account = accounts.get_account(connect().id)
    account.client_id = "client-id-of-a-school"
    account.save()

    with connection.cursor() as cursor:
        cursor.execute("SELECT client_id, secret_key FROM payments_gatewayaccount")
        stored = str(cursor.fetchall())
    account.refresh_from_db()

    assert account.client_id == "client-id-of-a-school"
    assert "client-id-of-a-school" not in stored
    assert STRIPE_KEY not in stored


def test_nobody_ends_a_payment_whose_money_is_being_taken(account, sandbox):
    started = start()
    taking = timezone.now() + timedelta(seconds=30)
    models.Payment.objects.update(capturing_until=taking)

    assert payments.cancel(started.payment_id).is_open is True

    models.Payment.objects.update(capturing_until=timezone.now() - timedelta(seconds=1))
    assert payments.cancel(started.payment_id).status == "cancelled"
