"""From an event of another app to a mail, through the outbox."""

from dataclasses import replace
from datetime import date, timedelta
from io import StringIO

import pytest
from babel.dates import format_date
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from apps.activities.events import SignupConfirmed, SignupWaitlisted
from apps.events import facade as events
from apps.fees import facade as fees
from apps.fees.events import FamilyBilled, FamilyLinkRequested
from apps.identity import facade as identity
from apps.notifications import handlers
from apps.notifications.models import Message
from apps.notifications.services.delivery import MAX_TRIES
from apps.payments.events import Line, PaymentCaptured, RefundCompleted
from apps.students.tests.factories import GuardianFactory, StudentFactory
from kernel.ids import uuid7

pytestmark = pytest.mark.usefixtures("school")

# Three days ago, at an hour when Chicago's day is still the one before.
AT = (timezone.now() - timedelta(days=3)).replace(hour=2, minute=30)
CHICAGO_DAY = format_date(AT - timedelta(days=1), "long", locale="en")


def publish(event):
    with transaction.atomic():
        return events.publish(event, stream_type="test", stream_id=uuid7())


def captured(**changes):
    event = PaymentCaptured(
        payment_id=uuid7(),
        payer_id=uuid7(),
        payer_name="Mina Park",
        payer_email="mina@example.org",
        amount_minor=25050,
        currency="USD",
        method="card",
        lines=(Line(reference="x", description="Ada Park: term fee", amount_minor=25050),),
        captured_at=AT,
    )
    return replace(event, **changes)


def test_an_invited_person_gets_one_mail_with_a_working_link(drain, mailbox, anonymous):
    identity.invite_user(
        email="ben@example.org", name="Ben Ortiz", roles=["bursar"], invited_by="admin@example.org"
    )

    drain()

    [mail] = mailbox
    assert mail.subject == "Your invitation to Lincoln Elementary"
    assert "Hello Ben Ortiz," in mail.body
    link = next(line for line in mail.body.splitlines() if "/invitation/" in line)
    assert link.startswith("http://lincoln.testserver/invitation/")
    page = anonymous().get(link.removeprefix("http://lincoln.testserver"), follow=True)
    assert page.status_code == 200


def test_the_same_event_delivered_twice_makes_one_message(drain, mailbox):
    event = captured()
    event_id = publish(event)
    drain()
    again = events.Delivery(
        event=event,
        event_id=event_id,
        event_type=event.name,
        version=1,
        stream_type="payment",
        stream_id=event.payment_id,
        occurred_at=AT,
        schema_name="t_000001",
        actor="",
        trace_id="",
        attempt=2,
    )

    handlers.send_receipt_on_payment_captured(again)
    drain()

    assert Message.objects.filter(event_id=event_id).count() == 1
    assert len([mail for mail in mailbox if mail.subject.endswith("$250.50")]) == 1


def test_a_payer_the_school_does_not_know_gets_a_receipt_without_a_link(drain, mailbox):
    publish(captured())

    drain()

    [mail] = [mail for mail in mailbox if "receipt" in mail.subject]
    assert mail.subject == "Lincoln Elementary: receipt for $250.50"
    assert f"on {CHICAGO_DAY}" in mail.body, "the day in the school's own zone"
    assert "- Ada Park: term fee: $250.50" in mail.body
    assert "See the receipt" not in mail.alternatives[0][0]


def test_a_payment_of_long_ago_is_no_news(drain, mailbox):
    publish(captured(captured_at=AT - timedelta(days=60)))

    drain()

    assert mailbox == []
    assert Message.objects.count() == 0


def test_a_guardian_gets_the_receipt_in_their_own_language_with_a_link(drain, mailbox):
    guardian = GuardianFactory(email="mina@example.org", language="es")

    publish(captured(payer_id=guardian.id))
    drain()

    message = Message.objects.get(kind="receipt")
    assert message.language == "es"
    assert message.guardian_id == guardian.id
    [mail] = [mail for mail in mailbox if "250,50" in mail.subject]
    assert "http://lincoln.testserver/" in mail.body


def test_a_refund_is_told_with_its_reason(drain, mailbox):
    publish(
        RefundCompleted(
            refund_id=uuid7(),
            payment_id=uuid7(),
            payer_id=uuid7(),
            payer_name="Mina Park",
            payer_email="mina@example.org",
            amount_minor=5000,
            currency="USD",
            reason="Trip was cancelled",
            completed_at=AT,
        )
    )

    drain()

    [mail] = [mail for mail in mailbox if "refund" in mail.subject]
    assert mail.subject == "Lincoln Elementary: refund of $50.00"
    assert "Reason: Trip was cancelled" in mail.body


def billed(guardian, invoice_ids, total):
    return FamilyBilled(
        billing_run_id=uuid7(),
        guardian_id=guardian.id,
        guardian_name=guardian.name,
        guardian_email=guardian.email,
        language="en",
        invoice_ids=invoice_ids,
        total_minor=total,
        currency="USD",
        due_on=date(2026, 9, 15),
    )


def test_a_family_gets_one_mail_for_all_children(drain, mailbox, monkeypatch):
    guardian = GuardianFactory(name="Maria Lopez", email="maria@example.org")
    ada = invoice("Ada Lopez", "Term fee", 30000)
    leo = invoice("Leo Lopez", "Term fee", 15000)
    monkeypatch.setattr(fees, "get_invoices", lambda invoice_ids: [ada, leo])

    publish(billed(guardian, [ada.id, leo.id], 45000))
    drain()

    [mail] = mailbox
    assert mail.subject == "Lincoln Elementary: $450.00 due on September 15, 2026"
    assert "Ada Lopez\n- Term fee: $300.00" in mail.body
    assert "Leo Lopez\n- Term fee: $150.00" in mail.body
    assert "Pay $450.00" in mail.alternatives[0][0]
    assert "http://lincoln.testserver/family/" in mail.body


def invoice(student_name, title, minor):
    from apps.fees.contracts import InvoiceInfo

    return InvoiceInfo(
        id=uuid7(),
        number="1",
        title=title,
        student_id=uuid7(),
        student_name=student_name,
        class_name="1A",
        issued_on=date(2026, 9, 1),
        due_on=date(2026, 9, 15),
        currency="USD",
        charged_minor=minor,
        paid_minor=0,
        balance_minor=minor,
        status="open",
    )


def test_a_guardian_without_an_address_gets_no_mail(drain, mailbox):
    guardian = GuardianFactory(email="")

    publish(billed(guardian, [], 45000))
    drain()

    assert Message.objects.count() == 0
    assert mailbox == []


def test_a_requested_family_link_is_sent(drain, mailbox):
    guardian = GuardianFactory(email="maria@example.org", name="Maria Lopez")

    publish(
        FamilyLinkRequested(
            guardian_id=guardian.id,
            guardian_name="Maria Lopez",
            guardian_email="maria@example.org",
            language="en",
        )
    )
    drain()

    [mail] = mailbox
    assert mail.subject == "Your family's account at Lincoln Elementary"
    assert "http://lincoln.testserver/family/" in mail.body


@pytest.mark.parametrize(
    ("event_class", "subject"),
    [
        (SignupConfirmed, "Ada Lopez has a place: Chess & Go"),
        (SignupWaitlisted, "Ada Lopez is on the waiting list: Chess & Go"),
    ],
)
def test_every_paying_guardian_hears_of_a_sign_up(drain, mailbox, event_class, subject):
    guardians = [
        GuardianFactory(email="one@example.org"),
        GuardianFactory(email="two@example.org"),
        GuardianFactory(email=""),
    ]
    child = StudentFactory(first_name="Ada", last_name="Lopez", guardians=guardians)

    publish(
        event_class(
            signup_id=uuid7(),
            activity_id=uuid7(),
            activity_title="Chess & Go",
            starts_at=AT,
            student_id=child.id,
            fee_minor=0,
            currency="USD",
        )
    )
    drain()

    told = [mail for mail in mailbox if mail.subject == subject]
    assert sorted(mail.to[0] for mail in told) == [
        f"{guardians[0].name} <one@example.org>",
        f"{guardians[1].name} <two@example.org>",
    ]
    assert "Chess &amp; Go" in told[0].alternatives[0][0]


def test_a_sign_up_with_a_fee_sends_the_bill_with_a_link_that_opens(drain, mailbox, anonymous):
    guardian = GuardianFactory(email="one@example.org")
    child = StudentFactory(first_name="Ada", last_name="Lopez", guardians=[guardian])

    publish(
        SignupConfirmed(
            signup_id=uuid7(),
            activity_id=uuid7(),
            activity_title="Ski trip",
            starts_at=AT,
            student_id=child.id,
            fee_minor=2500,
            currency="USD",
        )
    )
    drain()

    place, bill = sorted(mailbox, key=lambda mail: "due on" in mail.subject)
    assert "The fee is $25.00." in place.body
    assert "Ada Lopez" in bill.body
    assert "Ski trip: $25.00" in bill.body
    assert "Pay $25.00" in bill.alternatives[0][0]
    link = next(line for line in bill.body.splitlines() if "/family/" in line)
    page = anonymous().get(link.removeprefix("http://lincoln.testserver"), follow=True)
    assert page.status_code == 200
    assert "$25.00" in page.content.decode()


def test_a_mail_server_that_is_down_neither_stops_the_outbox_nor_loses_the_mail(
    drain, mailbox, monkeypatch
):
    def refuse(self, messages):
        raise ConnectionRefusedError(111, "Connection refused")

    with monkeypatch.context() as down:
        down.setattr(EmailBackend, "send_messages", refuse)
        publish(captured())
        drain()
        message = Message.objects.get()
        assert message.status == "queued"
        assert message.attempts.count() == 1

    assert handlers.mail.deliver(message_id=message.id) is True
    assert len(mailbox) == 1


def test_a_server_that_stays_down_leads_to_a_visible_failure_and_back(
    drain, mailbox, monkeypatch, settings, client_for
):
    settings.OUTBOX = {"backoff_base": 0.0}

    def refuse(self, messages):
        raise ConnectionRefusedError(111, "Connection refused")

    with monkeypatch.context() as down:
        down.setattr(EmailBackend, "send_messages", refuse)
        publish(captured())
        drain()
    message = Message.objects.get()
    assert message.status == "failed"
    assert message.attempts.count() == MAX_TRIES
    office = client_for("office")
    assert "1 message could not be sent." in office.get("/portal/messages/").content.decode()
    status = StringIO()
    call_command("dead_letters", "list", stdout=status)
    assert "message_queued" not in status.getvalue(), "the outbox is done with it"

    office.post(f"/portal/messages/{message.id}/retry/")
    drain()

    message.refresh_from_db()
    assert message.status == "sent"
    assert len(mailbox) == 1
