"""Automatic payment is turned on and off, and when its next run is."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.fees.models import Autopay
from apps.fees.services import autopay, autopay_run
from apps.fees.tests import factories as make
from apps.payments.models import Payment
from apps.tenants import facade as tenants
from apps.tenants.tests.factories import reopen
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.schools import current_school, today
from tests.paying.cards import charges, keep_card, letters


def test_turned_off_nothing_is_charged_and_the_guardian_is_told(maria, days, sandbox, drain):
    days(7)
    autopay_run.run()
    assert autopay.stop(guardian_id=maria.guardian.pk)
    assert not autopay.stop(guardian_id=maria.guardian.pk)
    days(10)
    autopay_run.run()
    assert charges(sandbox) == []
    [letter] = letters("autopay_ended", drain)
    assert "As you asked for" in letter.body_text


def test_turned_off_while_the_run_is_on_its_way_nothing_is_charged(
    maria, days, sandbox, monkeypatch
):
    days(7)
    autopay_run.run()
    days(10)
    look = autopay.due_by

    def late(row, day):
        autopay.stop(guardian_id=maria.guardian.pk)
        return look(row, day)

    monkeypatch.setattr(autopay, "due_by", late)
    autopay_run.run()
    assert charges(sandbox) == []
    assert not Payment.objects.filter(is_open=True).exists()


def test_a_removed_card_ends_it(maria, parent, drain):
    parent.post(f"/family/cards/{maria.card}/remove/")
    assert Autopay.objects.get().ended_why == "card_gone"
    [letter] = letters("autopay_ended", drain)
    assert "is not kept any more" in letter.body_text


def test_turning_it_on_needs_the_tick_the_card_and_the_school(account, room, family, parent):
    make.bill(room, amount_minor=100)
    card = keep_card(family.guardian)
    sent = {"method": str(card)}
    answer = parent.post("/family/autopay/on/", sent, follow=True).content.decode()
    assert "Tick the box" in answer
    assert not Autopay.objects.exists()
    words = autopay.consent()
    assert words in parent.get("/family/cards/").content.decode()
    parent.post("/family/autopay/on/", sent | {"agree": "1"})
    row = Autopay.objects.get()
    assert (row.consent_text, row.due_after, row.card) == (words, today(), "Visa •• 4242")
    assert "Automatic payment is on" in parent.get("/family/").content.decode()
    parent.post("/family/autopay/off/")
    assert Autopay.objects.get().ended_why == "guardian"
    with pytest.raises(NotFound):
        autopay.enrol(guardian_id=family.guardian.pk, method_id=family.guardian.pk)
    tenants.change_settings(school_id=1, values={"fees.autopay": False})
    reopen()
    with pytest.raises(Forbidden):
        autopay.enrol(guardian_id=family.guardian.pk, method_id=card)
    assert "Turn automatic payment on" not in parent.get("/family/cards/").content.decode()


def test_a_second_card_waits_until_the_first_is_off(account, room, family):
    make.bill(room, amount_minor=100)
    first = keep_card(family.guardian)
    make.bill(room, amount_minor=100)
    second = keep_card(family.guardian)
    assert first != second
    autopay.enrol(guardian_id=family.guardian.pk, method_id=first)
    autopay.enrol(guardian_id=family.guardian.pk, method_id=first)
    assert Autopay.objects.count() == 1
    with pytest.raises(Conflict):
        autopay.enrol(guardian_id=family.guardian.pk, method_id=second)


def test_the_next_run_is_in_the_morning_and_within_the_hour_while_something_waits(
    maria, days, sandbox
):
    now = days(0) and timezone.now()
    tomorrow = autopay_run.next_due().astimezone(ZoneInfo(current_school().time_zone))
    assert (tomorrow.date(), tomorrow.hour) == (days(1), 8)
    days(7)
    autopay_run.run()
    days(10)
    assert autopay_run.next_due() == timezone.now() + timedelta(hours=1)
    autopay.stop(guardian_id=maria.guardian.pk)
    assert autopay_run.next_due() is None
    assert now < timezone.now()
