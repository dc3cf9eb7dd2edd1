"""Automatic payment adds the processing cost only where the guardian has agreed to that, and just
what was announced."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from apps.fees.models import Autopay, AutopayCharge
from apps.fees.services import autopay, autopay_run, links
from apps.fees.tests import factories as make
from apps.payments.models import Payment
from tests.paying.cards import charges, keep_card, letters, outcome
from tests.paying.covers import CARD, body_of, change


@pytest.fixture
def card(account: Any, room: Any, family: Any, days: Any) -> Any:
    """Maria's card; 450 dollars a child are due in ten days."""
    family.guardian.email = "maria@example.org"
    family.guardian.save()
    make.bill(room, amount_minor=100)
    kept = keep_card(family.guardian)
    make.bill(room, due_on=days(0) + timedelta(days=10))
    return kept


def agree(parent: Any, card: Any, page: Any) -> Any:
    """Tick the box of this page."""
    sent = {"method": str(card), "agree": "1"}
    if rate := re.search('name="rate" value="([^"]*)"', body_of(page)):
        sent["rate"] = rate[1]
    return parent.post("/family/autopay/on/", sent, follow=True)


def test_the_words_say_so_and_what_was_announced_is_charged(
    card: Any, family: Any, parent: Any, days: Any, sandbox: Any, drain: Any
) -> None:
    change(cover="always", **CARD)
    page = parent.get("/family/cards/")
    words = "What it costs to process a charge (now 2.90 % + $0.30) is added to it."
    assert words in body_of(page)
    agree(parent, card, page)
    row = Autopay.objects.get()
    assert row.covers
    assert words in row.consent_text
    days(7)
    autopay_run.run()
    [letter] = letters("autopay_announced", drain)
    assert "$927.19 will be charged" in letter.body_text
    assert "- Processing cost: $27.19" in letter.body_text
    parent.get(links.family_link_path(guardian_id=family.guardian.pk))
    for page in ("/family/", "/family/cards/"):
        assert "$27.19 of it is processing cost" in body_of(parent.get(page))
    change(cover_card_bps=500)  # dearer only from the next announcement on
    days(10)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [92719]
    payment = Payment.objects.latest("started_at")
    assert (payment.amount_minor, payment.cover_minor) == (92719, 2719)
    assert AutopayCharge.objects.get().state == "charged"


def test_who_agreed_before_pays_none(
    card: Any, family: Any, parent: Any, days: Any, sandbox: Any
) -> None:
    page = parent.get("/family/cards/")
    change(cover="always", **CARD)
    agree(parent, card, page)  # the words that were read spoke of nothing
    row = Autopay.objects.get()
    assert not row.covers
    assert "process" not in row.consent_text
    for day in (7, 10):
        days(day)
        autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [90000]


def test_what_is_only_offered_is_never_added(
    card: Any, parent: Any, days: Any, sandbox: Any
) -> None:
    change(cover="offered", **CARD)
    page = parent.get("/family/cards/")
    assert "What it costs to process a charge" not in body_of(page)
    agree(parent, card, page)
    for day in (7, 10):
        days(day)
        autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [90000]


def test_a_school_that_bears_it_again_adds_none_to_what_was_announced(
    card: Any, parent: Any, days: Any, sandbox: Any
) -> None:
    change(cover="always", **CARD)
    agree(parent, card, parent.get("/family/cards/"))
    days(7)
    autopay_run.run()
    change(cover="off")
    days(10)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [90000]


def test_the_second_try_is_at_the_same_rate(
    card: Any, parent: Any, days: Any, sandbox: Any, drain: Any
) -> None:
    change(cover="always", **CARD)
    agree(parent, card, parent.get("/family/cards/"))
    outcome(sandbox, card, "declined")
    days(7)
    autopay_run.run()
    days(10)
    autopay_run.run()
    [failed] = letters("autopay_failed", drain)
    assert "could not be charged with $927.19" in failed.body_text
    outcome(sandbox, card, "succeeded")
    days(13)
    autopay_run.run()
    assert [row["amount"] for row in charges(sandbox)] == [92719]


def test_words_that_no_longer_hold_are_not_kept(card: Any, parent: Any) -> None:
    change(cover="always", **CARD)
    page = parent.get("/family/cards/")
    change(cover="off")
    agree(parent, card, page)
    row = Autopay.objects.get()
    assert not row.covers
    assert "process" not in row.consent_text


def test_words_are_kept_only_as_they_were_read(card: Any, parent: Any) -> None:
    change(cover="always", **CARD)
    page = parent.get("/family/cards/")
    change(cover_card_bps=500)
    assert "The processing cost has changed meanwhile" in body_of(agree(parent, card, page))
    assert not Autopay.objects.exists()
    agree(parent, card, parent.get("/family/cards/"))
    assert "(now 5.00 % + $0.30)" in Autopay.objects.get().consent_text


def test_agreeing_to_a_cost_that_is_none_is_agreeing_to_nothing(school: Any) -> None:
    change(cover="always")
    assert autopay.rate_told() == ""
