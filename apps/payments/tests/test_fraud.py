"""Odd attempts to pay: counted, paused, looked at by a person."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models
from apps.payments.preferences import (
    ADDRESS_DECLINES,
    FAMILY_ATTEMPTS,
    FAMILY_DECLINES,
    PAUSE_MINUTES,
)
from apps.payments.services import fraud
from apps.payments.tests.factories import LineFactory, start
from apps.tenants import facade as tenants
from kernel.ids import uuid7

HOME = "203.0.113.7"


@pytest.fixture
def family(account):
    """family(n): n more payments begun by one family, each for something else."""
    key = uuid7()

    def begin(count=1, **values):
        for _number in range(count):
            last = start(family_id=key, lines=[LineFactory()], **values)
        return last

    begin.key = key  # type: ignore[attr-defined]
    return begin


def decline(sandbox, started):
    """Somebody's card is declined on the hosted page, and we hear of it."""
    sandbox.press(started, "decline")
    return payments.sync(started.payment_id)


def later(minutes):
    """Everything that was counted is this much older."""
    age = timedelta(minutes=minutes)
    for row in models.PaymentOrigin.objects.all():
        row.started_at -= age
        row.declined_at = row.declined_at and row.declined_at - age
        row.save()
    for hold in models.FraudHold.objects.all():
        hold.placed_at, hold.until = hold.placed_at - age, hold.until - age
        hold.decided_at = hold.decided_at and hold.decided_at - age
        hold.save()


def test_a_family_that_begins_too_often_is_paused(family):
    family(FAMILY_ATTEMPTS.value)

    with pytest.raises(payments.PaymentsPaused) as refused:
        family()

    assert refused.value.status == 429
    for hint in ("attempt", "hour", "declin", "card"):
        assert hint not in str(refused.value).lower()
    hold = models.FraudHold.objects.get()
    assert (hold.kind, hold.seen["attempts"]) == ("velocity", FAMILY_ATTEMPTS.value + 1)
    assert models.Payment.objects.count() == FAMILY_ATTEMPTS.value


def test_another_family_pays_meanwhile(family):
    family(FAMILY_ATTEMPTS.value)
    with pytest.raises(payments.PaymentsPaused):
        family()

    assert start(family_id=uuid7(), lines=[LineFactory()]).redirect_url


def test_another_school_counts_for_itself(family, in_other_school):
    family(FAMILY_ATTEMPTS.value)
    with pytest.raises(payments.PaymentsPaused):
        family()

    with in_other_school():
        payments.create_sandbox_account()
        assert start(family_id=family.key, currency="EUR").redirect_url
        assert not models.FraudHold.objects.exists()


def test_the_same_page_again_is_no_new_attempt(account):
    key, line = uuid7(), LineFactory()
    for _click in range(FAMILY_ATTEMPTS.value + 3):
        started = start(family_id=key, lines=[line])

    assert started.reused
    assert models.PaymentOrigin.objects.count() == 1


def test_attempts_of_the_day_before_do_not_count(family):
    family(FAMILY_ATTEMPTS.value)
    later(61)

    assert family().redirect_url


def test_the_pause_ends_by_itself(family):
    family(FAMILY_ATTEMPTS.value)
    with pytest.raises(payments.PaymentsPaused):
        family()
    later(PAUSE_MINUTES.value + 1)

    assert family().redirect_url
    assert models.FraudHold.objects.get().state == "open"


def test_one_decline_too_many_closes_the_page(family, sandbox):
    for _number in range(FAMILY_DECLINES.value - 1):
        assert decline(sandbox, family()).is_open
    last = decline(sandbox, family())

    assert last.is_open is False
    assert models.FraudHold.objects.get().seen["declines"] == FAMILY_DECLINES.value
    with pytest.raises(payments.PaymentsPaused):
        family()
    # The gateway's page is closed too: no further card is tried on it.
    [session] = [
        row
        for row in sandbox.app.store.all(sandbox.account(), "session")
        if row["client_reference_id"] == str(last.id)
    ]
    assert session["status"] == "expired"


def test_many_declines_on_one_page_count_each(family, sandbox):
    started = family()
    for _card in range(FAMILY_DECLINES.value):
        info = decline(sandbox, started)

    assert info.is_open is False
    assert models.PaymentOrigin.objects.get().declines == FAMILY_DECLINES.value


def test_hearing_of_a_decline_twice_counts_it_once(family, sandbox):
    started = family()
    decline(sandbox, started)
    for _again in range(FAMILY_DECLINES.value):
        payments.sync(started.payment_id)

    assert models.PaymentOrigin.objects.get().declines == 1
    assert not models.FraudHold.objects.exists()


def test_cards_tried_out_by_many_payers_from_one_address(account, sandbox):
    source = payments.source_of(HOME)
    for number in range(ADDRESS_DECLINES.value):
        started = start(payer_id=uuid4(), family_id=uuid4(), lines=[LineFactory()], source=source)
        decline(sandbox, started)
        assert models.FraudHold.objects.exists() is (number + 1 >= ADDRESS_DECLINES.value)

    with pytest.raises(payments.PaymentsPaused):
        start(payer_id=uuid4(), family_id=uuid4(), lines=[LineFactory()], source=source)
    assert models.FraudHold.objects.get().kind == "card_testing"
    elsewhere = payments.source_of("203.0.113.8")
    assert start(family_id=uuid4(), lines=[LineFactory()], source=elsewhere).redirect_url


def test_a_school_behind_one_address_is_not_card_testing(account, sandbox, monkeypatch):
    """Declines of two payers are bad luck, however many."""
    monkeypatch.setattr(fraud, "PAYERS_AT_ONE_ADDRESS", ADDRESS_DECLINES.value + 1)
    source = payments.source_of(HOME)
    for _number in range(ADDRESS_DECLINES.value):
        decline(
            sandbox,
            start(payer_id=uuid4(), family_id=uuid4(), lines=[LineFactory()], source=source),
        )

    assert not models.FraudHold.objects.exists()


def test_no_address_is_kept(school, in_other_school, family):
    source = payments.source_of(HOME)
    family(source=source)

    with connection.cursor() as cursor:
        cursor.execute("SELECT o::text FROM payments_paymentorigin o")
        assert HOME not in str(cursor.fetchall())
    with in_other_school():
        assert payments.source_of(HOME) != source
    assert payments.source_of("2001:db8::1") == payments.source_of("2001:db8::ffff")
    assert payments.source_of("2001:db8::1") != payments.source_of("2001:db8:0:1::1")
    assert payments.source_of("unix:") == ""


def test_a_school_sets_its_own_limits_or_none(school, family):
    tenants.change_settings(
        school_id=school.id, values={"payments.fraud_checks": False}, actor="head@example.org"
    )
    school.settings = {"payments.fraud_checks": False}

    family(FAMILY_ATTEMPTS.value + 2)
    assert not models.FraudHold.objects.exists()


# The queue ------------------------------------------------------------------------------------


@pytest.fixture
def hold(family):
    family(FAMILY_ATTEMPTS.value)
    with pytest.raises(payments.PaymentsPaused):
        family()
    return models.FraudHold.objects.get()


def test_staff_see_why_and_release_with_a_reason(client_for, hold, family):
    client = client_for("bursar")
    listed = client.get(reverse("payments:holds")).content.decode()
    shown = client.get(reverse("payments:hold", args=[hold.pk])).content.decode()
    assert "Many attempts of one family" in listed
    assert "13 attempts and 0 declines within an hour" in shown
    assert "Mina Park" in shown

    url = reverse("payments:hold_release", args=[hold.pk])
    assert client.post(url, {"reason": " "}).status_code == 422
    assert client.post(url, {"reason": "Called: many children"}).status_code == 302

    hold.refresh_from_db()
    assert (hold.state, hold.decided_by) == ("released", "bursar@example.org")
    assert family().redirect_url
    assert "Nobody is waiting" in client.get(reverse("payments:holds")).content.decode()
    assert "Many attempts" in client.get(reverse("payments:holds"), {"all": "1"}).content.decode()


def test_after_a_release_counting_begins_anew(client_for, hold, family):
    fraud.release(hold_id=hold.pk, reason="known", actor="b@example.org")

    family(FAMILY_ATTEMPTS.value)
    with pytest.raises(payments.PaymentsPaused):
        family()
    assert models.FraudHold.objects.filter(state="open").count() == 1


def test_kept_means_a_week_and_can_still_be_released(client_for, hold, family):
    client = client_for("bursar")
    client.post(reverse("payments:hold_keep", args=[hold.pk]), {"reason": "Nobody we know"})
    later(60 * 24)

    with pytest.raises(payments.PaymentsPaused):
        family()
    client.post(reverse("payments:hold_release", args=[hold.pk]), {"reason": "They called"})
    assert family().redirect_url
    again = client.post(reverse("payments:hold_keep", args=[hold.pk]), {"reason": "x"}, follow=True)
    assert "released before" in again.content.decode()


def test_placing_and_deciding_are_in_the_trail(client_for, hold):
    client_for("bursar").post(
        reverse("payments:hold_release", args=[hold.pk]), {"reason": "Many children"}
    )

    page = client_for("admin").get("/portal/people/audit/").content.decode()
    assert "Paused payments after odd attempts" in page
    assert "Let a blocked payer pay again" in page
    assert "Many children" in page


@pytest.mark.parametrize("role", ["office", "teacher", "guardian"])
def test_the_queue_is_for_those_who_see_payments(client_for, hold, role):
    client = client_for(role)
    assert client.get(reverse("payments:holds")).status_code == 403
    assert client.get(reverse("payments:hold", args=[hold.pk])).status_code == 403
    for name in ("hold_release", "hold_keep"):
        url = reverse(f"payments:{name}", args=[hold.pk])
        assert client.post(url, {"reason": "x"}).status_code == 403


def test_what_was_counted_is_gone_after_a_month(hold):
    from apps.payments.privacy.odd_attempts import old_holds, old_origins

    now = timezone.now()
    assert not old_origins(now - timedelta(days=30)).exists()
    later(60 * 24 * 31)
    assert old_origins(now - timedelta(days=30)).count() == FAMILY_ATTEMPTS.value
    assert not old_holds(now - timedelta(days=400)).exists()
