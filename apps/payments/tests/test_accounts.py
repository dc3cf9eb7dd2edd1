"""A school's accounts at gateways: connected, tested, renamed, given another key, turned off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models, selectors
from apps.payments.services import account_care, accounts
from apps.payments.tests.conftest import ACTOR, KEY, OTHER
from apps.payments.tests.factories import LineFactory, start
from kernel.errors import Conflict, Invalid, Unavailable
from kernel.schools import in_school


def page_of(client, account):
    return client.get(reverse("payments:account", args=[account.pk])).content.decode()


def test_a_test_tells_and_is_remembered(client_for, stripe):
    answer = client_for("admin").post(
        reverse("payments:account_check", args=[stripe.pk]), follow=True
    )

    stripe.refresh_from_db()
    assert "The gateway answers and the key works." in answer.content.decode()
    assert stripe.checked_at is not None
    assert stripe.webhook_secret.startswith("whsec_")


def test_the_key_is_replaced_only_when_the_new_one_works(client_for, stripe, sandbox):
    url = reverse("payments:account_key", args=[stripe.pk])
    client = client_for("admin")

    refused = client.post(url, {"secret_key": "sk_test_" + "!" * 32})
    stripe.refresh_from_db()
    assert refused.status_code == 422
    assert "The gateway refused the key." in refused.content.decode()
    assert stripe.secret_key == KEY

    assert client.post(url, {"secret_key": OTHER}).status_code == 302
    stripe.refresh_from_db()
    assert stripe.secret_key == OTHER


def test_a_key_of_another_account_is_refused(stripe):
    """The sandbox takes every key for an account of its own: this one knows no payment of ours."""
    start()

    with pytest.raises(Invalid, match="opens another account"):
        account_care.replace_key(account_id=stripe.pk, secret_key=OTHER, actor=ACTOR)

    stripe.refresh_from_db()
    assert stripe.secret_key == KEY


def test_a_live_key_does_not_replace_a_test_key(stripe):
    with pytest.raises(Invalid, match="sk_test_"):
        account_care.replace_key(
            account_id=stripe.pk, secret_key="sk_live_" + "a1B2" * 8, actor=ACTOR
        )


def test_a_gateway_that_is_away_keeps_the_old_key(stripe, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    with pytest.raises(Unavailable):
        account_care.replace_key(account_id=stripe.pk, secret_key=OTHER, actor=ACTOR)

    stripe.refresh_from_db()
    assert stripe.secret_key == KEY


def test_the_practice_gateway_keeps_its_key(account):
    with pytest.raises(Conflict):
        account_care.replace_key(account_id=account.pk, secret_key=OTHER, actor=ACTOR)


def test_a_connected_account_is_another_account_under_the_same_key(stripe, sandbox):
    """Two schools of a district under one key: each sees its own payments only."""
    ours = start(lines=[LineFactory(reference="ours")])
    info = accounts.connect_account(
        label="District",
        mode="test",
        secret_key=KEY,
        connected_account="acct_1NQxYzAbCdEf",
        actor=ACTOR,
    )
    accounts.make_default(account_id=info.id, actor=ACTOR)
    theirs = start(lines=[LineFactory(reference="theirs")])

    holders = {row[0] for row in sandbox.app.store.rows("SELECT DISTINCT account FROM object")}
    assert len(holders) == 2
    sandbox.press(theirs, "pay")
    assert payments.sync(theirs.payment_id).status == "captured"
    assert payments.sync(ours.payment_id).status == "pending"


def test_what_is_no_account_number_is_refused(client_for, school):
    form = {"provider": "stripe", "label": "S", "mode": "test", "secret_key": KEY}
    form["connected_account"] = "1234"

    answer = client_for("admin").post(reverse("payments:account_add"), form)

    assert answer.status_code == 422
    assert "acct_" in answer.content.decode()
    assert KEY not in answer.content.decode()


def test_an_account_that_is_off_takes_nothing_new_and_ends_what_it_began(stripe, sandbox):
    begun = start()
    account_care.turn_off(account_id=stripe.pk, actor=ACTOR)

    assert payments.can_take_payments() is False
    with pytest.raises(payments.NoGateway):
        start(lines=[LineFactory(reference="new")])
    sandbox.press(begun, "pay")
    paid = payments.sync(begun.payment_id)
    assert paid.status == "captured"
    refund = payments.request_refund(
        payment_id=begun.payment_id,
        amount_minor=100,
        reason="r",
        actor=ACTOR,
        idempotency_key="off-1",
    )
    assert refund.status == "succeeded"


def test_an_account_that_is_off_is_not_chosen_until_it_is_on(stripe):
    account_care.turn_off(account_id=stripe.pk, actor=ACTOR)

    with pytest.raises(Conflict):
        accounts.make_default(account_id=stripe.pk, actor=ACTOR)
    account_care.turn_on(account_id=stripe.pk, actor=ACTOR)
    accounts.make_default(account_id=stripe.pk, actor=ACTOR)

    assert payments.can_take_payments() is True


def test_a_payment_stays_with_its_account_when_another_is_chosen(stripe, sandbox):
    begun = start()
    other = payments.create_sandbox_account()
    accounts.make_default(account_id=other.id, actor=ACTOR)
    sandbox.press(begun, "pay")

    assert payments.sync(begun.payment_id).status == "captured"
    assert models.Payment.objects.get().account == stripe


def test_opening_the_practice_gateway_is_in_the_trail(client_for, school, trail):
    models.GatewayAccount.objects.all().delete()

    client_for("admin").post(reverse("payments:open_sandbox"))

    assert [action for action, *_ in trail()] == ["payments.account_connected"]


def test_every_change_is_in_the_trail_and_no_key_is(client_for, stripe, trail):
    client = client_for("admin")
    account = [stripe.pk]
    client.post(reverse("payments:account_rename", args=account), {"label": "Card money"})
    client.post(reverse("payments:account_key", args=account), {"secret_key": OTHER})
    client.post(reverse("payments:account_check", args=account))
    client.post(reverse("payments:account_rotate", args=account))
    client.post(reverse("payments:account_secret", args=account), {"secret": "whsec_" + "x" * 24})
    client.post(reverse("payments:account_switch", args=account))
    client.post(reverse("payments:account_switch", args=account), {"on": "1"})
    client.post(reverse("payments:account_default", args=account))

    entries = trail()
    assert [action.removeprefix("payments.") for action, *_ in entries[2:]] == [
        "account_renamed",
        "account_key_replaced",
        "webhook_secret_replaced",
        "webhook_secret_replaced",
        "account_turned_off",
        "account_turned_on",
        "account_made_default",
    ]
    assert {actor for _action, actor, *_ in entries[2:]} == {"admin@example.org"}
    told = str(entries)
    assert "Card money" in told
    for secret in (KEY, OTHER, "whsec_"):
        assert secret not in told


def test_the_page_shows_the_mode_and_never_a_secret(client_for, stripe):
    client = client_for("admin")
    client.post(reverse("payments:account_check", args=[stripe.pk]))
    stripe.refresh_from_db()

    page = page_of(client, stripe)

    assert "Test" in page
    assert "No real money moves here" in page
    assert stripe.webhook_key in page
    for secret in (KEY, stripe.webhook_secret):
        assert secret not in page


def test_a_name_that_is_empty_is_told_at_its_field(client_for, stripe):
    answer = client_for("admin").post(
        reverse("payments:account_rename", args=[stripe.pk]), {"label": "  "}
    )

    assert answer.status_code == 422
    assert models.GatewayAccount.objects.get(pk=stripe.pk).label == "Stripe"


@pytest.mark.parametrize("role", ["bursar", "office", "teacher", "guardian"])
def test_only_admins_touch_accounts(client_for, stripe, role):
    client = client_for(role)
    for name in ("rename", "key", "check", "switch", "secret", "rotate", "default"):
        url = reverse(f"payments:account_{name}", args=[stripe.pk])
        assert client.post(url, {}).status_code == 403
    assert client.get(reverse("payments:account", args=[stripe.pk])).status_code == 403


def test_another_schools_account_is_nowhere(client_for, stripe, other_school):
    client = client_for("admin", other_school)
    for name in ("rename", "key", "check", "switch", "secret", "rotate", "default"):
        url = reverse(f"payments:account_{name}", args=[stripe.pk])
        data = {"label": "x", "secret_key": KEY, "secret": "whsec_" + "x" * 24}
        assert client.post(url, data).status_code == 404
    with in_school(other_school.schema_name):
        assert not models.GatewayAccount.objects.filter(pk=stripe.pk).exists()


def test_a_list_without_an_account_in_use_says_so(client_for, stripe):
    account_care.turn_off(account_id=stripe.pk, actor=ACTOR)

    page = client_for("admin").get(reverse("payments:accounts")).content.decode()

    assert "No account takes new payments" in page


def test_payments_of_practice_are_marked_in_lists(client_for, stripe, sandbox):
    begun = start()
    client = client_for("bursar")

    listed = client.get(reverse("payments:list")).content.decode()
    shown = client.get(reverse("payments:detail", args=[begun.payment_id])).content.decode()

    assert 'badge-warn">Test<' in listed
    assert "Test, no real money" in shown


# Secrets of messages --------------------------------------------------------------------------


def test_an_old_secret_is_good_for_a_day(client_for, stripe):
    client = client_for("admin")
    client.post(reverse("payments:account_check", args=[stripe.pk]))
    stripe.refresh_from_db()
    first = stripe.webhook_secret

    client.post(reverse("payments:account_rotate", args=[stripe.pk]))

    stripe.refresh_from_db()
    now = timezone.now()
    assert stripe.webhook_secret != first
    assert stripe.secrets_valid(at=now) == [stripe.webhook_secret, first]
    assert stripe.secrets_valid(at=now + timedelta(hours=25)) == [stripe.webhook_secret]
    assert selectors.get_account(stripe.pk).old_secret_until is not None


def test_a_secret_from_the_dashboard_is_entered_by_hand(client_for, stripe):
    client = client_for("admin")
    url = reverse("payments:account_secret", args=[stripe.pk])
    secret = "whsec_" + "y" * 24

    wrong = client.post(url, {"secret": "sk_test_" + "y" * 24})
    assert wrong.status_code == 422
    assert "y" * 24 not in wrong.content.decode()
    client.post(url, {"secret": secret})

    stripe.refresh_from_db()
    assert stripe.webhook_secret == secret
    # The first payment does not replace what a person has entered.
    start()
    stripe.refresh_from_db()
    assert stripe.webhook_secret == secret


def test_an_operator_rotates_all_secrets_of_a_school(client_for, stripe, capsys):
    client_for("admin").post(reverse("payments:account_check", args=[stripe.pk]))
    stripe.refresh_from_db()
    first = stripe.webhook_secret

    call_command("rotate_webhook_secrets", school="lincoln")

    stripe.refresh_from_db()
    told = capsys.readouterr().out
    assert "Stripe: there is a new secret." in told
    assert stripe.previous_webhook_secret == first
    assert stripe.webhook_secret not in told


def test_the_command_tells_of_a_gateway_that_is_away(client_for, stripe, settings):
    client_for("admin").post(reverse("payments:account_check", args=[stripe.pk]))
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    with pytest.raises(CommandError, match="kept the old secret") as refused:
        call_command("rotate_webhook_secrets", school="lincoln")
    assert refused.value.returncode == 1
    with pytest.raises(CommandError, match="no such account") as refused:
        call_command("rotate_webhook_secrets", school="lincoln", account="Other")
    assert refused.value.returncode == 2
