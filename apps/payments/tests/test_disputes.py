"""Disputes: imported over the real wire, shown with their deadline, counted, told once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from django.urls import reverse
from django.utils import timezone

from apps.payments import facade as payments
from apps.payments import models, restoring
from apps.payments.services import janitor, sync, webhooks
from apps.payments.tests.conftest import deliver
from apps.payments.tests.factories import start
from kernel.errors import Invalid


@pytest.fixture
def paid(account, sandbox):
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    sandbox.collect()
    return started.payment_id


def control(sandbox, name, **wanted):
    answer = requests.post(f"{sandbox.url}/_control/{name}", json=wanted, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def dispute(sandbox, payment_id, **wanted):
    session = models.Payment.objects.get(pk=payment_id).session_id
    return control(sandbox, "dispute", session=session, **wanted)


def hear(sandbox, anonymous):
    """Deliver what the gateway has to say, and work it off."""
    for message in sandbox.collect():
        assert deliver(anonymous(), message).status_code == 200
    waiting = models.ProviderEvent.objects.filter(state="received")
    return {webhooks.process(event.pk) for event in waiting}


def test_a_dispute_is_heard_by_webhook_with_its_deadline(paid, sandbox, anonymous, heard):
    made = dispute(sandbox, paid, amount=10000, seconds=5 * 86400)

    assert hear(sandbox, anonymous) == {"processed"}

    info = payments.get_payment(paid)
    assert (info.status, info.disputed_minor, info.refundable_minor) == ("disputed", 10000, 15000)
    assert info.attention == "dispute"
    [row] = payments.disputes_of([paid])
    assert (row.provider_dispute_id, row.status, row.reason) == (made["id"], "open", "fraudulent")
    assert abs(row.due_by - timezone.now() - timedelta(days=5)) < timedelta(minutes=1)
    [told] = heard("payments.dispute_opened")
    assert (told["payment_id"], told["amount_minor"]) == (str(paid), 10000)
    # Until the bank has decided, the janitor asks by itself.
    assert models.Payment.objects.get(pk=paid).next_check_at is not None


@pytest.mark.parametrize(
    ("ending", "why"), [("", "wants this money back"), ("lost", "has taken this money back")]
)
def test_what_is_disputed_is_not_refunded(paid, sandbox, ending, why):
    made = dispute(sandbox, paid)
    if ending:
        control(sandbox, "close_dispute", dispute=made["id"], status=ending)
    payments.sync(paid)

    with pytest.raises(Invalid, match=why):
        payments.request_refund(
            payment_id=paid, amount_minor=1, reason="r", actor="a", idempotency_key="k"
        )


@pytest.mark.parametrize(
    ("ending", "status", "lost", "news"),
    [
        ("won", "captured", 0, "payments.dispute_won"),
        ("lost", "dispute_lost", 25000, "payments.dispute_lost"),
    ],
)
def test_the_banks_decision(paid, sandbox, anonymous, heard, ending, status, lost, news):
    made = dispute(sandbox, paid)
    hear(sandbox, anonymous)
    control(sandbox, "answer_dispute", dispute=made["id"])
    hear(sandbox, anonymous)
    assert payments.disputes_of([paid])[0].status == "under_review"
    control(sandbox, "close_dispute", dispute=made["id"], status=ending)
    hear(sandbox, anonymous)
    payments.sync(paid)

    info = payments.get_payment(paid)
    assert (info.status, info.lost_minor, info.disputed_minor) == (status, lost, 0)
    assert info.attention == ""
    assert len(heard(news)) == len(heard("payments.dispute_opened")) == 1
    assert payments.kept_minor() == 25000 - lost
    assert restoring.add_up().problems == ()


def test_a_decision_that_is_heard_first_brings_its_beginning_along(paid, sandbox, heard):
    made = dispute(sandbox, paid)
    control(sandbox, "close_dispute", dispute=made["id"], status="lost")

    payments.sync(paid)

    assert payments.get_payment(paid).lost_minor == 25000
    assert len(heard("payments.dispute_opened")) == len(heard("payments.dispute_lost")) == 1


def test_a_bank_that_changes_its_mind_gives_the_money_back(paid, sandbox, heard):
    made = dispute(sandbox, paid)
    for ending in ("lost", "won"):
        control(sandbox, "close_dispute", dispute=made["id"], status=ending)
        payments.sync(paid)

    assert payments.get_payment(paid).lost_minor == 0
    assert len(heard("payments.dispute_won")) == 1

    # And once more the other way round: that is another round of the same dispute.
    control(sandbox, "close_dispute", dispute=made["id"], status="lost")
    payments.sync(paid)
    assert payments.get_payment(paid).lost_minor == 25000
    assert [row.status for row in payments.disputes_of([paid])].count("won") == 1
    assert len(heard("payments.dispute_lost")) == 2


def test_the_janitor_finds_a_decision_nobody_told_of(paid, sandbox):
    made = dispute(sandbox, paid)
    payments.sync(paid)
    control(sandbox, "close_dispute", dispute=made["id"], status="won")

    janitor.tidy_payment(paid)

    row = models.Payment.objects.get(pk=paid)
    assert (row.status, row.disputed_minor) == ("captured", 0)
    janitor.tidy_payment(paid)
    assert models.Payment.objects.get(pk=paid).next_check_at is None


def test_a_dispute_after_a_refund_may_take_more_than_is_left(paid, sandbox):
    payments.request_refund(
        payment_id=paid, amount_minor=5000, reason="r", actor="a", idempotency_key="k"
    )
    made = dispute(sandbox, paid)
    control(sandbox, "close_dispute", dispute=made["id"], status="lost")
    payments.sync(paid)

    info = payments.get_payment(paid)
    assert (info.refundable_minor, payments.kept_minor()) == (0, -5000)


def test_a_dispute_of_money_that_was_not_booked_is_seen_and_takes_nothing(
    account, sandbox, anonymous, heard
):
    sandbox.app.gateway.behaviour.capture_difference = 5
    started = start()
    sandbox.press(started, "pay")
    payments.sync(started.payment_id)
    made = dispute(sandbox, started.payment_id)
    control(sandbox, "close_dispute", dispute=made["id"], status="lost")

    assert hear(sandbox, anonymous) == {"processed"}

    assert payments.disputes_of([started.payment_id])[0].status == "lost"
    assert (payments.kept_minor(), heard("payments.dispute_lost")) == (0, [])
    assert restoring.add_up().problems == ()


def test_the_list_begins_with_the_nearest_deadline(account, sandbox, client_for):
    days = {"Later": 9, "Sooner": 2, "Decided": 1}
    for name, wait in days.items():
        started = start(payer_name=name)
        sandbox.press(started, "pay")
        payments.sync(started.payment_id)
        made = dispute(sandbox, started.payment_id, seconds=wait * 86400)
        if name == "Decided":
            control(sandbox, "close_dispute", dispute=made["id"], status="won")
        sync.ask_gateway(started.payment_id)
    client = client_for("bursar")

    page = client.get(reverse("payments:disputes"))
    text = page.content.decode()

    assert [row[0].payer_name for row in page.context["rows"]] == ["Sooner", "Later", "Decided"]
    assert text.count("Send evidence") == 2
    assert f"{sandbox.url}/_control/" in text
    undecided = client.get(reverse("payments:disputes"), {"show": "undecided"}).context["rows"]
    assert [row[0].payer_name for row in undecided] == ["Sooner", "Later"]
    assert (
        "No dispute matches"
        in client.get(reverse("payments:disputes"), {"q": "nobody"}).content.decode()
    )
    assert client_for("office").get(reverse("payments:disputes")).status_code == 403


def test_the_payment_says_what_to_do(paid, sandbox, client_for):
    dispute(sandbox, paid)
    payments.sync(paid)

    page = client_for("bursar").get(reverse("payments:detail", args=[paid])).content.decode()

    assert "The payer’s bank disputes $250.00" in page
    assert "Answer in the gateway’s dashboard before the deadline" in page
    assert "The payer says that it was not them." in page
    assert "Send evidence" in page
    assert "What is disputed cannot be refunded meanwhile. <strong>Answer until " in page


def test_a_dispute_that_is_decided_has_no_deadline_any_more(paid, sandbox, client_for):
    opened = dispute(sandbox, paid)
    sandbox.app.gateway.close_dispute(sandbox.account(), opened["id"], "won")
    payments.sync(paid)

    page = client_for("bursar").get(reverse("payments:detail", args=[paid])).content.decode()

    assert "Dispute over $250.00 won" in page
    assert "<strong>Answer until" not in page


def test_without_disputes_the_list_says_so(client_for):
    text = client_for("bursar").get(reverse("payments:disputes")).content.decode()

    assert "No disputes" in text


class Overtaken:
    """A gateway whose answer is overtaken: while it is on its way somebody else asks."""

    def __init__(self, real, meanwhile):
        self.real, self.meanwhile = real, meanwhile

    def __getattr__(self, name):
        return getattr(self.real, name)

    def fetch(self, session_id):
        snapshot = self.real.fetch(session_id)
        self.meanwhile()
        return snapshot


def overtaken(monkeypatch, payment_id, meanwhile):
    """Ask; before the answer is written `meanwhile` happens, and is asked about and written."""
    real = sync.accounts.provider_for

    def then():
        monkeypatch.setattr(sync.accounts, "provider_for", real)
        meanwhile()
        sync.look(payment_id)

    monkeypatch.setattr(
        sync.accounts, "provider_for", lambda account: Overtaken(real(account), then)
    )
    sync.look(payment_id)


def test_an_overtaken_answer_opens_no_dispute_again_that_is_won(paid, sandbox, heard, monkeypatch):
    made = dispute(sandbox, paid)
    sync.look(paid)

    overtaken(
        monkeypatch,
        paid,
        lambda: control(sandbox, "close_dispute", dispute=made["id"], status="won"),
    )

    assert [row.status for row in payments.disputes_of([paid])] == ["won"]
    assert len(heard("payments.dispute_opened")) == 1


def test_an_overtaken_answer_wins_no_dispute_that_was_opened_again(paid, sandbox, monkeypatch):
    made = dispute(sandbox, paid)
    control(sandbox, "close_dispute", dispute=made["id"], status="won")
    sync.look(paid)

    overtaken(
        monkeypatch,
        paid,
        lambda: control(sandbox, "close_dispute", dispute=made["id"], status="lost"),
    )

    assert sorted(row.status for row in payments.disputes_of([paid])) == ["lost", "won"]
    assert payments.get_payment(paid).lost_minor == 25000


def test_an_overtaken_answer_takes_no_evidence_back(paid, sandbox, monkeypatch):
    made = dispute(sandbox, paid)
    sync.look(paid)

    overtaken(monkeypatch, paid, lambda: control(sandbox, "answer_dispute", dispute=made["id"]))

    assert [row.status for row in payments.disputes_of([paid])] == ["under_review"]


# Inquiries --------------------------------------------------------------------------------------


def test_an_inquiry_is_shown_with_its_deadline_and_takes_no_money(
    paid, sandbox, anonymous, heard, client_for
):
    dispute(sandbox, paid, inquiry=True, seconds=5 * 86400)

    assert hear(sandbox, anonymous) == {"processed"}

    info = payments.get_payment(paid)
    assert (info.status, info.disputed_minor, info.refundable_minor) == ("captured", 0, 25000)
    [row] = payments.disputes_of([paid])
    assert (row.status, info.attention) == ("inquiry", "inquiry")
    assert abs(row.due_by - timezone.now() - timedelta(days=5)) < timedelta(minutes=1)
    assert [told["inquiry"] for told in heard("payments.dispute_opened")] == [True]
    assert models.Payment.objects.get(pk=paid).next_check_at is not None
    page = client_for("bursar").get(reverse("payments:disputes")).content.decode()
    assert "Inquiry: answer it" in page
    assert "Send evidence" in page
    assert restoring.add_up().problems == ()


def test_a_bank_that_is_content_leaves_everything(paid, sandbox, heard):
    made = dispute(sandbox, paid, inquiry=True)
    control(sandbox, "answer_dispute", dispute=made["id"])
    payments.sync(paid)
    assert payments.disputes_of([paid])[0].status == "inquiry_answered"
    control(sandbox, "close_dispute", dispute=made["id"], status="won")
    payments.sync(paid)
    payments.sync(paid)

    assert [row.status for row in payments.disputes_of([paid])] == ["inquiry_closed"]
    info = payments.get_payment(paid)
    assert (info.status, info.attention, payments.kept_minor()) == ("captured", "", 25000)
    assert heard("payments.dispute_won") == heard("payments.dispute_lost") == []


def test_an_inquiry_that_becomes_a_dispute_is_booked_then(paid, sandbox, heard):
    made = dispute(sandbox, paid, inquiry=True)
    payments.sync(paid)
    control(sandbox, "escalate_inquiry", dispute=made["id"])
    payments.sync(paid)

    info = payments.get_payment(paid)
    assert (info.status, info.disputed_minor, info.refundable_minor) == ("disputed", 25000, 0)
    statuses = [row.status for row in payments.disputes_of([paid])]
    assert statuses == ["open", "inquiry_closed"]
    assert [told["inquiry"] for told in heard("payments.dispute_opened")] == [True, False]

    control(sandbox, "close_dispute", dispute=made["id"], status="lost")
    payments.sync(paid)
    assert payments.get_payment(paid).lost_minor == 25000
    assert len(heard("payments.dispute_lost")) == 1
    assert restoring.add_up().problems == ()


def test_an_inquiry_can_be_refunded(paid, sandbox):
    dispute(sandbox, paid, inquiry=True)
    payments.sync(paid)

    made = payments.request_refund(
        payment_id=paid, amount_minor=25000, reason="r", actor="a", idempotency_key="k"
    )

    assert made.status == "succeeded"
