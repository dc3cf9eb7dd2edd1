"""Handing messages to the mail server."""

import smtplib
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from apps.notifications.models import Attempt, Message
from apps.notifications.services import delivery
from apps.notifications.services.delivery import deliver, send_due
from kernel.errors import Unavailable
from kernel.schools import in_school

from .factories import MessageFactory


@pytest.fixture
def server(monkeypatch):
    """The mail server; set `server.problem` to make it refuse."""

    class Server:
        problem: Exception | None = None

    state = Server()
    real = EmailBackend.send_messages

    def send_messages(self, messages):
        if state.problem is not None:
            raise state.problem
        return real(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
    return state


def test_a_message_is_sent_and_its_link_forgotten(school, mailbox):
    message = MessageFactory(to_address="ana@example.org")

    assert deliver(message_id=message.id) is True

    [sent] = mailbox
    assert sent.to == ["=?utf-8?q?Maria_L=C3=B3pez?= <ana@example.org>"]
    assert sent.from_email.startswith("Lincoln Elementary <")
    assert "?token=s3cret&x=1" in sent.body
    html, kind = sent.alternatives[0]
    assert kind == "text/html"
    assert "?token=s3cret&amp;x=1" in html
    message.refresh_from_db()
    assert message.status == "sent"
    assert message.sent_at is not None
    assert message.personal_link == ""
    assert message.claim is None
    assert [attempt.outcome for attempt in message.attempts.all()] == ["sent"]


def test_a_domain_with_letters_beyond_ascii_is_reached(school, mailbox):
    message = MessageFactory(to_address="ana@españa.es", to_name="Ana")

    assert deliver(message_id=message.id) is True

    [sent] = mailbox
    assert sent.to == ["Ana <ana@xn--espaa-rta.es>"]


def test_a_message_is_not_sent_twice(school, mailbox):
    message = MessageFactory()

    deliver(message_id=message.id)

    assert deliver(message_id=message.id) is False
    assert send_due() == 0
    assert len(mailbox) == 1


def test_the_message_id_is_the_same_for_every_try(school):
    message = MessageFactory()

    first, second = (delivery.build_mail(message, None).message() for _ in range(2))

    assert first["Message-ID"] == f"<{message.id}@lincoln.testserver>"
    assert first["Message-ID"] == second["Message-ID"]


def test_a_server_that_is_down_loses_nothing(school, server, mailbox):
    message = MessageFactory()
    server.problem = ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(Unavailable):
        deliver(message_id=message.id)

    message.refresh_from_db()
    assert message.status == "queued"
    assert message.personal_link
    assert message.last_error == ("The mail server does not answer: [Errno 111] Connection refused")
    assert message.due_at > timezone.now()
    server.problem = None
    assert deliver(message_id=message.id) is True
    assert len(mailbox) == 1
    assert [attempt.outcome for attempt in message.attempts.all()] == ["error", "sent"]


def test_the_last_try_marks_the_message_as_failed(school, server):
    message = MessageFactory()
    server.problem = TimeoutError("timed out")

    assert deliver(message_id=message.id, last_try=True) is False

    message.refresh_from_db()
    assert message.status == "failed"
    assert message.last_error == "The mail server does not answer: timed out"
    assert message.may_retry


def test_a_refused_address_fails_at_once(school, server):
    message = MessageFactory(to_address="gone@example.org")
    server.problem = smtplib.SMTPRecipientsRefused({"gone@example.org": (550, b"No such user")})

    assert deliver(message_id=message.id) is False

    message.refresh_from_db()
    assert message.status == "failed"
    assert message.last_error == "The mail server refused the address: No such user"


def test_a_full_mailbox_is_tried_again(school, server):
    message = MessageFactory()
    server.problem = smtplib.SMTPRecipientsRefused({message.to_address: (452, b"Mailbox full")})

    with pytest.raises(Unavailable):
        deliver(message_id=message.id)

    message.refresh_from_db()
    assert message.status == "queued"


def test_an_address_with_a_line_break_never_reaches_the_server(school, mailbox):
    message = MessageFactory(to_address="ana@example.org\nBcc: all@example.org")

    assert deliver(message_id=message.id) is False

    message.refresh_from_db()
    assert message.status == "failed"
    assert mailbox == []


def test_a_failing_message_does_not_stop_the_others(school, server, mailbox, monkeypatch):
    bad = MessageFactory(to_address="bad@example.org")
    good = MessageFactory(to_address="good@example.org")
    real = EmailBackend.send_messages

    def send_messages(self, messages):
        if "bad@example.org" in messages[0].to[0]:
            raise OSError("broken pipe")
        return real(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)

    assert send_due() == 1

    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("queued", "sent")
    assert send_due() == 0, "the failed one waits for its time"
    assert bad.attempts.count() == 1


def test_a_message_in_other_hands_is_left_alone(school, mailbox):
    message = MessageFactory(status="sending", claimed_until=timezone.now() + timedelta(minutes=1))

    with pytest.raises(Unavailable):
        deliver(message_id=message.id)

    assert mailbox == []


def test_a_claim_that_lapsed_is_taken_over(school, mailbox):
    message = MessageFactory(status="sending", claimed_until=timezone.now() - timedelta(seconds=1))

    assert deliver(message_id=message.id) is True
    assert len(mailbox) == 1


def test_a_worker_whose_claim_was_taken_over_does_not_overwrite_the_outcome(school, monkeypatch):
    message = MessageFactory()

    def slow(self, messages):
        Message.objects.filter(id=message.id).update(status="sent", claim=None)
        raise OSError("too late")

    monkeypatch.setattr(EmailBackend, "send_messages", slow)
    with pytest.raises(Unavailable):
        deliver(message_id=message.id)

    message.refresh_from_db()
    assert message.status == "sent"
    assert Attempt.objects.filter(message=message, outcome="error").count() == 1


def test_what_waits_goes_along_on_the_same_connection(school, mailbox, monkeypatch):
    opened = []
    monkeypatch.setattr(EmailBackend, "open", lambda self: opened.append(self))
    messages = [MessageFactory() for _ in range(5)]
    waiting = MessageFactory(tries=1, due_at=timezone.now() + timedelta(minutes=5))

    assert deliver(message_id=messages[3].id) is True

    assert len(mailbox) == 5
    assert len(set(map(id, opened))) == 1
    assert [deliver(message_id=message.id) for message in messages] == [False] * 5
    waiting.refresh_from_db()
    assert waiting.status == "queued"


def test_the_others_wait_when_the_server_goes_away(school, mailbox, monkeypatch):
    first, second, third = (MessageFactory() for _ in range(3))
    real = EmailBackend.send_messages

    def only_one(self, messages):
        if mailbox:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return real(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", only_one)

    assert deliver(message_id=first.id) is True

    statuses = [Message.objects.get(id=message.id) for message in (second, third)]
    assert [(message.status, message.tries) for message in statuses] == [
        ("queued", 1),
        ("queued", 0),
    ]


def test_two_workers_send_each_message_once(committed_school, mailbox):
    messages = [MessageFactory() for _ in range(20)]
    start = threading.Barrier(2)

    def work():
        try:
            with in_school(committed_school.schema_name):
                start.wait()
                send_due()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(mail.outbox) == 20
    assert sorted(sent.extra_headers["Message-ID"] for sent in mail.outbox) == sorted(
        f"<{message.id}@lincoln.testserver>" for message in messages
    )
    assert Attempt.objects.count() == 20


def test_nothing_of_the_other_school_is_sent(school, in_other_school, mailbox):
    with in_other_school():
        theirs = MessageFactory()

    assert send_due() == 0
    assert deliver(message_id=theirs.id) is False
    assert mailbox == []
